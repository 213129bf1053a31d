// The log line, the ids and the memory of deferrals.
#include "record/json.h"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "record/log_line.h"
#include "session/decision_id.h"
#include "session/deferrals.h"
#include "session/traces.h"

namespace sekisho::record {

namespace {

mail::DomainName domain(std::string_view text) { return mail::DomainName::parse(text).value(); }

policy::Facts usual() {
  policy::Facts facts;
  facts.id = "K7Q2-4DMX";
  facts.queue_id = "4bXY";
  facts.client.address = mail::IpAddress::parse("192.0.2.1").value();
  facts.client.name = "mail.example.com";
  facts.client.helo = "mail.example.com";
  facts.mail_from = "bob@example.com";
  facts.recipients = {"user@example.jp"};
  facts.author.result = mail::Author::Result::one;
  facts.author.domains = {domain("example.com")};
  facts.iprev.code = client::IprevCode::pass;
  facts.spf_helo.code = spf::Code::none;
  facts.spf_mail_from.code = spf::Code::pass;
  facts.dkim = {
      {dkim::Code::pass, "example.com", "s1", "rsa-sha256", "@example.com", "", "", 2048}};
  facts.dmarc.code = dmarc::Code::fail;
  facts.dmarc.published = dmarc::Published{};
  facts.dmarc.tag = "p";
  facts.dmarc.policy = dmarc::Policy::reject;
  facts.dmarc.queries = {"_dmarc.example.com", "_dmarc.com"};
  facts.dns_questions = 7;
  facts.dns_waited = std::chrono::milliseconds(41);
  facts.elapsed = std::chrono::milliseconds(43);
  return facts;
}

session::Outcome outcome_of(policy::Facts facts, policy::Verdict verdict) {
  return {.facts = std::move(facts), .verdict = std::move(verdict)};
}

policy::Verdict with(policy::Action action, std::string rule, std::string reason = {}) {
  policy::Verdict verdict;
  verdict.message.action = action;
  verdict.message.rule = std::move(rule);
  verdict.message.reason = std::move(reason);
  return verdict;
}

TEST(LogLine, ExactText) {
  auto verdict = with(policy::Action::quarantine, "dmarc", "p=reject, not corroborated");
  verdict.message.evidence = {"spf-fail-aligned"};
  EXPECT_EQ(log_line(usual(), verdict),
            "4bXY: id=K7Q2-4DMX client=mail.example.com[192.0.2.1] helo=mail.example.com "
            "from=<bob@example.com> to=<user@example.jp> author=example.com spf=pass(mfrom) "
            "helo_spf=none dkim=pass(example.com s1 rsa-sha256) dmarc=fail(p=reject walk=2) "
            "iprev=pass lists=- allow=- action=quarantine rule=dmarc reason=\"p=reject, not "
            "corroborated\" "
            "evidence=spf-fail-aligned dns=7/41ms total=43ms");
}

TEST(LogLine, ListsThatHitOrFailedEachOnce) {
  using client::DnsListCode;
  auto facts = usual();
  const auto add = [&](std::string name, DnsListCode code, std::string codes) {
    client::DnsListResult result;
    result.name = std::move(name);
    result.code = code;
    result.codes = std::move(codes);
    facts.lists.push_back(std::move(result));
  };
  add("zen", DnsListCode::listed, "127.0.0.4,127.0.0.10");
  add("bl", DnsListCode::not_listed, "127.0.0.1");
  add("dbl", DnsListCode::listed, "127.0.1.2");  // the same domain in HELO and MAIL FROM
  add("dbl", DnsListCode::listed, "127.0.1.2");
  add("slow", DnsListCode::temperror, "");
  add("bad", DnsListCode::set_aside, "127.255.255.254");
  const auto line = log_line(facts, with(policy::Action::reject, "dnsbl:zen"));
  EXPECT_NE(
      line.find(" lists=zen:127.0.0.4,127.0.0.10,dbl:127.0.1.2,slow:temperror,bad:set-aside "),
      std::string::npos)
      << line;
  for (int i = 0; i < 1000; ++i) add("l" + std::to_string(i), DnsListCode::listed, "127.0.0.2");
  EXPECT_LT(log_line(facts, with(policy::Action::reject, "dnsbl:zen")).size(), 1200U);

  const auto object = to_json(outcome_of(facts, {}));
  EXPECT_EQ(object["lists"][0]["name"], "zen");
  EXPECT_EQ(object["lists"][0]["result"], "listed");
  EXPECT_EQ(object["lists"][1]["result"], "not-listed");
  EXPECT_EQ(object["lists"][0]["on"], "client");
}

TEST(LogLine, OfAnExemptMessageTellsWhy) {
  auto facts = usual();
  facts.queue_id.clear();
  facts.exemption = policy::Exemption::authenticated;
  facts.client = {};
  facts.client.unix_socket = true;
  facts.mail_from.clear();
  facts.recipients = {"a@x.example", "b@x.example"};
  facts.dns_questions = 0;
  EXPECT_EQ(log_line(facts, with(policy::Action::accept, "exempt")),
            "NOQUEUE: id=K7Q2-4DMX client=unknown[unix] helo= from=<> nrcpt=2 "
            "skipped=authenticated action=accept rule=exempt dns=0/41ms total=43ms");
}

TEST(LogLine, MonitorAndRecipientsThatDiffer) {
  auto verdict = with(policy::Action::accept, "dmarc");
  verdict.message.monitored = policy::Action::reject;
  verdict.message.monitored_rule = "dnsbl:zen";
  verdict.recipients = {{"a@x.example", {}}, {"b@x.example", {}}};
  verdict.recipients[1].decision.action = policy::Action::tag;
  const auto line = log_line(usual(), verdict);
  EXPECT_NE(line.find(" action=accept rule=dmarc monitor=reject monitor_rule=dnsbl:zen "),
            std::string::npos)
      << line;
  EXPECT_NE(line.find(" recipients=<a@x.example>:accept,<b@x.example>:tag "), std::string::npos);
}

TEST(LogLine, OfRefusedRecipientsEachRuleOnce) {
  auto facts = usual();
  auto verdict = with(policy::Action::accept, "dmarc");
  for (int i = 0; i < 100; ++i) {
    const auto to = std::to_string(i) + "@x.example";
    facts.refused_recipients.push_back(to);
    policy::Decision decision;
    decision.action = i % 2 == 0 ? policy::Action::reject : policy::Action::tempfail;
    decision.rule = i % 2 == 0 ? "dnsbl:zen" : "dnsbl:other";
    verdict.refused.push_back({to, decision});
  }
  const auto line = log_line(facts, verdict);
  EXPECT_NE(line.find(",+90 refused_rule=dnsbl:zen,dnsbl:other(tempfail) "), std::string::npos)
      << line;
}

TEST(LogLine, OfManySignaturesShowsTen) {
  auto facts = usual();
  facts.dkim.assign(100, facts.dkim.front());
  const auto line = log_line(facts, with(policy::Action::accept, "default"));
  EXPECT_NE(line.find(",+90 "), std::string::npos) << line;
}

// Nothing that a client says looks like a field of ours.
TEST(LogLine, AForgedFieldStaysInsideItsValue) {
  auto facts = usual();
  facts.client.helo = "x action=forged";
  facts.client.name = "y action=forged";
  facts.mail_from = "\"> action=forged rule=none\"@b.example";
  facts.recipients = {"z> action=forged@x.example\r\n4bXY: id=X action=forged"};
  const auto line = log_line(facts, with(policy::Action::reject, "dmarc"));
  EXPECT_EQ(line.find(" action=forged"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(DecisionIds, NoTwoAreEqual) {
  DecisionIds ids;
  std::set<std::string> seen;
  WallTime now{std::chrono::seconds(1'800'000'000)};
  for (int i = 0; i < 150'000; ++i) {
    if (i % 50'000 == 0) now += std::chrono::seconds(1);
    const auto id = ids.next(now);
    ASSERT_EQ(id.size(), 9U);
    EXPECT_EQ(id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ-"), std::string::npos) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

// A daemon that starts again and again, ten times a second, and decides much in between.
TEST(DecisionIds, RestartsRepeatNone) {
  std::set<std::string> seen;
  DecisionIds::Time now{std::chrono::seconds(1'800'000'000)};
  for (int start = 0; start < 2'000; ++start) {
    DecisionIds ids;
    for (int i = 0; i < 500; ++i) {
      now += std::chrono::microseconds(200);
      const auto id = ids.next(now);
      ASSERT_TRUE(seen.insert(id).second) << id << " of start " << start;
    }
  }
}

// What was held before the clock was set back is known: ids go on after it.
TEST(DecisionIds, GoOnAfterWhatIsKept) {
  const DecisionIds::Time then{std::chrono::seconds(1'800'000'000)};
  DecisionIds before;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(before.next(then));
  DecisionIds ids;
  ids.after(then + std::chrono::seconds(60));
  ids.after(then - std::chrono::hours(1));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(seen.insert(ids.next(then - std::chrono::minutes(1))).second);
  }
}

TEST(DecisionIds, AClockThatIsSetBackRepeatsNone) {
  DecisionIds ids;
  const auto first = ids.next(WallTime{std::chrono::seconds(1'800'000'000)});
  EXPECT_NE(ids.next(WallTime{std::chrono::seconds(1'700'000'000)}), first);
}

policy::Facts deferred_from(const std::string& address, const std::string& mail_from) {
  auto facts = usual();
  facts.client.address = mail::IpAddress::parse(address).value();
  facts.mail_from = mail_from;
  return facts;
}

TEST(Deferrals, AreOfASenderAndAnAuthorFromWhicheverNetwork) {
  Deferrals deferrals;
  const SteadyTime start = steady_now();
  deferrals.deferred(deferred_from("192.0.2.1", "Bob@a.example"), start);
  const auto since = [&](const policy::Facts& facts, std::chrono::seconds later) {
    return deferrals.deferred_for(facts, start + later);
  };
  const std::chrono::seconds hour(3600);
  EXPECT_EQ(since(deferred_from("192.0.2.1", "bob@a.example"), hour), hour);
  EXPECT_EQ(since(deferred_from("198.51.100.1", "bob@A.example"), hour), hour);
  EXPECT_EQ(since(deferred_from("2001:db8::1", "bob@a.example"), hour), hour);
  EXPECT_EQ(since(deferred_from("192.0.2.1", "eve@a.example"), hour), std::nullopt);
  auto other_author = deferred_from("192.0.2.1", "bob@a.example");
  other_author.author.domains = {domain("b.example")};
  EXPECT_EQ(since(other_author, hour), std::nullopt);
}

// Put off at RCPT, where nobody knows the author yet: that is the beginning for whatever he writes.
TEST(Deferrals, OfASenderWhoseAuthorWasNotKnown) {
  Deferrals deferrals;
  const SteadyTime start = steady_now();
  auto at_rcpt = deferred_from("192.0.2.1", "bob@a.example");
  at_rcpt.author = {};
  deferrals.deferred(at_rcpt, start);
  const std::chrono::seconds hour(3600);
  EXPECT_EQ(deferrals.deferred_for(deferred_from("192.0.2.1", "bob@a.example"), start + hour),
            hour);
  EXPECT_EQ(deferrals.deferred_for(deferred_from("192.0.2.1", "eve@a.example"), start + hour),
            std::nullopt);
}

TEST(Deferrals, CountFromTheFirstAndAreForgottenAfterFiveDays) {
  Deferrals deferrals;
  const SteadyTime start = steady_now();
  const auto facts = deferred_from("192.0.2.1", "bob@a.example");
  deferrals.deferred(facts, start);
  deferrals.deferred(facts, start + std::chrono::hours(1));
  EXPECT_EQ(deferrals.size(), 1U);
  EXPECT_EQ(deferrals.deferred_for(facts, start + std::chrono::hours(2)), std::chrono::hours(2));
  EXPECT_TRUE(deferrals.deferred_for(facts, start + Deferrals::keep));
  const auto later = start + Deferrals::keep + std::chrono::seconds(1);
  EXPECT_FALSE(deferrals.deferred_for(facts, later));
  deferrals.deferred(facts, later);
  EXPECT_EQ(deferrals.size(), 1U);
  EXPECT_EQ(deferrals.deferred_for(facts, later), std::chrono::seconds(0));
}

// Whoever fills the table from his own network forgets himself; who waited before him still does.
TEST(Deferrals, AFloodForgetsItself) {
  Deferrals deferrals;
  const SteadyTime start = steady_now();
  const auto honest = deferred_from("198.51.100.1", "bob@a.example");
  deferrals.deferred(honest, start);
  const auto nth = [](std::size_t n) {
    return deferred_from("192.0.2.1", std::to_string(n) + "@a.example");
  };
  constexpr std::size_t flood = Deferrals::capacity + 1000;
  const auto at = [&](std::size_t n) { return start + std::chrono::milliseconds(n); };
  for (std::size_t i = 0; i < flood; ++i) deferrals.deferred(nth(i), at(i));
  EXPECT_EQ(deferrals.size(), Deferrals::capacity);
  EXPECT_TRUE(deferrals.deferred_for(honest, at(flood)));
  EXPECT_TRUE(deferrals.deferred_for(nth(0), at(flood)));
  EXPECT_FALSE(deferrals.deferred_for(nth(flood - 2), at(flood)));
  // One from elsewhere comes in, and stays.
  const auto late = deferred_from("203.0.113.1", "eve@a.example");
  deferrals.deferred(late, at(flood));
  deferrals.deferred(nth(flood), at(flood + 1));
  EXPECT_TRUE(deferrals.deferred_for(late, at(flood + 1)));
  EXPECT_EQ(deferrals.size(), Deferrals::capacity);
}

// From as many networks as there are entries, as a botnet comes: what does not try again makes room
// after a day.
TEST(Deferrals, WhoDoesNotTryAgainMakesRoom) {
  Deferrals deferrals;
  const SteadyTime start = steady_now();
  const auto nth = [](std::size_t n) {
    const std::string network = std::to_string(11 + n / 65536) + "." +
                                std::to_string(n / 256 % 256) + "." + std::to_string(n % 256);
    return deferred_from(network + ".1", std::to_string(n) + "@a.example");
  };
  const auto at = [&](std::size_t n) { return start + std::chrono::milliseconds(n); };
  for (std::size_t i = 0; i < Deferrals::capacity; ++i) deferrals.deferred(nth(i), at(i));
  const auto later = at(Deferrals::capacity) + Deferrals::unseen + std::chrono::seconds(1);
  deferrals.deferred(nth(7), later);  // he tries again
  const auto honest = deferred_from("198.51.100.1", "bob@a.example");
  for (std::size_t i = 0; i < 2000; ++i) deferrals.deferred(nth(100'000 + i), later);
  deferrals.deferred(honest, later);
  EXPECT_EQ(deferrals.size(), Deferrals::capacity);
  EXPECT_TRUE(deferrals.deferred_for(honest, later));
  EXPECT_TRUE(deferrals.deferred_for(nth(7), later));
  EXPECT_FALSE(deferrals.deferred_for(nth(0), later));
}

// What was kept over a restart, read under a clock that may have been set meanwhile.
TEST(Deferrals, AreRememberedOverARestart) {
  const WallTime wall{std::chrono::seconds(1'795'000'000)};
  const SteadyTime start = steady_now();
  using std::chrono::hours;
  Deferrals before;
  const auto facts = deferred_from("192.0.2.1", "bob@a.example");
  before.deferred(facts, start - hours(3), wall - hours(3));
  const auto kept = before.all(wall, start);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].first, wall - hours(3));
  EXPECT_EQ(kept[0].network, "192.0.2.0/24");
  EXPECT_EQ(kept[0].key.size(), 16U);
  const auto after = [&](WallTime now) {
    Deferrals deferrals;
    deferrals.remember(kept, now, start);
    return deferrals.deferred_for(facts, start);
  };
  EXPECT_EQ(after(wall), hours(3));
  EXPECT_EQ(after(wall + hours(1)), hours(4));
  EXPECT_EQ(after(wall - hours(4)), std::nullopt) << "from the future";
  EXPECT_EQ(after(wall + hours(24 * 40)), std::nullopt) << "of long ago";
  // What is known already began earlier, or later: the first counts.
  Deferrals both;
  both.deferred(facts, start - hours(1));
  both.remember(kept, wall, start);
  EXPECT_EQ(both.deferred_for(facts, start), hours(3));
  both.remember({{kept[0].key, kept[0].network, wall - hours(2)}}, wall, start);
  EXPECT_EQ(both.deferred_for(facts, start), hours(3));
  EXPECT_EQ(both.size(), 1U);
}

struct TraceCase {
  const char* name;
  const char* value;
  bool is_trace;
};

TEST(Traces, WhatListsAndForwardersLeave) {
  const TraceCase cases[] = {
      {"List-Id", " <x>", true},
      {"list-post", " <mailto:x@y.example>", true},
      // What every newsletter has, and what says that nobody may write to it, make no list.
      {"list-unsubscribe", " <x>", false},
      {"List-Unsubscribe-Post", " List-Unsubscribe=One-Click", false},
      {"List-Post", " NO (no posting)", false},
      {"ARC-Seal", " i=1", true},
      {"Resent-From", " a@b.example", true},
      {"X-Forwarded-To", " a@b", true},
      {"Delivered-To", " me@elsewhere.example", true},
      {"Delivered-To", " user@example.jp", false},
      {"Delivered-To", " other@example.jp", false},
      {"Delivered-To", " nonsense", true},
      {"Listing", " x", false},
      {"X-List-Id", " x", false},
      {"Received", " from list", false},
  };
  for (const auto& c : cases) {
    mail::Header header;
    header.add({c.name, c.value});
    EXPECT_EQ(find_traces(header, {"user@example.jp"}, {domain("example.jp")}).any(), c.is_trace)
        << c.name << ":" << c.value;
  }
}

TEST(Traces, OfManyFieldsAFewAreKept) {
  mail::Header header;
  for (int i = 0; i < 9'000; ++i) header.add({"List-" + std::to_string(i), " x"});
  EXPECT_EQ(find_traces(header, {}, {}).fields.size(), 20U);
}

// A message that was held by a sekisho of before has no rule beside what was monitored.
TEST(JsonRecord, OfBeforeLaterMembersWereWritten) {
  auto verdict = with(policy::Action::accept, "dmarc", "p=reject");
  verdict.message.monitored = policy::Action::reject;
  verdict.message.monitored_rule = "dmarc";
  auto record = to_json(outcome_of(usual(), verdict));
  record["verdict"].erase("monitored_rule");
  for (auto& spf : record["spf"]) spf.erase("overbroad");
  const auto read = from_json(record);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->verdict.message.monitored, policy::Action::reject);
  EXPECT_EQ(read->verdict.message.monitored_rule, "dmarc");
}

// All that an entry of the allowlist could be proved by comes back as it was.
TEST(JsonRecord, IsReadBack) {
  auto facts = usual();
  facts.author.mailboxes = {mail::Mailbox{"a \"b\"", domain("example.com")}};
  facts.traces.fields = {"List-Id"};
  facts.exemption = policy::Exemption::trusted_network;
  facts.spf_mail_from.overbroad = true;
  facts.dmarc.from = "example.com";
  facts.dmarc.aligned_dkim = true;
  facts.iprev.name = "mail.example.com";
  facts.dkim[0].testing = true;
  auto verdict = with(policy::Action::accept, "dmarc", "p=reject");
  verdict.message.monitored = policy::Action::reject;
  verdict.message.evidence = {"list:zen"};
  verdict.recipients = {{"a@example.jp", verdict.message}};
  const auto read = from_json(to_json(outcome_of(facts, verdict)));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->facts.id, facts.id);
  EXPECT_EQ(read->facts.exemption, facts.exemption);
  EXPECT_EQ(read->facts.author, facts.author);
  EXPECT_EQ(read->facts.dkim, facts.dkim);
  EXPECT_EQ(read->facts.spf_helo, facts.spf_helo);
  EXPECT_EQ(read->facts.spf_mail_from, facts.spf_mail_from);
  EXPECT_EQ(read->facts.iprev, facts.iprev);
  EXPECT_EQ(read->facts.traces, facts.traces);
  EXPECT_EQ(read->facts.dmarc.code, facts.dmarc.code);
  EXPECT_EQ(read->facts.dmarc.from, facts.dmarc.from);
  EXPECT_TRUE(read->facts.dmarc.aligned_dkim);
  EXPECT_FALSE(read->facts.dmarc.aligned_spf);
  EXPECT_EQ(read->verdict, verdict);
}

TEST(JsonRecord, WhatItDoesNotWriteIsAnError) {
  const auto good = to_json(outcome_of(usual(), with(policy::Action::quarantine, "dmarc")));
  ASSERT_TRUE(from_json(good));
  for (const auto& [at, value] : {std::pair("/spf/0/result", "Pass"),
                                  {"/dkim/0/result", "ok"},
                                  {"/verdict/action", "hold"},
                                  {"/author/result", "two"},
                                  {"/dmarc/result", ""},
                                  {"/author/domain", "a..b"},
                                  {"/spf", "pass"},
                                  {"/author/mailboxes", "a@b.example"}}) {
    auto bad = good;
    bad[nlohmann::json::json_pointer(at)] = value;
    EXPECT_FALSE(from_json(bad)) << at;
  }
  EXPECT_FALSE(from_json(nlohmann::json::parse("[", nullptr, false)));
  EXPECT_FALSE(from_json(nlohmann::json::object()));
}

}  // namespace

}  // namespace sekisho::record
