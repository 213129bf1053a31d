// Every fault of a name server, on each record that a verdict needs, through the whole engine and
// over real sockets: what cannot be known is temperror and nothing else, it costs no more than the
// budget of time, and it is over when the server is well.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "authres/authentication_results.h"
#include "dns/make_resolver.h"
#include "session/checks.h"
#include "support/dkim_signer.h"
#include "support/dns_server.h"
#include "support/session_gate.h"

namespace sekisho::session {

namespace {

using namespace std::chrono_literals;
using policy::Action;
using std::chrono::milliseconds;
using test::DnsServer;
using test::Gate;
using test::Letter;
using Fault = DnsServer::Fault;

constexpr milliseconds one_question = 300ms;
constexpr milliseconds message_budget = 1s;
// A busy machine may stand still for seconds. What the session itself allows is held against the
// budget to the moment.
constexpr milliseconds overrun = 10s;
constexpr milliseconds recovery = 15s;

enum class Record { spf, dkim, dmarc };

// The name whose TXT record it is.
std::string name_of(Record record) {
  switch (record) {
    case Record::spf:
      return "a.example";
    case Record::dkim:
      return "sel._domainkey.a.example";
    case Record::dmarc:
      return "_dmarc.a.example";
  }
  return {};
}

// Keys are dear to make, and one is as good as another.
const test::SigningKey& key() {
  static const auto made = test::SigningKey::ed25519();
  return made;
}

// a.example asks for p=reject, b.example is some other domain of the same client. The records of
// the names in `uncached` are asked for again for every message, the others once.
std::string zone(const std::vector<Record>& uncached) {
  const auto txt = [&](Record record, const std::string& text) {
    const bool again = std::find(uncached.begin(), uncached.end(), record) != uncached.end();
    return name_of(record) + ". " + (again ? "0" : "300") + " TXT \"" + text + "\"\n";
  };
  return "$TTL 300\n"
         "example.                 SOA ns. root. 1 3600 600 86400 300\n"
         "mx.a.example.            A    192.0.2.10\n"
         "mx.a.example.            TXT  \"v=spf1 a -all\"\n"
         "10.2.0.192.in-addr.arpa. PTR  mx.a.example.\n"
         "b.example.               TXT  \"v=spf1 ip4:192.0.2.10 -all\"\n" +
         txt(Record::spf, "v=spf1 ip4:192.0.2.10 -all") + txt(Record::dkim, key().record()) +
         txt(Record::dmarc, "v=DMARC1; p=reject");
}

struct Timing {
  milliseconds one_question = session::one_question;
  milliseconds message_budget = session::message_budget;
};

// A gate whose resolver asks a name server on loopback.
class Lab {
 public:
  using Configure = std::function<void(Snapshot&)>;
  explicit Lab(const std::string& zone_text, Timing timing = {}, const Configure& configure = {})
      : server_(zone_text), budget_(timing.message_budget) {
    auto snapshot = test::snapshot_on_zone("");
    snapshot.dns.servers = {server_.address()};
    snapshot.dns.timeout = timing.one_question;
    snapshot.dns.message_budget = timing.message_budget;
    snapshot.resolver = dns::make_resolver(snapshot.dns).value();
    if (configure) configure(snapshot);
    gate_ = std::make_unique<Gate>(std::move(snapshot));
  }

  DnsServer& server() { return server_; }

  // As a front does it: the dialogue takes a while between HELO, MAIL FROM and the header, and the
  // lookups end when their time does.
  Outcome judge(const Letter& letter, milliseconds pause = 0ms) {
    const auto wait = [&] { gate_->queue().run_until([] { return false; }, steady_now() + pause); };
    const auto session = gate_->session();
    test::greet(*session, letter);
    wait();
    session->mail_from({letter.mail_from, letter.authenticated});
    wait();
    const auto begun = steady_now();
    for (const auto& field : letter.fields) session->header(field.name, field.value);
    session->end_of_header();
    session->body(letter.body);
    std::optional<Outcome> outcome;
    session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
    if (!outcome) {
      EXPECT_LE(session->deadline() - steady_now(), budget_);
    }
    const auto done = [&] { return outcome.has_value(); };
    if (!gate_->queue().run_until(done, session->deadline())) session->expire();
    if (!outcome) throw std::logic_error("no outcome after the deadline");
    took = std::chrono::duration_cast<milliseconds>(steady_now() - begun);
    return *outcome;
  }
  milliseconds took{0};

