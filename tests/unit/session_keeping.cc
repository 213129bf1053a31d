// A front without an MTA behind it: it keeps every message itself, and none is answered before it
// is durable.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "session/session.h"
#include "support/session_gate.h"

namespace sekisho::session {

namespace {

using test::Letter;
using test::Recorder;

class TextDraft final : public Draft {
 public:
  void append(std::string_view octets) override { text.append(octets); }
  std::string text;
};

// Keeps every message in memory, and answers when the test says so.
class KeepsAll final : public Keeping {
 public:
  struct Kept {
    std::vector<std::string> held;
    std::vector<std::string> accepted;
    std::string content;
    policy::Action action;
  };

  bool keeps_accepted() const override { return true; }
  std::unique_ptr<Draft> begin() override { return std::make_unique<TextDraft>(); }
  void keep(KeepRequest message, std::function<void(HoldResult)> done) override {
    const auto raw = [](const std::vector<Recipient>& recipients) {
      std::vector<std::string> out;
      for (const auto& each : recipients) out.push_back(each.path.raw());
      return out;
    };
    kept.push_back({raw(message.held), raw(message.accepted),
                    static_cast<TextDraft&>(*message.content).text,
                    message.outcome.verdict.message.action});
    done_ = std::move(done);
  }
  void take_back(ReleaseProof, std::function<void(TakenBack)> done) override { done(std::nullopt); }
  void answer(HoldResult result) { std::exchange(done_, nullptr)(std::move(result)); }
  bool asked() const { return done_ != nullptr; }

  std::vector<Kept> kept;

 private:
  std::function<void(HoldResult)> done_;
};

// What it decided is decided again from the record, and must come out the same.
class Front {
 public:
  explicit Front(Snapshot snapshot)
      : snapshot_(std::make_shared<const Snapshot>(std::move(snapshot))),
        engine_(snapshot_, recorder_) {}
  ~Front() {
    for (const auto& decided : recorder_.decisions()) test::expect_replay(*decided, *snapshot_);
  }

  void send(const Letter& letter) {
    outcome.reset();
    session_ = Session::create(engine_, policy::Role::mx, queue_, &store);
    test::greet(*session_, letter);
    test::send(*session_, letter);
    session_->end_of_message("", [this](const Outcome& reached) { outcome = reached; });
    run();
  }
  void answer(HoldResult result) {
    store.answer(std::move(result));
    run();
  }
  void run() {
    queue_->run_until([] { return false; }, steady_now());
  }
  Session& session() { return *session_; }
  const Counters& counters() { return engine_.counters(); }

  KeepsAll store;
  std::optional<Outcome> outcome;

