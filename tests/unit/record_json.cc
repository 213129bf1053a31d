// The JSON of a decision, and its log line.
#include "record/json.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "record/log_line.h"

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
  session::Outcome outcome;
  outcome.facts = std::move(facts);
  outcome.verdict = std::move(verdict);
  return outcome;
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
  facts.mail_from = {};
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
