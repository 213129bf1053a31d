// Which questions are asked when, in how many round trips, and that hostile messages get no more.
#include <gtest/gtest.h>

#include "session/checks.h"
#include "support/session_gate.h"

namespace sekisho::session {

namespace {

using test::Gate;
using test::HeldResolver;
using test::Letter;
using test::snapshot_on_zone;
using Names = std::vector<std::string>;

const char* const zone = R"(
mx.a.example.        A    192.0.2.10
mx.a.example.        TXT  "v=spf1 a -all"
10.2.0.192.in-addr.arpa. PTR mx.a.example.
a.example.           TXT  "v=spf1 include:_spf.p.example -all"
_spf.p.example.      TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.    TXT  "v=DMARC1; p=reject"
s1._domainkey.a.example. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
)";

class Questions : public testing::Test {
 protected:
  Questions() {
    auto snapshot = snapshot_on_zone(zone);
    held_ = std::make_shared<HeldResolver>(snapshot.resolver);
    snapshot.resolver = held_;
    gate_ = std::make_unique<Gate>(std::move(snapshot));
  }
  // One round trip: false when nobody waits for anything.
  bool round_trip() {
    if (!held_->answer_all()) return false;
    gate_->queue().run_until([] { return false; }, steady_now());
    return true;
  }

  std::shared_ptr<HeldResolver> held_;
  std::unique_ptr<Gate> gate_;
};

TEST_F(Questions, EachIsAskedAsSoonAsItsNameIsKnown) {
  const auto session = gate_->session();
  policy::Client client;
  client.address = mail::IpAddress::parse("192.0.2.10").value();
  session->connect(client, "");
  EXPECT_EQ(held_->asked(), (Names{"10.2.0.192.in-addr.arpa PTR"}));
  session->helo("mx.a.example");
  auto asked = held_->asked();
  EXPECT_NE(std::find(asked.begin(), asked.end(), "mx.a.example TXT"), asked.end());
  held_->answer_all();
  session->mail_from({"bob@a.example", false});
  asked = held_->asked();
  for (const char* wanted : {"a.example TXT", "_dmarc.a.example TXT", "_dmarc.example TXT"}) {
    EXPECT_NE(std::find(asked.begin(), asked.end(), wanted), asked.end()) << wanted;
  }
  session->header("DKIM-Signature",
                  " v=1; a=rsa-sha256; d=a.example; s=s1; h=from; "
                  "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA");
  EXPECT_EQ(held_->asked(), (Names{"s1._domainkey.a.example TXT"}));
  session->header("From", " bob@a.example");
  session->end_of_header();
  EXPECT_EQ(held_->asked(), Names{}) << "the guess at MAIL FROM was right";
}

// A stranger who greets with a thousand names has the questions of one under way, and its message
// has all of its own.
TEST_F(Questions, OnlyTheLastNameInHeloIsLookedUp) {
  const auto session = gate_->session();
  policy::Client client;
  client.address = mail::IpAddress::parse("192.0.2.10").value();
  session->connect(client, "");
  session->helo("n0.b.example");
  const auto open = held_->open();
  for (int i = 1; i < 100; ++i) session->helo("n" + std::to_string(i) + ".b.example");
  EXPECT_EQ(held_->open(), open);
  held_->asked();
  session->helo("n99.b.example");
  EXPECT_EQ(held_->asked(), Names{}) << "the same name again, within TLS";
  session->helo("mx.a.example");
  while (round_trip()) {
  }
  session->mail_from({"bob@a.example", false});
  session->rcpt_to({"user@example.jp"});
  while (round_trip()) {
  }
  session->header("From", " bob@a.example");
  session->end_of_header();
  session->body("x\r\n");
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  while (!outcome && round_trip()) {
  }
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->facts.spf_helo.code, spf::Code::pass);
  EXPECT_EQ(outcome->facts.spf_mail_from.code, spf::Code::pass);
}

