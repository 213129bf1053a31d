// The order of events, and what breaks inside: one message's 4xx, never the next one's.
#include <chrono>
#include <utility>

#include <gtest/gtest.h>

#include "record/log_line.h"
#include "support/session_gate.h"

namespace sekisho::session {

namespace {

using test::Gate;
using test::greet;
using test::HeldResolver;
using test::Letter;
using test::snapshot_on_zone;

const char* const zone = R"(
mx.a.example.        A    192.0.2.10
10.2.0.192.in-addr.arpa. PTR mx.a.example.
a.example.           TXT  "v=spf1 include:_spf.a.example -all"
_spf.a.example.      TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.    TXT  "v=DMARC1; p=reject"
)";

// Throws on a question that ends with `hook`, as a bug would.
class ThrowingResolver final : public dns::Resolver {
 public:
  ThrowingResolver(std::shared_ptr<dns::Resolver> inner, std::string hook)
      : inner_(std::move(inner)), hook_(std::move(hook)) {}
  dns::AnswerPtr at_hand(const dns::Question& question) override {
    if (armed && question.name.text().ends_with(hook_)) throw std::runtime_error("a bug");
    return inner_->at_hand(question);
  }
  Ticket ask(const dns::Question& question, Callback done) override {
    return inner_->ask(question, std::move(done));
  }
  void cancel(Ticket) override {}
  dns::ResolverStatus status() const override { return {}; }
  bool armed = true;

 private:
  std::shared_ptr<dns::Resolver> inner_;
  std::string hook_;
};

std::shared_ptr<HeldResolver> hold(Snapshot& snapshot) {
  auto held = std::make_shared<HeldResolver>(snapshot.resolver);
  snapshot.resolver = held;
  return held;
}

TEST(Dialogue, SeveralMessagesInOneSession) {
  Gate gate(snapshot_on_zone(zone));
  const auto session = gate.session();
  greet(*session, {});
  Letter forged;
  forged.mail_from = "x@b.example";
  forged.helo = "other.example";
  EXPECT_EQ(gate.judge(*session, {}).verdict.message.action, policy::Action::accept);
  EXPECT_EQ(gate.judge(*session, forged).verdict.message.action, policy::Action::quarantine);
  const auto last = gate.judge(*session, {});
  EXPECT_EQ(last.verdict.message.action, policy::Action::accept);
  EXPECT_EQ(last.facts.client.helo, "mx.a.example");
  EXPECT_EQ(last.facts.recipients.size(), 1U);
  EXPECT_EQ(gate.engine().counters().messages, 3U);
  EXPECT_EQ(gate.engine().counters().aborted, 0U);
}

TEST(Dialogue, AbortInEveryState) {
  auto snapshot = snapshot_on_zone(zone);
  const auto held = hold(snapshot);
  Gate gate(std::move(snapshot));
  const auto session = gate.session();
  greet(*session, {});
  bool told = false;
  const std::vector<std::function<void()>> events = {
      [&] {
        session->mail_from({"bob@a.example", false});
      },
      [&] { session->rcpt_to({"user@example.jp"}); },
      [&] { session->header("From", " bob@a.example"); },
      [&] { session->end_of_header(); },
      [&] { session->body("Hello\r\n"); },
      [&] { session->end_of_message("4bXY", [&](const Outcome&) { told = true; }); },
  };
  for (std::size_t last = 0; last < events.size(); ++last) {
    for (std::size_t i = 0; i <= last; ++i) events[i]();
    EXPECT_TRUE(session->in_message());
    session->abort();
    EXPECT_FALSE(session->in_message());
    EXPECT_EQ(held->open(), 0U) << "questions of an aborted message are cancelled";
  }
  EXPECT_FALSE(told);
  EXPECT_EQ(gate.engine().counters().aborted, events.size());
  session->abort();
  EXPECT_EQ(gate.engine().counters().aborted, events.size());
}

TEST(Dialogue, EventsWithoutAMessageAreIgnored) {
  Gate gate(snapshot_on_zone(zone));
  const auto session = gate.session();
  session->rcpt_to({"x"});
  session->header("From", " a@b");
  session->end_of_header();
  EXPECT_FALSE(session->body("x"));
  session->abort();
  session->expire();
  EXPECT_EQ(session->deadline(), SteadyTime::max());
  std::optional<Outcome> outcome;
  session->end_of_message("", [&](const Outcome& reached) { outcome = reached; });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->verdict.message.action, policy::Action::tempfail);
}