  // "a.example TXT" of what the server was asked since the last call, each once.
  std::vector<std::string> asked() {
    const auto all = server_.asked();
    std::vector<std::string> names;
    for (auto at = all.begin() + static_cast<std::ptrdiff_t>(heard_); at != all.end(); ++at) {
      names.push_back(dns::to_string(*at));
    }
    heard_ = all.size();
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }

 private:
  DnsServer server_;
  milliseconds budget_;
  std::unique_ptr<Gate> gate_;
  std::size_t heard_ = 0;
};

// What the message came to, as our field says it to the reader of the mail.
struct Results {
  std::string spf, dkim, dmarc;
  Action action;
  bool operator==(const Results&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Results& results) {
  return out << "spf=" << results.spf << " dkim=" << results.dkim << " dmarc=" << results.dmarc
             << " " << to_string(results.action);
}

std::string method(const Outcome& outcome, const std::string& name, const std::string& property) {
  const auto field = authres::parse(outcome.authentication_results, authres::Syntax::strict);
  if (!field) return "unreadable";
  for (const auto& result : field->results) {
    const auto has = [&](const authres::Property& p) { return p.name == property; };
    const auto& properties = result.properties;
    if (result.method != name) continue;
    if (property.empty() || std::any_of(properties.begin(), properties.end(), has)) {
      return result.result;
    }
  }
  return "absent";
}

Results results_of(const Outcome& outcome) {
  return {method(outcome, "spf", "mailfrom"), method(outcome, "dkim", ""),
          method(outcome, "dmarc", ""), outcome.verdict.message.action};
}

// The front is told to add our field, with that result in it.
bool is_published(const Outcome& outcome) {
  const auto& edits = outcome.verdict.edits;
  return std::any_of(edits.begin(), edits.end(), [&](const policy::Edit& edit) {
    return edit.name == "Authentication-Results" && edit.value == outcome.authentication_results;
  });
}

struct Mail {
  const char* name;
  Record broken;
  const char* mail_from;
  bool is_signed;
  Results well, ill;
};

// `ill` is what it comes to while the one record cannot be had, with [dmarc] temperror =
// "tempfail".
const Mail mails[] = {
    {"SPF alone could align",
     Record::spf,
     "bob@a.example",
     false,
     {"pass", "none", "pass", Action::accept},
     {"temperror", "none", "temperror", Action::tempfail}},
    {"SPF broken, but DKIM aligns",
     Record::spf,
     "bob@a.example",
     true,
     {"pass", "pass", "pass", Action::accept},
     {"temperror", "pass", "pass", Action::accept}},
    {"DKIM alone could align",
     Record::dkim,
     "x@b.example",
     true,
     {"pass", "pass", "pass", Action::accept},
     {"pass", "temperror", "temperror", Action::tempfail}},
    {"DKIM broken, but SPF aligns",
     Record::dkim,
     "bob@a.example",
     true,
     {"pass", "pass", "pass", Action::accept},
     {"pass", "temperror", "pass", Action::accept}},
    {"DMARC's record, all is aligned",
     Record::dmarc,
     "bob@a.example",
     true,
     {"pass", "pass", "pass", Action::accept},
     {"pass", "pass", "temperror", Action::accept}},
    {"DMARC's record, nothing is aligned",
     Record::dmarc,
     "x@b.example",
     false,
     {"pass", "none", "fail", Action::quarantine},
     {"pass", "none", "temperror", Action::tempfail}},
};

Letter letter_of(const char* mail_from, bool is_signed) {
  Letter letter;
  letter.mail_from = mail_from;
  if (!is_signed) return letter;
  test::SignatureTags tags;
  tags.fields = "from:subject";
  mail::Header header;
  for (const auto& field : letter.fields) header.add(field);
  letter.fields.insert(letter.fields.begin(), test::sign(key(), tags, header, letter.body));
  return letter;
}

struct Trouble {
  const char* name;
  Fault fault = Fault::none;
  bool survived = false;  // the answer comes through in spite of it
  milliseconds delay{0};  // of every reply
  bool dies = false;      // the port is closed
  Timing timing{};