// A front that passes the header on after the end of DATA: names first seen there cost one round
// trip.
TEST_F(Questions, NamesOfTheHeaderCostOneRoundTrip) {
  const auto session = gate_->session();
  Letter letter;
  test::greet(*session, letter);
  session->mail_from({letter.mail_from, false});
  session->rcpt_to({"user@example.jp"});
  int before = 0;
  while (round_trip()) ++before;
  EXPECT_LE(before, 3) << "SPF and its include";
  held_->asked();
  session->header("DKIM-Signature",
                  " v=1; a=rsa-sha256; d=a.example; s=s1; h=from; "
                  "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA");
  session->header("From", " x@c.example");
  session->end_of_header();
  session->body("x\r\n");
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  EXPECT_FALSE(outcome);
  int after = 0;
  while (!outcome && round_trip()) ++after;
  EXPECT_TRUE(outcome);
  EXPECT_EQ(after, 1);
}

TEST_F(Questions, NamesKnownAlreadyCostNone) {
  const auto session = gate_->session();
  test::greet(*session, {});
  session->mail_from({"bob@a.example", false});
  while (round_trip()) continue;
  session->header("From", " bob@a.example");
  session->end_of_header();
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  ASSERT_TRUE(outcome) << held_->asked().size();
  EXPECT_EQ(outcome->verdict.message.action, policy::Action::accept);
}

// All at once, as sendmail does it when a message comes over one packet: three serial rounds.
TEST_F(Questions, AMessageInOneGoNeedsOnlyTheSerialRounds) {
  const auto session = gate_->session();
  test::greet(*session, {});
  test::send(*session, {});
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  int rounds = 0;
  while (!outcome && round_trip()) ++rounds;
  ASSERT_TRUE(outcome);
  EXPECT_LE(rounds, 3) << "record, include; PTR, then its address";
}

TEST_F(Questions, NothingIsAskedForWhomIsNotEvaluated) {
  const auto ask = [&](const char* client, bool authenticated, policy::Role role) {
    Letter letter;
    letter.client = client;
    letter.authenticated = authenticated;
    const auto session = gate_->session(role);
    test::greet(*session, letter);
    test::send(*session, letter);
    return held_->asked();
  };
  EXPECT_EQ(ask("127.0.0.1", false, policy::Role::mx), Names{});
  EXPECT_EQ(ask("unix", false, policy::Role::mx), Names{});
  EXPECT_EQ(ask("192.0.2.10", true, policy::Role::submission), Names{});
  EXPECT_NE(ask("192.0.2.10", false, policy::Role::submission), Names{});
}

// With the ten signatures that are verified by default: what RFC 7208 §4.6.4 lets one MAIL FROM ask
// is half of it.
TEST(HostileQuestions, TheHardBoundIsKnown) { EXPECT_EQ(Checks::most_questions({}), 299U); }

// Whatever a message is made of, it gets no more than its budget.
TEST(HostileQuestions, StayWithinTheBudget) {
  std::string hostile_zone = "wide.example. TXT \"v=spf1";
  for (int i = 0; i < 10; ++i) hostile_zone += " include:i" + std::to_string(i) + ".example";
  hostile_zone += " -all\"\n";
  for (int i = 0; i < 10; ++i) {
    hostile_zone += "i" + std::to_string(i) +
                    ".example. TXT \"v=spf1 mx:m.example ptr exists:%{i}.x" + std::to_string(i) +
                    ".example include:wide.example -all\"\n";
  }
  for (int i = 0; i < 30; ++i) {
    hostile_zone += "m.example. MX 10 h" + std::to_string(i) + ".example.\n";
    hostile_zone += "10.2.0.192.in-addr.arpa. PTR p" + std::to_string(i) + ".example.\n";
  }
  Gate gate(snapshot_on_zone(hostile_zone));
  Letter letter;
  letter.helo = "wide.example";
  letter.mail_from = "x@wide.example";
  letter.fields = {{"From", " x@a.b.c.d.e.f.g.h.i.j.k.example"}};
  for (int i = 0; i < 200; ++i) {
    letter.fields.push_back(
        {"DKIM-Signature",
         " v=1; a=rsa-sha256; d=d" + std::to_string(i) +
             ".example; s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"});
  }
  const auto outcome = gate.judge(letter);
  EXPECT_LE(outcome.facts.dns_questions, Checks::most_questions({}));
  EXPECT_GE(outcome.facts.dns_questions, 10U);
  EXPECT_NE(outcome.facts.spf_mail_from.code, spf::Code::pass);
}

}  // namespace

}  // namespace sekisho::session