 private:
  const std::shared_ptr<const Snapshot> snapshot_;
  Recorder recorder_;
  Engine engine_;
  std::shared_ptr<RunQueue> queue_ = std::make_shared<RunQueue>();
  std::shared_ptr<Session> session_;
};

// reject.example asks for reject, and is quarantined for one of two recipients.
constexpr const char* zone =
    "_dmarc.a.example TXT \"v=DMARC1; p=none\"\n"
    "_dmarc.strict.example TXT \"v=DMARC1; p=quarantine\"\n";

Letter from(std::string author) {
  Letter letter;
  letter.fields = {{"From", " " + author}, {"Subject", " x"}};
  return letter;
}

}  // namespace

TEST(Keeping, AnAcceptedMessageIsAnsweredWhenItIsDurable) {
  Front front(test::snapshot_on_zone(zone));
  front.send(from("bob@a.example"));
  ASSERT_EQ(front.store.kept.size(), 1U);
  EXPECT_FALSE(front.outcome);
  EXPECT_TRUE(front.session().in_message());
  const auto& kept = front.store.kept[0];
  EXPECT_TRUE(kept.held.empty());
  EXPECT_EQ(kept.accepted, std::vector<std::string>{"user@example.jp"});
  EXPECT_EQ(kept.content, "From: bob@a.example\r\nSubject: x\r\n\r\nHello\r\n");
  front.answer({HoldCode::held, ""});
  ASSERT_TRUE(front.outcome);
  EXPECT_EQ(front.outcome->verdict.message.action, kept.action);
  EXPECT_EQ(front.outcome->held, Outcome::Held::no);
  EXPECT_FALSE(front.session().in_message());
}

TEST(Keeping, WhatCannotBeKeptIsDeferred) {
  struct Case {
    HoldCode code;
    int reply;
  };
  for (const auto& c : {Case{HoldCode::failed, 451}, Case{HoldCode::full, 452}}) {
    Front front(test::snapshot_on_zone(zone));
    front.send(from("bob@a.example"));
    front.answer({c.code, "no space left on device"});
    ASSERT_TRUE(front.outcome);
    const auto& decision = front.outcome->verdict.message;
    EXPECT_EQ(decision.action, policy::Action::tempfail);
    ASSERT_TRUE(decision.reply);
    EXPECT_EQ(decision.reply->code(), c.reply);
    EXPECT_EQ(front.counters().not_held, 1U);
  }
}

TEST(Keeping, AStoreThatDoesNotAnswerHasItsTime) {
  Front front(test::snapshot_on_zone(zone));
  front.send(from("bob@a.example"));
  EXPECT_FALSE(front.outcome);
  EXPECT_LE(front.session().deadline(), steady_now() + std::chrono::seconds(60));
  front.session().expire();
  ASSERT_TRUE(front.outcome);
  EXPECT_EQ(front.outcome->verdict.message.action, policy::Action::tempfail);
  // The answer that comes too late changes nothing.
  front.answer({HoldCode::held, ""});
  EXPECT_EQ(front.outcome->verdict.message.action, policy::Action::tempfail);
}

// A client that is exempt is not evaluated, and its mail is kept all the same.
TEST(Keeping, AnExemptMessageIsKeptToo) {
  Front front(test::snapshot_on_zone(zone));
  Letter letter = from("bob@a.example");
  letter.client = "unix";
  front.send(letter);
  ASSERT_EQ(front.store.kept.size(), 1U);
  EXPECT_EQ(front.store.kept[0].content, "From: bob@a.example\r\nSubject: x\r\n\r\nHello\r\n");
  EXPECT_FALSE(front.outcome);
}

TEST(Keeping, ARefusedMessageIsNotKept) {
  auto snapshot = test::snapshot_on_zone(zone);
  Front front(std::move(snapshot));
  Letter letter = from("bob@a.example");
  letter.fields.push_back({"From", " eve@b.example"});
  front.send(letter);
  EXPECT_TRUE(front.store.kept.empty());
  ASSERT_TRUE(front.outcome);
  EXPECT_EQ(front.outcome->verdict.message.action, policy::Action::reject);
}

// Held for one recipient and accepted for the other: one request, one file. No MTA could hold it
// for us, so [quarantine] "mta" means the store.
TEST(Keeping, HeldAndAcceptedAreKeptTogether) {
  auto snapshot = test::snapshot_on_zone(zone);
  policy::RecipientRules lenient;
  lenient.to = {policy::RecipientPattern::parse("lenient@example.jp").value()};
  lenient.rules = snapshot.rules.defaults;
  lenient.rules.dmarc.quarantine = policy::OnDmarcQuarantine::tag;
  snapshot.rules.policies.push_back(lenient);
  Front front(std::move(snapshot));
  Letter letter = from("bob@strict.example");
  letter.to = {"user@example.jp", "lenient@example.jp"};
  front.send(letter);
  ASSERT_EQ(front.store.kept.size(), 1U);
  EXPECT_EQ(front.store.kept[0].held, std::vector<std::string>{"user@example.jp"});
  EXPECT_EQ(front.store.kept[0].accepted, std::vector<std::string>{"lenient@example.jp"});
  front.answer({HoldCode::held, ""});
  ASSERT_TRUE(front.outcome);
  EXPECT_EQ(front.outcome->held, Outcome::Held::some);
}

}  // namespace sekisho::session
