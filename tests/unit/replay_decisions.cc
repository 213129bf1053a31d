// A decision made again from its record: the same in every octet under the configuration of the
// time, and what another one would have decided. Every test with a gate checks the first as well.
#include "replay/replay.h"

#include <filesystem>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mail/message.h"
#include "support/dkim_signer.h"
#include "support/dmarc_cases.h"
#include "support/fake_dns.h"
#include "support/session_gate.h"
#include "support/spf_cases.h"

namespace sekisho::replay {

namespace {

using session::Decided;
using session::Outcome;
using session::Session;
using session::Snapshot;
using test::Gate;
using test::Letter;
using test::snapshot_on_zone;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Answers from what a test wrote down, at once.
class FakeResolver final : public dns::Resolver {
 public:
  explicit FakeResolver(test::FakeDns dns) : dns_(std::move(dns)) {}
  dns::AnswerPtr at_hand(const dns::Question& question) override { return dns_.answer(question); }
  Ticket ask(const dns::Question& question, Callback done) override {
    done(at_hand(question));
    return 0;
  }
  void cancel(Ticket) override {}
  dns::ResolverStatus status() const override { return {}; }

 private:
  test::FakeDns dns_;
};

Snapshot snapshot_on(test::FakeDns dns) {
  auto snapshot = snapshot_on_zone("");
  snapshot.resolver = std::make_shared<FakeResolver>(std::move(dns));
  return snapshot;
}

const char* const zone = R"(
mx.a.example.        A    192.0.2.10
10.2.0.192.in-addr.arpa. PTR mx.a.example.
a.example.           TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.    TXT  "v=DMARC1; p=reject"
b.example.           TXT  "v=spf1 ip4:198.51.100.1 -all"
late.example.        TXT  "v=spf1 -all"
;!timeout _dmarc.late.example
)";

Letter from(std::string mail_from, std::string author) {
  Letter letter;
  letter.mail_from = std::move(mail_from);
  letter.fields = {{"From", " " + author}, {"Subject", " x"}};
  return letter;
}

TEST(Replay, OfThePublicSpfSuite) {
  std::size_t count = 0;
  for (const char* path :
       {"initial", "limits", "macros", "mechanisms", "other_domains", "syntax"}) {
    for (const auto& each :
         test::load_spf_cases(test::data_path("spf/" + std::string(path) + ".json"), true)) {
      SCOPED_TRACE(each.id);
      Gate gate(snapshot_on(each.zone));
      Letter letter =
          from(each.query.local_part + "@" + each.query.domain, "bob@" + std::string("a.example"));
      letter.client = each.query.client.text();
      letter.helo = each.query.helo;
      gate.judge(letter);
      ++count;
    }
  }
  EXPECT_GE(count, 100U);
}

// What the body's digests are good for: pass, fail, l=, too short, both canonicalisations.
TEST(Replay, OfTheDkimFixturesWithoutTheirBodies) {
  std::size_t passed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::data_path("dkim"))) {
    if (entry.path().extension() != ".msg") continue;
    const auto stem = (entry.path().parent_path() / entry.path().stem()).string();
    SCOPED_TRACE(stem);
    test::FakeDns dns;
    const auto records = test::read_json(stem + ".dns");
    for (const auto& [name, value] : records.items()) {
      if (value.is_string()) {
        dns.error(name, value.get<std::string>());
        continue;
      }
      dns.exists(name);
      for (const std::string text : value) dns.txt(name, text);
    }
    Gate gate(snapshot_on(std::move(dns)));
    const auto message = mail::parse_message(test::read_file(stem + ".msg"));
    Letter letter;
    letter.fields = message.header.fields();
    letter.body = message.body;
    const auto outcome = gate.judge(letter);
    for (const auto& each : outcome.facts.dkim) passed += each.code == dkim::Code::pass ? 1 : 0;
  }
  EXPECT_GE(passed, 20U);
}