  // An answer that comes through has its time on a busy machine too.
  Timing times() const { return survived ? Timing{2s, 6s} : timing; }
  void begin(DnsServer& server) const {
    server.fail_with(fault);
    server.delay(delay);
    if (dies) server.stop();
  }
  static void end(DnsServer& server) {
    server.fail_with(Fault::none);
    server.delay(0ms);
    server.start();
  }
};

const Trouble troubles[] = {
    {"Drop", Fault::drop},
    {"SlowWithinTheTime", Fault::none, true, 100ms},
    {"SlowBeyondTheTime", Fault::none, false, 5s},
    {"SlowBeyondTheBudget", Fault::none, false, 4500ms, false, {5s, 1s}},
    {"DropBeyondTheBudget", Fault::drop, false, 0ms, false, {5s, 1s}},
    {"Servfail", Fault::servfail},
    {"Refused", Fault::refused},
    {"Notimp", Fault::notimp},
    {"Formerr", Fault::formerr},
    {"FormerrToEdns", Fault::formerr_to_edns, true},
    {"Truncated", Fault::truncate, true},
    {"TruncatedDeadTcp", Fault::truncate_dead_tcp},
    {"TruncatedMuteTcp", Fault::truncate_mute_tcp},
    {"WrongId", Fault::wrong_id},
    {"WrongQuestion", Fault::wrong_question},
    {"WrongCase", Fault::wrong_case, true},
    {"TwoQuestions", Fault::two_questions},
    {"NotAResponse", Fault::not_a_response},
    {"ForgedFirst", Fault::forged_first, true},
    {"Garbage", Fault::garbage},
    {"EmptyPacket", Fault::empty_packet},
    {"LabelOverrun", Fault::label_overrun},
    {"CompressionLoop", Fault::compression_loop},
    {"ForwardPointer", Fault::forward_pointer},
    {"LongLabel", Fault::long_label},
    {"RdataOverrun", Fault::rdata_overrun},
    {"StringOverrun", Fault::string_overrun},
    {"CountLie", Fault::count_lie},
    {"CnameLoop", Fault::cname_loop},
    {"CnameToItself", Fault::cname_to_itself},
    {"Referral", Fault::referral},
    {"ThousandsOfRecords", Fault::many_records, true},
    {"DiesAndComesBack", Fault::none, false, 0ms, true},
};

// The server is well, and so are messages, soon: the failure that it spoke of is kept for a few
// seconds, and one that it did not speak of not at all.
void expect_well(Lab& lab, const Letter& letter, const Results& well) {
  const auto until = steady_now() + recovery;
  auto results = results_of(lab.judge(letter));
  while (results != well && steady_now() < until) {
    std::this_thread::sleep_for(50ms);
    results = results_of(lab.judge(letter));
  }
  EXPECT_EQ(results, well) << "with a server that is well";
}

// One cell of the grid. All but the one record is in the cache when the trouble begins, so it hits
// that record alone.
void run_cell(const Trouble& trouble, const Mail& mail, policy::OnTemperror on_temperror) {
  const bool tempfail = on_temperror == policy::OnTemperror::tempfail;
  SCOPED_TRACE(std::string(mail.name) + (tempfail ? "" : ", temperror accepted"));
  Lab lab(zone({mail.broken}), trouble.times(),
          [&](Snapshot& s) { s.rules.defaults.dmarc.temperror = on_temperror; });
  const Letter letter = letter_of(mail.mail_from, mail.is_signed);
  expect_well(lab, letter, mail.well);
  lab.asked();

  trouble.begin(lab.server());
  const auto outcome = lab.judge(letter);
  Results want = trouble.survived ? mail.well : mail.ill;
  if (want.action == Action::tempfail && !tempfail) want.action = Action::accept;
  EXPECT_EQ(results_of(outcome), want) << outcome.authentication_results;
  EXPECT_EQ(is_published(outcome), want.action != Action::tempfail);
  if (want.action == Action::tempfail && outcome.verdict.message.reply) {
    EXPECT_TRUE(outcome.verdict.message.reply->line().starts_with("451 4.7.1 "));
  }
  EXPECT_LE(lab.took, trouble.times().message_budget + overrun);
  if (!trouble.dies) {
    EXPECT_EQ(lab.asked(), std::vector{name_of(mail.broken) + " TXT"}) << "what the trouble hit";
  }
}

class DnsFault : public testing::TestWithParam<Trouble> {};

// Each cell has a server, a resolver and an engine of its own, and mostly waits: all at once.
TEST_P(DnsFault, OfOneRecord) {
  std::vector<std::future<void>> cells;
  for (const Mail& mail : mails) {
    const auto run = [&](policy::OnTemperror on_temperror) {
      cells.push_back(std::async(std::launch::async,
                                 [&, on_temperror] { run_cell(GetParam(), mail, on_temperror); }));
    };
    run(policy::OnTemperror::tempfail);
    if (mail.ill.action == Action::tempfail) run(policy::OnTemperror::accept);
  }
  for (auto& cell : cells) cell.get();
}

INSTANTIATE_TEST_SUITE_P(Loopback, DnsFault, testing::ValuesIn(troubles),
                         [](const auto& row) { return std::string(row.param.name); });

// Nothing is in the cache and every question meets the trouble, as when the resolver is down.
void run_outage(const Trouble& trouble) {
  SCOPED_TRACE(trouble.name);
  Lab lab(zone({}), trouble.times());
  const Letter letter = letter_of("bob@a.example", true);
  trouble.begin(lab.server());
  const auto outcome = lab.judge(letter);
  const Results well{"pass", "pass", "pass", Action::accept};
  const Results ill{"temperror", "temperror", "temperror", Action::tempfail};
  EXPECT_EQ(results_of(outcome), trouble.survived ? well : ill) << outcome.authentication_results;
  EXPECT_LE(lab.took, trouble.times().message_budget + overrun);
  Trouble::end(lab.server());
  expect_well(lab, letter, well);
}

TEST(DnsFaults, OfEverythingAndTheReturn) {
  std::vector<std::future<void>> outages;
  for (const Trouble& trouble : troubles) {
    outages.push_back(std::async(std::launch::async, [&] { run_outage(trouble); }));
  }
  for (auto& outage : outages) outage.get();
}

// Repetitions bridge a restart of the name server: the message does not notice it.
TEST(DnsFaults, ARestartDuringTheMessageIsBridged) {
  Lab lab(zone({}), {5s, 20s});
  lab.server().stop();
  const auto restart = std::async(std::launch::async, [&] {
    std::this_thread::sleep_for(200ms);
    lab.server().start();
  });
  const auto outcome = lab.judge(letter_of("bob@a.example", true));
  EXPECT_EQ(results_of(outcome), (Results{"pass", "pass", "pass", Action::accept}));
  EXPECT_LE(lab.took, 15s);
}

// Ten answers one after another, each just within its own time: the budget ends it.
TEST(DnsFaults, ASlowChainEndsWithTheBudget) {
  std::string text = "c9.example. TXT \"v=spf1 ip4:192.0.2.10 -all\"\n";
  for (int i = 0; i < 9; ++i) {
    text += "c" + std::to_string(i) + ".example. TXT \"v=spf1 include:c" + std::to_string(i + 1) +
            ".example -all\"\n";
  }
  Lab lab(text, {5s, 1s});
  lab.server().delay(200ms);
  const auto outcome = lab.judge(letter_of("x@c0.example", false));
  EXPECT_EQ(outcome.facts.spf_mail_from.code, spf::Code::temperror);
  EXPECT_NE(outcome.facts.spf_mail_from.reason.find("time budget"), std::string::npos)
      << outcome.facts.spf_mail_from.reason;
  EXPECT_LE(lab.took, message_budget + overrun);
}

std::string numbered(std::string_view pattern, int i) {
  std::string text;
  for (const char c : pattern) text += c == '#' ? std::to_string(i) : std::string(1, c);
  return text;
}

// An SPF record of ten mx terms with ten names each: RFC 7208 §4.6.4 allows its 111 lookups.
std::string mx_bomb(const std::string& domain, const std::string& ttl) {
  std::string text = domain + ". " + ttl + " TXT \"v=spf1";
  for (int i = 0; i < 10; ++i) text += numbered(" mx:m#.", i) + domain;
  text += " -all\"\n";
  for (int i = 0; i < 100; ++i) {
    const std::string host = numbered("h#.", i) + domain + ". ";
    text += numbered("m#.", i / 10) + domain + ". " + ttl + " MX 10 " + host + "\n";
    text += host + ttl + " A 198.51.100.1\n";
  }
  return text;
}

// An SPF record of includes within includes, each with something to look up besides.
std::string include_bomb(const std::string& domain, const std::string& ttl) {
  std::string text = domain + ". " + ttl + " TXT \"v=spf1";
  for (int i = 0; i < 10; ++i) text += numbered(" include:i#.", i) + domain;
  text += " -all\"\n";
  for (int i = 0; i < 10; ++i) {
    text += numbered("i#.", i) + domain + ". " + ttl + " TXT \"v=spf1 mx:m." + domain +
            numbered(" ptr exists:%{i}.x#.", i) + domain + " include:" + domain + " -all\"\n";
  }
  for (int i = 0; i < 30; ++i)
    text += "m." + domain + numbered(". 0 MX 10 h#.", i) + domain + ".\n";
  return text;
}

struct Hostile {
  const char* name;
  std::string (*bomb)(const std::string&, const std::string&);
  const char* ttl;
  std::size_t max_signatures;
};

const Hostile hostiles[] = {
    {"MxBomb", mx_bomb, "300", 10},
    {"MxBombUncacheable", mx_bomb, "0", 10},
    {"MxBombAllKeys", mx_bomb, "300", 50},
    {"IncludeBomb", include_bomb, "300", 10},
    {"IncludeBombUncacheable", include_bomb, "0", 10},
    {"IncludeBombAllKeys", include_bomb, "300", 50},
};

class HostileMessage : public testing::TestWithParam<Hostile> {};

// A bomb as HELO and another as MAIL FROM, a client with 30 names, 60 signatures with 60 keys, an
// author of 40 labels.
TEST_P(HostileMessage, AsksNoMoreThanItsBudget) {
  const auto& [name, bomb, ttl, max_signatures] = GetParam();
  std::string text = bomb("helo.example", ttl) + bomb("from.example", ttl);
  for (int i = 0; i < 30; ++i) {
    text += std::string("10.2.0.192.in-addr.arpa. ") + ttl + numbered(" PTR p#.example.\n", i);
  }
  Letter letter;
  letter.helo = "helo.example";
  letter.mail_from = "x@from.example";
  std::string author = " x@";
  for (int i = 0; i < 39; ++i) author += numbered("l#.", i);
  letter.fields = {{"From", author + "example"}};
  for (int i = 0; i < 60; ++i) {
    letter.fields.push_back({"DKIM-Signature", numbered(" v=1; a=rsa-sha256; d=d#.example; s=s; "
                                                        "h=from; bh=AAAA; b=AAAA",
                                                        i)});
  }
  dkim::Options options;
  options.max_signatures = max_signatures;
  const std::size_t most = Checks::most_questions(options);
  // What is asked twice would be so each time; what is repeated because the machine stood still
  // would not.
  std::size_t sent = most + 1;
  for (int attempt = 0; attempt < 3 && sent > most; ++attempt) {
    Lab lab(text, {5s, 20s}, [&](Snapshot& s) { s.dkim.max_signatures = max_signatures; });
    const auto outcome = lab.judge(letter, 150ms);
    sent = lab.server().udp_queries() + lab.server().tcp_queries();
    EXPECT_GE(sent, 30U) << "it is a bomb after all";
    EXPECT_LE(outcome.facts.dns_questions, most);
    EXPECT_EQ(outcome.facts.dmarc.queries.size(), 8U) << "RFC 9989 §4.10: the walk is short";
  }
  EXPECT_LE(sent, most);
}

INSTANTIATE_TEST_SUITE_P(Loopback, HostileMessage, testing::ValuesIn(hostiles),
                         [](const auto& row) { return std::string(row.param.name); });

// Questions about a sender's own names must not keep us from reading the policy of the forged
// author: temperror would let the mail through in the end.
TEST_P(HostileMessage, LeavesTheForgedAuthorsPolicyReadable) {
  const auto& [name, bomb, ttl, max_signatures] = GetParam();
  Lab lab(bomb("helo.example", ttl) + bomb("from.example", ttl) +
              "_dmarc.victim.example. TXT \"v=DMARC1; p=none; sp=none; np=reject\"\n"
              "_dmarc.strict.example. TXT \"v=DMARC1; p=reject\"\n"
              "strict.example. TXT \"v=spf1 include:s1.strict.example -all\"\n"
              "s1.strict.example. TXT \"v=spf1 -all\"\n",
          {5s, 20s}, [&](Snapshot& s) { s.dkim.max_signatures = max_signatures; });
  const std::pair<const char*, const char*> forgeries[] = {
      {"x@from.example", "x@strict.example"},
      {"x@from.example", "x@no.such.name.victim.example"},
      {"x@strict.example", "x@strict.example"},  // its SPF is below the HELO bomb
  };
  for (const auto& [mail_from, author] : forgeries) {
    Letter letter;
    letter.helo = "helo.example";
    letter.mail_from = mail_from;
    letter.fields = {{"From", std::string(" ") + author}};
    for (int i = 0; i < 60; ++i) {
      letter.fields.push_back({"DKIM-Signature", numbered(" v=1; a=rsa-sha256; d=d#.example; s=s; "
                                                          "h=from; bh=AAAA; b=AAAA",
                                                          i)});
    }
    const auto outcome = lab.judge(letter, 150ms);
    EXPECT_EQ(outcome.facts.dmarc.code, dmarc::Code::fail)
        << author << ": " << outcome.facts.dmarc.reason;
    EXPECT_EQ(outcome.facts.dmarc.requested, dmarc::Policy::reject) << author;
  }
}

// The same by time: the sender's own names answer too late, and the question whether the author
// exists must not have to wait for them.
TEST(DnsFaults, SlowNamesOfTheSendersLeaveTheForgedAuthorsPolicyReadable) {
  std::string text =
      "_dmarc.victim.example. TXT \"v=DMARC1; p=none; sp=none; np=reject\"\n"
      "from.example. TXT \"v=spf1 include:late.example -all\"\n"
      ";!timeout late.example\n";
  Lab lab(text, {10s, 4s});
  Letter letter;
  letter.mail_from = "x@from.example";
  letter.fields = {{"From", " x@no.such.name.victim.example"}};
  const auto outcome = lab.judge(letter);
  EXPECT_EQ(outcome.facts.spf_mail_from.code, spf::Code::temperror);
  EXPECT_EQ(outcome.facts.dmarc.code, dmarc::Code::fail) << outcome.facts.dmarc.reason;
  EXPECT_EQ(outcome.facts.dmarc.requested, dmarc::Policy::reject);
}

}  // namespace

}  // namespace sekisho::session