TEST(Dialogue, ASecondMailFromBeginsAnew) {
  Gate gate(snapshot_on_zone(zone));
  const auto session = gate.session();
  greet(*session, {});
  session->mail_from({"x@b.example", false});
  session->rcpt_to({"forgotten@example.jp"});
  const auto outcome = gate.judge(*session, {});
  EXPECT_EQ(outcome.facts.recipients, std::vector<mail::Path>{"user@example.jp"});
  EXPECT_EQ(gate.engine().counters().aborted, 1U);
}

TEST(Dialogue, ASessionMayEndAtAnyTime) {
  auto snapshot = snapshot_on_zone(zone);
  const auto held = hold(snapshot);
  Gate gate(std::move(snapshot));
  auto session = gate.session();
  greet(*session, {});
  test::send(*session, {});
  session->end_of_message("4bXY", [](const Outcome&) { ADD_FAILURE() << "told a dead session"; });
  session.reset();
  EXPECT_EQ(gate.engine().counters().aborted, 1U);
  held->answer_all();
  gate.queue().run_until([] { return false; }, steady_now());
}

TEST(Deadline, AnswersThatNeverComeAreTemperror) {
  auto snapshot = snapshot_on_zone(zone);
  snapshot.rules.defaults.dmarc.temperror = policy::OnTemperror::tempfail;
  const auto held = hold(snapshot);
  Gate gate(std::move(snapshot));
  const auto session = gate.session();
  greet(*session, {});
  test::send(*session, {});
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  EXPECT_FALSE(outcome);
  session->expire();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->facts.spf_mail_from.code, spf::Code::temperror);
  EXPECT_EQ(outcome->facts.dmarc.code, dmarc::Code::temperror);
  EXPECT_EQ(outcome->facts.iprev.code, client::IprevCode::temperror);
  EXPECT_EQ(outcome->verdict.message.action, policy::Action::tempfail);
  EXPECT_EQ(outcome->verdict.message.reply->status(), "4.7.1");
  EXPECT_EQ(held->open(), 0U);
}

// A client may need longer for its message than all lookups may take.
TEST(Deadline, ASlowClientDoesNotUseUpTheTimeForTheLookups) {
  auto snapshot = snapshot_on_zone(std::string(zone) + "c.example.dbl.test. A 127.0.1.2\n");
  snapshot.dns.message_budget = std::chrono::milliseconds(60);
  client::DnsListDefinition dbl;
  dbl.name = "dbl";
  dbl.kind = client::DnsListKind::rhsbl;
  dbl.list = client::DnsListZone::parse("dbl.test").value();
  dbl.on = {client::DnsListOn::from};
  snapshot.client.lists.push_back(dbl);
  policy::DnsListRule rule;
  rule.name = dbl.name;
  rule.kind = dbl.kind;
  snapshot.rules.defaults.lists.rules.push_back(rule);
  const auto held = hold(snapshot);
  Gate gate(std::move(snapshot));
  const auto session = gate.session();
  greet(*session, {});
  session->mail_from({"bob@a.example", false});
  session->rcpt_to({"user@example.jp"});
  const auto answer_everything = [&] {
    while (held->answer_all()) gate.queue().run_until([] { return false; }, steady_now());
  };
  answer_everything();
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  session->header("From", " bob@c.example");
  session->end_of_header();
  answer_everything();
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  session->body("x");
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  answer_everything();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->facts.dmarc.code, dmarc::Code::none) << outcome->facts.dmarc.reason;
  ASSERT_EQ(outcome->facts.lists.size(), 1U);
  EXPECT_EQ(outcome->facts.lists[0].code, client::DnsListCode::listed)
      << outcome->facts.lists[0].reason;
}