TEST(Replay, OfTheDmarcCases) {
  const auto cases = test::read_json(test::data_path("dmarc/evaluation.json"));
  for (const auto& each : cases.is_array() ? cases : cases.at("cases")) {
    if (!each.contains("dns")) continue;
    SCOPED_TRACE(each.value("id", "?"));
    Gate gate(snapshot_on(test::dns_of(each["dns"])));
    const auto domain = each.at("from_domain").get<std::string>();
    gate.judge(from("x@" + domain, "x@" + domain));
    gate.judge(from("", "x@" + domain));
  }
}

TEST(Replay, OfWhatIsNotEvaluated) {
  Gate gate(snapshot_on_zone(zone));
  Letter letter;
  letter.fields.push_back({"Authentication-Results", " mx.example.jp; spf=pass"});
  letter.client = "127.0.0.1";
  gate.judge(letter);
  letter.client = "unix";
  gate.judge(letter);
  letter.client = "";
  gate.judge(letter);
  letter.client = "192.0.2.10";
  letter.authenticated = true;
  gate.judge(letter);
  for (const auto role : {policy::Role::submission, policy::Role::local}) {
    letter.authenticated = false;
    gate.judge(letter, role);
  }
  EXPECT_EQ(gate.recorder().decisions().size(), 6U);
}

