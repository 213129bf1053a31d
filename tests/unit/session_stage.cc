// What may come when, and what an event out of order does to the message.
#include "session/stage.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "session/session.h"
#include "support/session_gate.h"

namespace sekisho::session {

namespace {

using test::Gate;
using test::snapshot_on_zone;

// One word for each stage: the stages that the event may come in.
struct Case {
  Event event;
  std::vector<Stage> from;
  Stage to;
};

constexpr Stage all[] = {Stage::idle, Stage::envelope, Stage::asking, Stage::header,
                         Stage::body, Stage::deciding, Stage::keeping};

const std::vector<Case> cases = {
    {Event::mail_from, {Stage::idle}, Stage::envelope},
    {Event::rcpt_to, {Stage::envelope}, Stage::asking},
    {Event::header, {Stage::envelope, Stage::header}, Stage::header},
    {Event::end_of_header, {Stage::envelope, Stage::header}, Stage::body},
    {Event::body, {Stage::envelope, Stage::header, Stage::body}, Stage::body},
    {Event::end_of_message, {Stage::envelope, Stage::header, Stage::body}, Stage::deciding},
};

// Events of a front, by name.
using Step = std::function<void(Session&)>;
const Step mail = [](Session& s) { s.mail_from({"bob@a.example"}); };
const Step rcpt = [](Session& s) { s.rcpt_to({"user@example.jp"}); };
const Step field = [](Session& s) { s.header("From", " bob@a.example"); };
const Step end_of_header = [](Session& s) { s.end_of_header(); };
const Step body = [](Session& s) { s.body("Hello\r\n"); };

struct Disorder {
  std::string reason;
  std::vector<Step> steps;
};

}  // namespace

TEST(Stages, EachEventHasItsStages) {
  for (const auto& c : cases) {
    for (const Stage stage : all) {
      const bool allowed = std::find(c.from.begin(), c.from.end(), stage) != c.from.end();
      const auto next = after(stage, c.event);
      EXPECT_EQ(next.has_value(), allowed) << name_of(c.event) << static_cast<int>(stage);
      if (next) {
        EXPECT_EQ(*next, c.to) << name_of(c.event);
      }
    }
  }
}

// A front that confuses the order has a fault; its message must not be accepted for it.
TEST(Stages, AnEventOutOfOrderFailsItsMessage) {
  const std::vector<Disorder> disorders = {
      {"a header field came out of order", {mail, rcpt, field, end_of_header, field}},
      {"a header field came out of order", {mail, rcpt, field, end_of_header, body, field}},
      {"the end of the header came out of order", {mail, rcpt, end_of_header, end_of_header}},
      {"RCPT TO came out of order", {mail, rcpt, field, rcpt}},
      {"RCPT TO came out of order", {mail, rcpt, field, end_of_header, body, rcpt}},
  };
  for (const auto& disorder : disorders) {
    Gate gate(snapshot_on_zone(""));
    const auto session = gate.session();
    test::greet(*session, {});
    for (const auto& step : disorder.steps) step(*session);
    std::optional<Outcome> outcome;
    session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
    ASSERT_TRUE(outcome) << disorder.reason;
    const auto& decision = outcome->verdict.message;
    EXPECT_EQ(decision.action, policy::Action::tempfail);
    EXPECT_EQ(decision.rule, "internal");
    EXPECT_EQ(decision.reason, "internal error: " + disorder.reason);
    EXPECT_FALSE(session->in_message());
  }
}

// Between two messages there is nothing that could be spoilt.
TEST(Stages, EventsWithoutAMessageDoNothing) {
  Gate gate(snapshot_on_zone(""));
  const auto session = gate.session();
  test::greet(*session, {});
  bool answered = false;
  session->rcpt_to({"user@example.jp"},
                   [&](const session::Step& step) { answered = !step.refusal; });
  EXPECT_TRUE(answered);
  field(*session);
  end_of_header(*session);
  EXPECT_FALSE(session->body("Hello\r\n"));
  EXPECT_FALSE(session->in_message());
  EXPECT_EQ(gate.judge(*session, {}).verdict.message.action, policy::Action::accept);
}

}  // namespace sekisho::session
