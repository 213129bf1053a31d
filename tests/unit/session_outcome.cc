// Whole messages through the engine, on a zone: the outcome, our field's exact text, the edits.
#include <regex>

#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "authres/authentication_results.h"
#include "session/conclusion.h"

#include "support/dkim_signer.h"
#include "support/session_gate.h"

namespace sekisho::session {

namespace {

using test::Gate;
using test::Letter;
using test::snapshot_on_zone;

const char* const zone = R"(
mx.a.example.        A    192.0.2.10
mx.a.example.        TXT  "v=spf1 a -all"
10.2.0.192.in-addr.arpa. PTR mx.a.example.
a.example.           TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.    TXT  "v=DMARC1; p=reject"
b.example.           TXT  "v=spf1 ip4:198.51.100.1 -all"
example.jp.          TXT  "v=spf1 -all"
_dmarc.example.jp.   TXT  "v=DMARC1; p=reject"
late.example.        TXT  "v=spf1 -all"
;!timeout _dmarc.late.example
)";

Letter from(std::string mail_from, std::string author) {
  Letter letter;
  letter.mail_from = std::move(mail_from);
  letter.fields = {{"From", " " + author}};
  return letter;
}

// Ids differ from run to run.
std::string without_id(const std::string& text) {
  static const std::regex id("[0-9A-Z]{4}-[0-9A-Z]{4}");
  return std::regex_replace(text, id, "ID");
}

std::string edits_text(const policy::Verdict& verdict) {
  std::string text;
  for (const auto& edit : verdict.edits) {
    if (edit.kind == policy::Edit::Kind::remove) {
      text += "-" + edit.name + "#" + std::to_string(edit.index) + ";";
    } else {
      text += "+" + edit.name + ";";
    }
  }
  return text;
}

TEST(Outcome, OfAMessageThatPasses) {
  Gate gate(snapshot_on_zone(zone));
  const auto outcome = gate.judge(Letter{});
  EXPECT_EQ(outcome.verdict.message.action, policy::Action::accept);
  EXPECT_EQ(without_id(outcome.authentication_results),
            " mx.example.jp (id=ID);\r\n"
            "\tiprev=pass (mx.a.example) policy.iprev=192.0.2.10;\r\n"
            "\tspf=pass smtp.helo=mx.a.example;\r\n"
            "\tspf=pass smtp.mailfrom=bob@a.example;\r\n"
            "\tdkim=none;\r\n"
            "\tdmarc=pass (p=reject) header.from=a.example policy.dmarc=reject");
  EXPECT_EQ(edits_text(outcome.verdict), "+Authentication-Results;");
  EXPECT_EQ(outcome.held, Outcome::Held::no);
}

TEST(Outcome, OfAForgery) {
  Gate gate(snapshot_on_zone(zone));
  const auto outcome = gate.judge(from("x@b.example", "ceo@a.example"));
  EXPECT_EQ(outcome.verdict.message.action, policy::Action::quarantine);
  EXPECT_EQ(outcome.held, Outcome::Held::by_mta);
  EXPECT_EQ(without_id(outcome.hold_reason), "dmarc: p=reject, not corroborated (id=ID)");
  EXPECT_EQ(edits_text(outcome.verdict), "+X-Sekisho-Disposition;+Authentication-Results;");
  EXPECT_EQ(outcome.verdict.edits[0].value, " quarantine; rule=dmarc");
}

TEST(Outcome, QuarantineAsJunkIsDelivered) {
  auto snapshot = snapshot_on_zone(zone);
  snapshot.options.quarantine.where = QuarantineWhere::junk;
  Gate gate(std::move(snapshot));
  const auto outcome = gate.judge(from("x@b.example", "ceo@a.example"));
  EXPECT_EQ(outcome.verdict.message.action, policy::Action::quarantine);
  EXPECT_EQ(outcome.held, Outcome::Held::no);
}

TEST(Outcome, OurOwnDomainFromOutsideIsRefused) {
  Gate gate(snapshot_on_zone(zone));
  const auto outcome = gate.judge(from("ceo@example.jp", "ceo@example.jp"));
  ASSERT_TRUE(outcome.verdict.message.reply);
  EXPECT_EQ(without_id(outcome.verdict.message.reply->line()),
            "550 5.7.1 rejected by DMARC policy for example.jp (id=ID)");
  EXPECT_TRUE(outcome.verdict.edits.empty());
}

TEST(Outcome, ABrokenAuthorSignatureIsATrace) {
  Gate gate(snapshot_on_zone(zone));
  auto letter = from("ceo@example.jp", "ceo@example.jp");
  letter.fields.insert(letter.fields.begin(),
                       {"DKIM-Signature",
                        " v=1; a=rsa-sha256; d=example.jp; s=gone; h=from; "
                        "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"});
  EXPECT_EQ(gate.judge(letter).verdict.message.action, policy::Action::quarantine);
}

// A key in the DNS that does not come: temperror, and 4xx as the rule says.
TEST(Outcome, ADmarcPolicyThatCannotBeReadDefers) {
  Gate gate(snapshot_on_zone(zone));
  const auto outcome = gate.judge(from("x@late.example", "x@late.example"));
  EXPECT_EQ(outcome.facts.dmarc.code, dmarc::Code::temperror);
  EXPECT_EQ(outcome.verdict.message.action, policy::Action::tempfail);
  EXPECT_EQ(gate.engine().deferrals().size(), 1U);
  const auto again = gate.judge(from("x@late.example", "x@late.example"));
  EXPECT_TRUE(again.facts.deferred_for.has_value());
}

TEST(Outcome, ASignatureThatPassesAlignsAlone) {
  const auto key = test::SigningKey::ed25519();
  Gate gate(snapshot_on_zone(std::string(zone) + "sel._domainkey.a.example. TXT \"" + key.record() +
                             "\"\n"));
  auto letter = from("x@b.example", "bob@a.example");
  test::SignatureTags tags;
  tags.fields = "from";
  mail::Header header;
  for (const auto& field : letter.fields) header.add(field);
  letter.fields.insert(letter.fields.begin(), test::sign(key, tags, header, letter.body));
  const auto outcome = gate.judge(letter);
  EXPECT_EQ(outcome.facts.dkim.at(0).code, dkim::Code::pass);
  EXPECT_EQ(outcome.verdict.message.action, policy::Action::accept);
  EXPECT_TRUE(outcome.facts.dmarc.aligned_dkim);
  EXPECT_FALSE(outcome.facts.dmarc.aligned_spf);
}

struct StripCase {
  const char* name;
  std::vector<mail::HeaderField> fields;
  std::string removals;
  bool worse = false;  // it makes the message look worse: of a trusted client it stays
};

const StripCase strip_cases[] = {
    {"ours",
     {{"Authentication-Results", " mx.example.jp; spf=pass"}},
     "-Authentication-Results#1;"},
    {"an alias",
     {{"Authentication-Results", " old.example.jp; spf=pass"}},
     "-Authentication-Results#1;"},
    {"somebody else's", {{"Authentication-Results", " mx.b.example; spf=pass"}}, ""},
    {"from the last to the first",
     {{"Authentication-Results", " mx.example.jp; a=pass"},
      {"authentication-results", " mx.b.example; a=pass"},
      {"AUTHENTICATION-RESULTS", " \"MX.example.jp\"; a=pass"}},
     "-AUTHENTICATION-RESULTS#3;-Authentication-Results#1;"},
    {"our disposition",
     {{"X-Sekisho-Disposition", " tag; rule=spf"}},
     "-X-Sekisho-Disposition#1;",
     true},
    {"each name has its own numbers",
     {{"X-Sekisho-Disposition", " x"},
      {"Authentication-Results", " mx.example.jp; a=pass"},
      {"X-Sekisho-Disposition", " y"}},
     "-X-Sekisho-Disposition#2;-Authentication-Results#1;-X-Sekisho-Disposition#1;"},
};

TEST(Edits, ForgedFieldsAreRemovedFromTrustedMailToo) {
  auto snapshot = snapshot_on_zone(zone);
  snapshot.options.identity.authserv_aliases = {"old.example.jp"};
  Gate gate(std::move(snapshot));
  for (const auto& c : strip_cases) {
    Letter letter;
    letter.fields.insert(letter.fields.end(), c.fields.begin(), c.fields.end());
    EXPECT_EQ(edits_text(gate.judge(letter).verdict), c.removals + "+Authentication-Results;")
        << c.name;
    for (const char* trusted : {"127.0.0.1", "unix"}) {
      letter.client = trusted;
      EXPECT_EQ(edits_text(gate.judge(letter).verdict), c.worse ? "" : c.removals) << c.name;
    }
    letter.client = "192.0.2.99";
    letter.authenticated = true;
    const auto outcome = gate.judge(letter);
    EXPECT_EQ(edits_text(outcome.verdict), c.removals) << c.name;
    EXPECT_EQ(outcome.authentication_results, "") << c.name;
  }
}

// A field behind as many as we keep is forged all the same.
TEST(Edits, ForgedFieldsBeyondTheLimitsAreRemoved) {
  Gate gate(snapshot_on_zone(zone));
  Letter letter;
  letter.client = "127.0.0.1";
  letter.fields.assign(10'001, {"X-Filler", " x"});
  letter.fields.push_back({"Authentication-Results", " mx.example.jp; dmarc=pass"});
  const auto outcome = gate.judge(letter);
  EXPECT_TRUE(outcome.facts.header_over_limits);
  EXPECT_EQ(edits_text(outcome.verdict), "-Authentication-Results#1;");
}

// The MTA waits from the end of the message on; the time that the client took for the message does
// not count.
TEST(Counters, EachMessageOnceAndItsDecisionFromItsEndOn) {
  Gate gate(snapshot_on_zone(zone));
  const auto session = gate.session();
  greet(*session, Letter());
  session->mail_from({"bob@a.example", false});
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  std::optional<Outcome> outcome;
  session->end_of_header();
  session->end_of_message("", [&](const Outcome& reached) { outcome = reached; });
  gate.queue().run_until([&] { return outcome.has_value(); }, session->deadline());
  ASSERT_TRUE(outcome);
  EXPECT_GE(outcome->facts.elapsed, std::chrono::milliseconds(60));
  EXPECT_LT(outcome->facts.decided_in, std::chrono::milliseconds(60));
  const auto& counters = gate.engine().counters();
  const auto decided = counters.decision.snapshot();
  EXPECT_EQ(decided.count, 1U);
  EXPECT_EQ(decided.sum, outcome->facts.decided_in);
  EXPECT_EQ(counters.dmarc[dmarc::Code::permerror], 1U) << "no author";
  EXPECT_EQ(counters.dkim[dkim::Code::none], 1U);
}

struct ExemptCase {
  const char* client;
  bool authenticated;
  policy::Role role;
  policy::Exemption exemption;
};

TEST(Exemption, WhoIsNotEvaluated) {
  using policy::Exemption;
  using policy::Role;
  const ExemptCase cases[] = {
      {"127.0.0.1", false, Role::mx, Exemption::trusted_network},
      {"::1", false, Role::mx, Exemption::trusted_network},
      {"::ffff:127.0.0.1", false, Role::mx, Exemption::trusted_network},
      {"unix", false, Role::mx, Exemption::unix_socket},
      {"192.0.2.10", true, Role::submission, Exemption::authenticated},
      {"192.0.2.10", true, Role::mx, Exemption::authenticated},
      {"192.0.2.10", false, Role::submission, Exemption::none},
      {"192.0.2.10", false, Role::local, Exemption::none},
      {"", false, Role::mx, Exemption::none},
      {"::", false, Role::mx, Exemption::none},
  };
  Gate gate(snapshot_on_zone(zone));
  for (const auto& c : cases) {
    Letter letter;
    letter.client = c.client;
    letter.authenticated = c.authenticated;
    const auto outcome = gate.judge(letter, c.role);
    EXPECT_EQ(to_string(outcome.facts.exemption), to_string(c.exemption)) << c.client;
  }
  EXPECT_EQ(gate.engine().counters().exempt, 6U);
}

TEST(Exemption, AuthenticatedMayBeEvaluated) {
  auto snapshot = snapshot_on_zone(zone);
  snapshot.options.trust.authenticated = OnAuthenticated::evaluate;
  Gate gate(std::move(snapshot));
  Letter letter;
  letter.authenticated = true;
  EXPECT_EQ(gate.judge(letter).facts.exemption, policy::Exemption::none);
}

TEST(OurName, IsTheConfiguredOneElseTheMtasElseTheHosts) {
  auto snapshot = snapshot_on_zone(zone);
  snapshot.options.identity.authserv_id.clear();
  Gate gate(std::move(snapshot));
  EXPECT_TRUE(gate.judge(Letter{}).authentication_results.starts_with(" mta.example.jp (id="));
  const auto session = gate.session();
  session->connect({}, "");
  EXPECT_TRUE(
      gate.judge(*session, Letter{}).authentication_results.starts_with(" host.example.jp (id="));
}

// What must not end in the field, the log line and the reply as it stands.
TEST(HostileValues, ArePlainTextEverywhere) {
  Gate gate(snapshot_on_zone(zone));
  const std::vector<std::string> values = {"a\r\nX-Forged: 1",
                                           "a\nb",
                                           std::string("a\0b", 3),
                                           "\x1b[2J",
                                           "a;dmarc=pass",
                                           "a\"b",
                                           "a(b",
                                           "%n%s",
                                           std::string(100'000, 'x'),
                                           "\xff\xfe",
                                           "a b=c",
                                           "\xe2\x80\xae"
                                           "evil"};
  for (const auto& value : values) {
    Letter letter = from(value + "@" + value, "bob@a.example");
    letter.helo = value;
    letter.to = {value};
    const auto outcome = gate.judge(letter);
    const auto& field = outcome.authentication_results;
    for (std::size_t at = field.find('\n'); at != std::string::npos;
         at = field.find('\n', at + 1)) {
      EXPECT_TRUE(field[at - 1] == '\r' && field[at + 1] == '\t') << field;
    }
    EXPECT_EQ(field.find("\r\nX-"), std::string::npos);
    EXPECT_EQ(field.find('\0'), std::string::npos);
    EXPECT_EQ(field.find('\x1b'), std::string::npos);
    const auto parsed = authres::parse(field, authres::Syntax::strict);
    ASSERT_TRUE(parsed) << field;
    for (const auto& one : parsed->results) {
      EXPECT_TRUE(one.method != "dmarc" || one.result != "pass") << field;
    }
    const auto line = gate.recorder().lines().back();
    EXPECT_TRUE(std::none_of(line.begin(), line.end(),
                             [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
    EXPECT_EQ(line.find(" b=c "), std::string::npos) << line;
  }
}

// A replay of an old record gives the words of that time, and the same rule.
TEST(Outcome, ADeferralByTheStoreIsNoInternalError) {
  for (const std::string failure : {"deferred: the release of K7Q2-4DMX is over",
                                    "put off: the release of K7Q2-4DMX is over"}) {
    session::Outcome outcome;
    fail_outcome(outcome, failure);
    EXPECT_EQ(outcome.verdict.message.rule, policy::rule_name::release);
    EXPECT_EQ(outcome.verdict.message.reason, failure);
  }
}

}  // namespace

}  // namespace sekisho::session