// Of a header that is too large to be recorded whole, signed and unsigned, the decision is the same
// all the same.
TEST(Replay, OfAHeaderThatIsRecordedInPart) {
  const auto key = test::SigningKey::ed25519();
  for (const bool is_signed : {false, true}) {
    Gate gate(snapshot_on_zone(std::string(zone) + "sel._domainkey.a.example. TXT \"" +
                               key.record() + "\"\n"));
    Letter letter;
    letter.client = "192.0.2.99";  // SPF fails: DMARC hangs on the signature
    letter.fields = {{"Received", " from x.example by y.example; Sat, 21 Nov 2026 09:30:00 +0000"},
                     {"From", " bob@a.example"},
                     {"List-Id", " <l.a.example>"},
                     {"Subject", " x"}};
    for (int i = 0; i < 9; ++i) {
      letter.fields.push_back({"X-Large", " " + std::string(20'000, static_cast<char>('a' + i))});
    }
    letter.fields.push_back({"Authentication-Results", " mx.example.jp; spf=pass"});
    if (is_signed) {
      mail::Header header;
      for (const auto& field : letter.fields) header.add(field);
      test::SignatureTags tags;
      tags.fields = "from:subject:x-large:x-large:x-large:x-large";
      letter.fields.insert(letter.fields.begin(), test::sign(key, tags, header, letter.body));
    }
    const auto outcome = gate.judge(letter);
    EXPECT_EQ(outcome.facts.dmarc.code, is_signed ? dmarc::Code::pass : dmarc::Code::fail);
    const auto& recorded = *gate.recorder().decisions().at(0);
    EXPECT_GT(recorded.inputs.left_out, 100'000U);
    EXPECT_LE(recorded.inputs.header.octets(), 64U * 1024);
    for (const char* name : {"Received", "From", "List-Id", "Subject", "Authentication-Results"}) {
      EXPECT_TRUE(recorded.inputs.header.has(name)) << name;
    }
    test::expect_round_trip(recorded);
  }
}

// A client may go without HELO: whether its lookups had begun before MAIL FROM must not show.
TEST(Replay, OfAClientThatSaysNoHelo) {
  Gate gate(snapshot_on_zone(zone));
  const auto session = gate.session();
  policy::Client client;
  client.address = mail::IpAddress::parse("192.0.2.10").value();
  session->connect(std::move(client), "");
  const auto first = gate.judge(*session, Letter{});
  const auto second = gate.judge(*session, Letter{});
  EXPECT_EQ(first.facts.spf_helo, second.facts.spf_helo);
}

TEST(Replay, OfADeferralThatEnds) {
  Gate gate(snapshot_on_zone(zone));
  for (int i = 0; i < 3; ++i) gate.judge(from("x@late.example", "x@late.example"));
  EXPECT_TRUE(gate.recorder().decisions().back()->outcome.facts.deferred_for);
}

// A header over the limits is recorded as far as it is within them; what was removed beyond them is
// pinned.
TEST(Replay, OfAHeaderOverTheLimits) {
  auto snapshot = snapshot_on_zone(zone);
  snapshot.rules.defaults.monitor = true;
  Gate gate(std::move(snapshot));
  auto letter = from("bob@a.example", "bob@a.example");
  letter.fields.push_back({"X-Large", " " + std::string(1024 * 1024, 'x')});
  letter.fields.push_back({"Authentication-Results", " mx.example.jp; spf=pass"});
  const auto outcome = gate.judge(letter);
  EXPECT_TRUE(outcome.facts.header_over_limits);
  EXPECT_EQ(outcome.verdict.edits.at(0).kind, policy::Edit::Kind::remove);
}

TEST(Replay, OfAFailureInside) {
  Gate gate(snapshot_on_zone(zone));
  const auto session = gate.session();
  const Letter letter;
  test::greet(*session, letter);
  test::send(*session, letter);
  session->fail("out of memory");
  session->end_of_message("4bXY", [](const Outcome&) {});
  EXPECT_EQ(gate.recorder().decisions().at(0)->failure, "out of memory");
}

// HELO's record asks for more than HELO's share, MAIL FROM's is the same one and has a larger
// share: each must see what it saw.
TEST(Replay, OfAQuestionThatWasRefusedToOneCheckOnly) {
  std::string text = zone;
  text +=
      "evil.example. TXT \"v=spf1 mx:m0.evil.example mx:m1.evil.example mx:m2.evil.example "
      "-all\"\n";
  for (int i = 0; i < 27; ++i) {
    const std::string host = "h" + std::to_string(i) + ".evil.example. ";
    text += "m" + std::to_string(i / 9) + ".evil.example. MX 1 " + host + "\n" + host +
            "A 198.51.100.1\n";
  }
  Gate gate(snapshot_on_zone(text));
  auto letter = from("x@evil.example", "ceo@a.example");
  letter.helo = "evil.example";
  const auto outcome = gate.judge(letter);
  EXPECT_EQ(outcome.facts.spf_helo.code, spf::Code::permerror) << outcome.facts.spf_helo.reason;
  EXPECT_EQ(outcome.facts.spf_mail_from.code, spf::Code::fail)
      << outcome.facts.spf_mail_from.reason;
  const auto& refusals = gate.recorder().decisions().at(0)->inputs.refusals;
  ASSERT_FALSE(refusals.empty());
  EXPECT_EQ(refusals.at(0).check, "helo");
}

// Recorded when a refusal was an error among the answers: it comes out as it did then.
TEST(Replay, OfARecordWhoseRefusalsWereErrors) {
  Gate gate(snapshot_on_zone(zone));
  gate.judge(from("bob@a.example", "bob@a.example"));
  Decided old = *gate.recorder().decisions().at(0);
  dns::Answer budget;
  budget.error = "query budget";
  const dns::Question question{dns::Name::from("a.example").value(), dns::Type::txt};
  old.inputs.refusals = {{"mail_from", question, std::make_shared<const dns::Answer>(budget)}};
  const auto replayed = replay(old, *gate.engine().snapshot());
  EXPECT_EQ(replayed.outcome.facts.spf_mail_from.code, spf::Code::temperror);
  EXPECT_THAT(replayed.outcome.facts.spf_mail_from.reason, HasSubstr("query budget"));
}

// Lookups that ended with their time: the error is the answer.
TEST(Replay, OfAnswersThatCameTooLate) {
  auto snapshot = snapshot_on_zone(zone);
  snapshot.resolver = std::make_shared<test::HeldResolver>(snapshot.resolver);
  Gate gate(std::move(snapshot));
  const auto session = gate.session();
  const auto letter = from("bob@a.example", "bob@a.example");
  test::greet(*session, letter);
  test::send(*session, letter);
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  session->expire();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->facts.dmarc.code, dmarc::Code::temperror);
}

// Headers of odd lines, names and octets, from a fixed seed.
TEST(Replay, OfRandomMessages) {
  std::mt19937 random(20261121);
  const auto pick = [&](std::initializer_list<const char*> texts) {
    return std::string(*(texts.begin() + random() % texts.size()));
  };
  Gate gate(snapshot_on_zone(zone));
  for (int i = 0; i < 300; ++i) {
    Letter letter =
        from(pick({"", "bob@a.example", "x@b.example", "x@late.example", "nobody", "\xff@\x80"}),
             pick({"bob@a.example", "x@b.example, y@a.example", "", "<>", "=?utf-8?q?=ff?="}));
    letter.helo = pick({"mx.a.example", "[192.0.2.10]", "", "\x1b[31m", "a..b"});
    letter.to = {"user@example.jp"};
    if (random() % 3 == 0) letter.to.emplace_back("postmaster@example.jp");
    for (auto n = random() % 6; n > 0; --n) {
      letter.fields.push_back(
          {pick({"List-Id", "DKIM-Signature", "Authentication-Results", "From", "X"}),
           pick({" x", " v=1; a=rsa-sha256; d=a.example; s=s; h=from; bh=; b=", "",
                 " mx.example.jp; spf=pass", "\r\n\t\xe3\x81\x82"})});
    }
    letter.authenticated = random() % 10 == 0;
    gate.judge(letter);
  }
}

TEST(Replay, UnderAnotherConfiguration) {
  Gate gate(snapshot_on_zone(zone));
  gate.judge(from("x@b.example", "ceo@a.example"));
  const auto decided = gate.recorder().decisions().at(0);
  EXPECT_EQ(decided->outcome.verdict.message.action, policy::Action::quarantine);
  Snapshot other = *gate.engine().snapshot();
  other.rules.defaults.dmarc.reject = policy::OnDmarcReject::always;
  const auto replayed = replay(*decided, other);
  EXPECT_EQ(replayed.outcome.verdict.message.action, policy::Action::reject);
  EXPECT_THAT(replayed.not_recorded, IsEmpty());
  EXPECT_THAT(differences(decided->outcome, replayed.outcome),
              Contains("verdict.action: quarantine, replayed as reject"));
}

// Who was trusted was not looked up: the other configuration has questions that nobody asked.
TEST(Replay, NamesTheQuestionsThatWereNotRecorded) {
  Gate gate(snapshot_on_zone(zone));
  Letter letter;
  letter.client = "127.0.0.1";
  gate.judge(letter);
  Snapshot other = *gate.engine().snapshot();
  other.options.trust.networks = {};
  const auto replayed = replay(*gate.recorder().decisions().at(0), other);
  EXPECT_THAT(replayed.not_recorded, Contains("a.example TXT"));
  EXPECT_THAT(replayed.outcome.facts.spf_mail_from.reason, HasSubstr("not recorded"));
}

TEST(Differences, AreNamed) {
  Gate gate(snapshot_on_zone(zone));
  const auto live = gate.judge(Letter{});
  EXPECT_THAT(differences(live, live), IsEmpty());
  auto other = live;
  other.facts.spf_mail_from.code = spf::Code::fail;
  EXPECT_EQ(differences(live, other).size(), 1U);
  other = live;
  other.facts.queue_id = "another";  // no part of the object for programs
  EXPECT_EQ(differences(live, other).size(), 1U);
  other = live;
  other.held = Outcome::Held::whole;
  EXPECT_EQ(differences(live, other).size(), 1U);
}

}  // namespace

}  // namespace sekisho::replay