struct BugCase {
  const char* hook;  // the name at which the resolver throws
  const char* where;
};

TEST(Failure, ABugEndsOneMessageWith4xxAndTheNextIsFine) {
  const BugCase cases[] = {
      {"in-addr.arpa", "connect"},
      {"mx.a.example", "HELO"},
      {"a.example", "MAIL FROM"},
      {"_dmarc.c.example", "end of header"},
      {"_domainkey.d.example", "a header field"},
      {"_spf.a.example", "in the middle of SPF"},
  };
  for (const auto& c : cases) {
    auto snapshot = snapshot_on_zone(zone);
    const auto broken = std::make_shared<ThrowingResolver>(snapshot.resolver, c.hook);
    snapshot.resolver = broken;
    Gate gate(std::move(snapshot));
    const auto session = gate.session();
    Letter letter;
    letter.fields = {{"DKIM-Signature",
                      " v=1; a=rsa-sha256; d=d.example; s=s; h=from; "
                      "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"},
                     {"From", " bob@c.example"}};
    greet(*session, letter);
    const auto outcome = gate.judge(*session, letter);
    EXPECT_EQ(outcome.verdict.message.action, policy::Action::tempfail) << c.where;
    EXPECT_EQ(outcome.verdict.message.rule, "internal") << c.where;
    ASSERT_TRUE(outcome.verdict.message.reply) << c.where;
    EXPECT_TRUE(outcome.verdict.message.reply->line().starts_with("451 4.3.0 internal error"));
    EXPECT_TRUE(outcome.verdict.edits.empty());
    EXPECT_EQ(gate.engine().counters().internal_errors, 1U) << c.where;
    broken->armed = false;
    EXPECT_EQ(gate.judge(*session, {}).verdict.message.action, policy::Action::accept) << c.where;
  }
}

TEST(Failure, AJournalThatBreaksChangesNoVerdict) {
  class BrokenJournal final : public Journal {
    void decided(std::shared_ptr<const Decided>) override { throw std::runtime_error("disk full"); }
  } journal;
  Engine engine(std::make_shared<const Snapshot>(snapshot_on_zone(zone)), journal);
  const auto session = Session::create(engine, policy::Role::mx, std::make_shared<RunQueue>());
  greet(*session, {});
  test::send(*session, {});
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->verdict.message.action, policy::Action::accept);
}

TEST(Snapshots, AMessageEndsOnTheOneItBeganWith) {
  Gate gate(snapshot_on_zone(zone));
  const auto session = gate.session();
  greet(*session, {});
  test::send(*session, {});
  auto other = snapshot_on_zone("");
  other.options.identity.authserv_id = "new.example.jp";
  gate.engine().replace(std::make_shared<const Snapshot>(std::move(other)));
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->authentication_results.starts_with(" mx.example.jp"));
  EXPECT_TRUE(gate.judge(*session, {}).authentication_results.starts_with(" new.example.jp"));
}

// A store that is asked about a release and has not answered yet.
class SilentStore final : public Keeping {
 public:
  std::unique_ptr<Draft> begin() override { return nullptr; }
  void keep(KeepRequest, std::function<void(HoldResult)>) override {}
  void take_back(ReleaseProof, std::function<void(TakenBack)> done) override {
    done_ = std::move(done);
  }
  void answer(TakenBack taken) { std::exchange(done_, nullptr)(std::move(taken)); }
  bool asked() const { return done_ != nullptr; }

 private:
  std::function<void(TakenBack)> done_;
};

