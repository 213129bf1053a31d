// What an identity may ask is at nobody else's expense, what is refused for it says nothing of
// anybody, and failures that the sender chooses are no way past a policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/checks.h"
#include "support/dkim_signer.h"
#include "support/session_gate.h"

namespace sekisho::session {

namespace {

using policy::Action;
using test::Gate;
using test::Letter;
using test::snapshot_on_zone;
using testing::HasSubstr;

constexpr std::chrono::hours long_enough(5);

const test::SigningKey& key() {
  static const auto made = test::SigningKey::ed25519();
  return made;
}

void sign_as(Letter& letter, const std::string& domain) {
  test::SignatureTags tags;
  tags.domain = domain;
  tags.fields = "from";
  mail::Header header;
  for (const auto& field : letter.fields) header.add(field);
  letter.fields.insert(letter.fields.begin(), test::sign(key(), tags, header, letter.body));
}

mail::HeaderField junk(const std::string& domain, int n) {
  return {"DKIM-Signature",
          " v=1; a=rsa-sha256; d=" + domain + "; s=j" + std::to_string(n) +
              "; h=from; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b=AQEBAQ=="};
}

// `mx` terms whose hosts are all somebody else's.
std::string mx_record(const std::string& domain, int terms, int hosts, const std::string& end) {
  std::string text = domain + ". TXT \"v=spf1";
  for (int t = 0; t < terms; ++t) text += " mx:m" + std::to_string(t) + "." + domain;
  text += " " + end + "\"\n";
  for (int t = 0; t < terms; ++t) {
    for (int h = 0; h < hosts; ++h) {
      const std::string place = std::to_string(t) + "." + domain + ". ";
      const std::string host = "h" + std::to_string(h) + "-" + place;
      text += "m" + place + "MX 1 " + host + "\n" + host + "A 203.0.113.9\n";
    }
  }
  return text;
}

Letter written(const std::string& mail_from, const std::string& author) {
  Letter letter;
  letter.mail_from = mail_from;
  letter.fields = {{"From", " " + author}, {"Subject", " x"}};
  return letter;
}

// HELO and MAIL FROM are one domain, whose record is more than HELO may ask.
TEST(Budget, WhatHeloIsRefusedIsNoAnswerToMailFrom) {
  Gate gate(snapshot_on_zone(mx_record("big.example", 3, 9, "ip4:192.0.2.10 -all") +
                             "_dmarc.big.example. TXT \"v=DMARC1; p=reject\"\n"));
  auto letter = written("u@big.example", "boss@big.example");
  letter.helo = "big.example";
  const auto outcome = gate.judge(letter);
  EXPECT_EQ(outcome.facts.spf_helo.code, spf::Code::permerror);
  EXPECT_THAT(outcome.facts.spf_helo.reason, HasSubstr("query budget"));
  EXPECT_EQ(outcome.facts.spf_mail_from.code, spf::Code::pass)
      << outcome.facts.spf_mail_from.reason;
  EXPECT_EQ(outcome.verdict.message.action, Action::accept);
}

// RFC 7208 §4.6.4: ten terms of ten names each. What is behind them is reached.
TEST(Budget, MailFromMayAskAllThatTheStandardAllows) {
  for (const int terms : {6, 10}) {
    Gate gate(snapshot_on_zone(
        mx_record("big.example", terms, 10, "ip4:192.0.2.10 -all exp=why.big.example") +
        "_dmarc.big.example. TXT \"v=DMARC1; p=reject\"\n"
        "why.big.example. TXT \"%{p} is none of ours\"\n"));
    auto letter = written("u@big.example", "boss@big.example");
    EXPECT_EQ(gate.judge(letter).facts.spf_mail_from.code, spf::Code::pass) << terms;
    letter.client = "192.0.2.11";
    const auto stranger = gate.judge(letter);
    EXPECT_EQ(stranger.facts.spf_mail_from.code, spf::Code::fail);
    EXPECT_EQ(stranger.facts.spf_mail_from.explanation, "unknown is none of ours");
    EXPECT_LE(stranger.facts.dns_questions, Checks::most_questions({}));
  }
}

// Everything that can be asked is, before and among the signatures that could speak for the author.
TEST(Budget, ForeignNamesDisplaceNothingOfTheAuthors) {
  std::string zone =
      mx_record("att.example", 10, 10, "-all") + mx_record("helo.example", 10, 10, "-all") +
      "_dmarc.victim.example. TXT \"v=DMARC1; p=reject; sp=none; np=reject; adkim=s\"\n"
      "victim.example. TXT \"v=spf1 -all\"\n";
  for (int i = 0; i < 12; ++i) {
    const std::string name = "p" + std::to_string(i) + ".att.example. ";
    zone += "10.2.0.192.in-addr.arpa. PTR " + name + "\n" + name + "A 198.51.100.7\n";
  }
  for (const char* author : {"ceo@victim.example", "ceo@no.such.victim.example"}) {
    for (const std::size_t own_at : {0U, 7U, 20U}) {
      Gate gate(snapshot_on_zone(zone));
      auto letter = written("x@att.example", author);
      letter.helo = "helo.example";
      for (int i = 0; i < 30; ++i) {
        letter.fields.insert(letter.fields.begin() + i, junk("att.example", i));
      }
      for (int i = 0; i < 3; ++i) {
        letter.fields.insert(letter.fields.begin() + static_cast<std::ptrdiff_t>(own_at),
                             junk("victim.example", i));
      }
      const auto outcome = gate.judge(letter);
      EXPECT_EQ(outcome.facts.dmarc.code, dmarc::Code::fail) << outcome.facts.dmarc.reason;
      EXPECT_EQ(outcome.facts.dmarc.requested, dmarc::Policy::reject) << author;
      EXPECT_NE(outcome.verdict.message.action, Action::tempfail);
      std::size_t own = 0;
      for (const auto& each : outcome.facts.dkim) own += each.domain == "victim.example" ? 1 : 0;
      EXPECT_EQ(own, 3U) << "verified before the foreign ones";
      EXPECT_LE(outcome.facts.dns_questions, Checks::most_questions({}));
    }
  }
}

// Signatures of lists above it do not keep the author's own from being verified.
TEST(Budget, TheAuthorsSignatureCountsBelowAnyNumberOfOthers) {
  Gate gate(
      snapshot_on_zone("_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n"
                       "sel._domainkey.a.example. TXT \"" +
                       key().record() + "\"\n"));
  auto letter = written("x@list.example", "bob@a.example");
  sign_as(letter, "a.example");
  for (int i = 0; i < 15; ++i) letter.fields.insert(letter.fields.begin(), junk("list.example", i));
  const auto outcome = gate.judge(letter);
  EXPECT_TRUE(outcome.facts.dmarc.aligned_dkim) << outcome.facts.dmarc.reason;
  ASSERT_EQ(outcome.facts.dkim.size(), 16U);
  EXPECT_EQ(outcome.facts.dkim.back().code, dkim::Code::pass) << "in the order of the fields";
  EXPECT_EQ(outcome.facts.dkim[9].code, dkim::Code::policy);
}

// A failure, and its effect on a message: at once, and after it was deferred for long enough.
struct Failure {
  const char* what;
  const char* zone;  // with a.example's p=reject where it has one
  const char* mail_from;
  const char* author;
  const char* signer;  // of a signature that passes where its key is there; nullptr: none
  dmarc::Code code;
  Action first;
  Action last;
};

void PrintTo(const Failure& failure, std::ostream* out) { *out << failure.what; }

const char* const p_reject = "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n";

using enum Action;
using Dmarc = dmarc::Code;

const Failure failures[] = {
    {"the policy, and SPF passes for exactly the author",
     "a.example. TXT \"v=spf1 ip4:192.0.2.10 -all\"\n;!servfail _dmarc.a.example\n",
     "bob@a.example", "bob@a.example", nullptr, Dmarc::temperror, accept, accept},
    {"the policy, and DKIM passes for exactly the author", ";!servfail _dmarc.a.example\n",
     "x@b.example", "bob@a.example", "a.example", Dmarc::temperror, accept, accept},
    {"the policy, and DKIM passes for the parent alone: adkim=s may stand there",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n;!servfail _dmarc.news.a.example\n",
     "x@b.example", "bob@news.a.example", "a.example", Dmarc::temperror, tempfail, tag},
    {"the top-level domain, and DKIM passes for the organisation",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n;!servfail _dmarc.example\n", "x@b.example",
     "bob@news.a.example", "a.example", Dmarc::temperror, accept, accept},
    {"the top-level domain, of an author with a record, and a domain near it signs",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n;!servfail _dmarc.example\n", "x@b.example",
     "bob@a.example", "news.a.example", Dmarc::temperror, accept, accept},
    {"the top-level domain, and nobody signs",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n;!servfail _dmarc.example\n", "x@b.example",
     "bob@a.example", nullptr, Dmarc::fail, quarantine, quarantine},
    {"the policy, and nothing passes", ";!servfail _dmarc.a.example\n", "x@b.example",
     "bob@a.example", nullptr, Dmarc::temperror, tempfail, tag},
    {"a name below the author's domain, as Author Domain",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n;!servfail _dmarc.lame.a.example\n"
     ";!servfail lame.a.example\n",
     "x@b.example", "bob@lame.a.example", nullptr, Dmarc::temperror, tempfail, quarantine},
    {"the same, and the policy above asks for nothing there",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject; sp=none\"\n;!servfail _dmarc.lame.a.example\n"
     ";!servfail lame.a.example\n",
     "x@b.example", "bob@lame.a.example", nullptr, Dmarc::temperror, tempfail, tag},
    {"the same, and np asks for more than sp",
     "_dmarc.a.example. TXT \"v=DMARC1; p=none; sp=none; np=reject\"\n;!servfail lame.a.example\n",
     "x@b.example", "bob@lame.a.example", nullptr, Dmarc::temperror, tempfail, quarantine},
    {"SPF of a name below the author's, as MAIL FROM",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n;!servfail lame.a.example\n",
     "x@lame.a.example", "bob@a.example", nullptr, Dmarc::temperror, tempfail, quarantine},
    {"the same with p=quarantine",
     "_dmarc.a.example. TXT \"v=DMARC1; p=quarantine\"\n;!servfail lame.a.example\n",
     "x@lame.a.example", "bob@a.example", nullptr, Dmarc::temperror, tempfail, quarantine},
    {"the same with p=none",
     "_dmarc.a.example. TXT \"v=DMARC1; p=none\"\n;!servfail lame.a.example\n", "x@lame.a.example",
     "bob@a.example", nullptr, Dmarc::temperror, accept, accept},
    {"the same with p=quarantine; t=y, which asks for nothing",
     "_dmarc.a.example. TXT \"v=DMARC1; p=quarantine; t=y\"\n;!servfail lame.a.example\n",
     "x@lame.a.example", "bob@a.example", nullptr, Dmarc::temperror, accept, accept},
    {"the same with p=reject; t=y, which asks for quarantine",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject; t=y\"\n;!servfail lame.a.example\n",
     "x@lame.a.example", "bob@a.example", nullptr, Dmarc::temperror, tempfail, quarantine},
    {"the key of a signature below the author's",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n;!timeout sel._domainkey.lame.a.example\n",
     "x@b.example", "bob@a.example", "lame.a.example", Dmarc::temperror, tempfail, quarantine},
    {"the same under strict alignment, which it could not have had",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject; adkim=s\"\n"
     ";!timeout sel._domainkey.lame.a.example\n",
     "x@b.example", "bob@a.example", "lame.a.example", Dmarc::fail, quarantine, quarantine},
    {"the author's own key, and SPF does not align",
     "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n;!timeout sel._domainkey.a.example\n",
     "x@b.example", "bob@a.example", "a.example", Dmarc::temperror, tempfail, quarantine},
    {"SPF of somebody else", "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n;!servfail c.example\n",
     "x@c.example", "bob@a.example", nullptr, Dmarc::fail, quarantine, quarantine},
};

class FailureOf : public testing::TestWithParam<Failure> {};

// The keys of all signers but those that fail.
std::string zone_with_keys(const std::string& zone) {
  std::string text = zone;
  for (const char* domain : {"a.example", "news.a.example"}) {
    const std::string name = std::string("sel._domainkey.") + domain;
    if (zone.find(name) == std::string::npos) text += name + ". TXT \"" + key().record() + "\"\n";
  }
  return text;
}

TEST_P(FailureOf, TheDnsEndsAsTheTableSays) {
  const Failure& failure = GetParam();
  Gate gate(snapshot_on_zone(zone_with_keys(failure.zone)));
  auto letter = written(failure.mail_from, failure.author);
  if (failure.signer != nullptr) sign_as(letter, failure.signer);
  const auto first = gate.judge(letter);
  EXPECT_EQ(to_string(first.facts.dmarc.code), to_string(failure.code)) << first.facts.dmarc.reason;
  EXPECT_EQ(to_string(first.verdict.message.action), to_string(failure.first));
  // As if the first one had come hours ago.
  gate.engine().deferrals().deferred(first.facts, steady_now() - long_enough);
  auto remembered = gate.engine().deferrals().all(wall_now(), steady_now());
  for (auto& each : remembered) each.first -= long_enough;
  gate.engine().deferrals().remember(remembered, wall_now(), steady_now());
  EXPECT_EQ(to_string(gate.judge(letter).verdict.message.action), to_string(failure.last));
}

INSTANTIATE_TEST_SUITE_P(Table, FailureOf, testing::ValuesIn(failures));

// The same sender tries again from elsewhere, as senders with many servers do.
TEST(Deferral, EndsForASenderOfManyNetworks) {
  Gate gate(snapshot_on_zone(std::string(p_reject) + ";!servfail lame.a.example\n"));
  auto letter = written("x@lame.a.example", "bob@a.example");
  EXPECT_EQ(gate.judge(letter).verdict.message.action, tempfail);
  letter.client = "198.51.100.1";
  EXPECT_TRUE(gate.judge(letter).facts.deferred_for);
}

// One message has one answer: who accepts what others wait for must not be their way in.
TEST(Deferral, RecipientsWhoDifferTurnItIntoQuarantine) {
  auto snapshot = snapshot_on_zone(std::string(p_reject) + ";!servfail lame.a.example\n");
  policy::Rules lenient;
  lenient.dmarc.temperror = policy::OnTemperror::accept;
  snapshot.rules.policies.push_back(
      {{policy::RecipientPattern::parse("lenient@example.jp").value()}, lenient});
  Gate gate(std::move(snapshot));
  auto letter = written("x@lame.a.example", "bob@a.example");
  letter.to = {"user@example.jp", "lenient@example.jp"};
  const auto outcome = gate.judge(letter);
  EXPECT_EQ(outcome.verdict.recipients.at(0).decision.action, quarantine);
  EXPECT_EQ(outcome.verdict.recipients.at(1).decision.action, accept);
  EXPECT_EQ(outcome.held, Outcome::Held::by_mta);
}

}  // namespace

}  // namespace sekisho::session