TEST(Dialogue, AStoreThatDoesNotSayWhetherItLetAMessageGoHasItsTime) {
  using namespace std::chrono_literals;
  for (const char* client : {"unix", "192.0.2.10"}) {
    SilentStore store;
    Gate gate(snapshot_on_zone(zone));
    gate.engine().keep_in(&store);
    const auto session = gate.session();
    Letter letter;
    letter.client = client;
    letter.fields.push_back({std::string(release_field), " K7Q2-4DMX token"});
    greet(*session, letter);
    send(*session, letter);
    std::optional<Outcome> outcome;
    session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
    gate.queue().run_until([] { return false; }, steady_now());
    ASSERT_TRUE(store.asked()) << client;
    EXPECT_FALSE(outcome) << client;
    EXPECT_LE(session->deadline(), steady_now() + 60s) << client;
    session->expire();
    ASSERT_TRUE(outcome) << client;
    EXPECT_EQ(outcome->verdict.message.action, policy::Action::tempfail) << client;
    ASSERT_TRUE(outcome->verdict.message.reply) << client;
    EXPECT_EQ(outcome->verdict.message.reply->code(), 451) << client;
    EXPECT_NE(outcome->verdict.message.reason.find("the store did not answer"), std::string::npos);
    // Too late, it changes nothing.
    store.answer(Released{"K7Q2-4DMX", " mx.example.jp; none"});
    gate.queue().run_until([] { return false; }, steady_now());
    EXPECT_EQ(outcome->verdict.message.action, policy::Action::tempfail) << client;
    EXPECT_FALSE(session->in_message()) << client;
    gate.engine().keep_in(nullptr);
  }
}

TEST(Dialogue, AStoreThatAnswersInTimeLetsItsMessageGo) {
  SilentStore store;
  Gate gate(snapshot_on_zone(zone));
  gate.engine().keep_in(&store);
  const auto session = gate.session();
  Letter letter;
  letter.fields.push_back({std::string(release_field), " K7Q2-4DMX token"});
  greet(*session, letter);
  send(*session, letter);
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  store.answer(Released{"K7Q2-4DMX", " mx.example.jp; none"});
  gate.queue().run_until([] { return false; }, steady_now());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->verdict.message.rule, "exempt");
  EXPECT_EQ(outcome->verdict.message.reason,
            "a released message, held as K7Q2-4DMX, not evaluated");
  EXPECT_NE(record::log_line(outcome->facts, outcome->verdict)
                .find(" skipped=released released=K7Q2-4DMX "),
            std::string::npos);
  gate.engine().keep_in(nullptr);
}

// Of a release that is over, for example: nothing of ours has failed.
TEST(Dialogue, WhatTheStoreDefersIsNoInternalError) {
  SilentStore store;
  Gate gate(snapshot_on_zone(zone));
  gate.engine().keep_in(&store);
  const auto session = gate.session();
  Letter letter;
  letter.fields.push_back({std::string(release_field), " K7Q2-4DMX token"});
  greet(*session, letter);
  send(*session, letter);
  std::optional<Outcome> outcome;
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  store.answer(tl::unexpected(std::string("the release of K7Q2-4DMX is over")));
  gate.queue().run_until([] { return false; }, steady_now());
  ASSERT_TRUE(outcome);
  const auto& decision = outcome->verdict.message;
  EXPECT_EQ(decision.action, policy::Action::tempfail);
  EXPECT_EQ(decision.rule, "release");
  EXPECT_EQ(decision.reason, "deferred: the release of K7Q2-4DMX is over");
  ASSERT_TRUE(decision.reply);
  EXPECT_TRUE(decision.reply->line().starts_with("451 4.3.0 not now, try again later (id="));
  EXPECT_EQ(gate.engine().counters().internal_errors, 0U);
  gate.engine().keep_in(nullptr);
}

}  // namespace

}  // namespace sekisho::session
