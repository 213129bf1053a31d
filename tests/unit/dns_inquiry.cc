// The questions of one message: budgets, notifications, and an end at any moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <thread>

#include "dns/codec.h"
#include "dns/inquiry.h"
#include "dns/make_resolver.h"
#include "support/dns_server.h"
#include "support/dns_waiting.h"

namespace sekisho::dns {
namespace {

using namespace std::chrono_literals;
using test::question;

std::vector<Question> numbered(int from, int to) {
  std::vector<Question> questions;
  for (int n = from; n < to; ++n)
    questions.push_back(question("n" + std::to_string(n) + ".example", Type::txt));
  return questions;
}

AnswerPtr text_answer(std::string text) {
  Answer answer;
  answer.outcome = Outcome::records;
  answer.texts = {std::move(text)};
  return std::make_shared<const Answer>(std::move(answer));
}

// A resolver that answers when it is told to. Thread: one owner.
class HeldResolver : public Resolver {
 public:
  AnswerPtr at_hand(const Question& q) override {
    const auto found = cached.find(q);
    return found == cached.end() ? nullptr : found->second;
  }
  Ticket ask(const Question& q, Callback done) override {
    if (before_ask) std::exchange(before_ask, nullptr)();
    asked.push_back(q);
    if (answer_inside_ask) {
      done(text_answer("inside"));
      return 0;
    }
    held.emplace(++last, std::move(done));
    return last;
  }
  void cancel(Ticket ticket) override { cancelled += held.erase(ticket); }
  ResolverStatus status() const override { return {}; }

  void release(std::size_t count) {
    for (; count > 0 && !held.empty(); --count) {
      auto node = held.extract(held.begin());
      node.mapped()(text_answer("late"));
    }
  }

  std::function<void()> before_ask;  // the next one
  std::map<Question, AnswerPtr> cached;
  std::vector<Question> asked;
  std::map<Ticket, Callback> held;
  std::size_t cancelled = 0;
  Ticket last = 0;
  bool answer_inside_ask = false;
};

// A share without a limit.
thread_local Share any{1'000'000, 1'000'000};

struct Lab {
  HeldResolver resolver;
  Options options;
  int notified = 0;
  std::function<void()> notify = [this] { ++notified; };
};

TEST(Inquiry, HasWhatIsAtHandAtOnceAndWaitsForTheRest) {
  Lab lab;
  const auto questions = numbered(0, 3);
  lab.resolver.cached[questions[0]] = text_answer("known");
  Inquiry inquiry(lab.resolver, lab.options, lab.notify);
  inquiry.ask(questions, {}, any);
  ASSERT_NE(inquiry.answers().find(questions[0]), nullptr);
  EXPECT_FALSE(inquiry.all_known(questions));
  EXPECT_EQ(lab.notified, 0);

  lab.resolver.release(2);
  EXPECT_EQ(lab.notified, 1) << "once until the next collect()";
  EXPECT_FALSE(inquiry.all_known(questions)) << "nothing moves without the owner";
  EXPECT_TRUE(inquiry.collect());
  EXPECT_FALSE(inquiry.collect());
  EXPECT_TRUE(inquiry.all_known(questions));
  inquiry.ask(questions, questions, any);
  EXPECT_EQ(lab.resolver.asked.size(), 2U) << "what is known is not asked again";
  const auto cost = inquiry.cost();
  EXPECT_EQ(cost.questions, 3U);
  EXPECT_EQ(cost.answered_at_hand, 1U);
}

TEST(Inquiry, NotifiesAgainAfterCollecting) {
  Lab lab;
  Inquiry inquiry(lab.resolver, lab.options, lab.notify);
  inquiry.ask(numbered(0, 2), {}, any);
  lab.resolver.release(1);
  inquiry.collect();
  lab.resolver.release(1);
  EXPECT_EQ(lab.notified, 2);
}

TEST(Inquiry, AnAnswerInsideAskIsNotNotified) {
  Lab lab;
  lab.resolver.answer_inside_ask = true;
  Inquiry inquiry(lab.resolver, lab.options, lab.notify);
  inquiry.ask(numbered(0, 2), {}, any);
  EXPECT_TRUE(inquiry.all_known(numbered(0, 2)));
  EXPECT_EQ(lab.notified, 0);
}

// The next ask() takes it in, without waiting for it.
TEST(Inquiry, WhatComesForAnotherWhileOneAsksIsNotified) {
  Lab lab;
  Inquiry inquiry(lab.resolver, lab.options, lab.notify);
  inquiry.ask(numbered(0, 1), {}, any);
  lab.resolver.before_ask = [&] { lab.resolver.release(1); };
  inquiry.ask(numbered(1, 2), {}, any);
  EXPECT_TRUE(inquiry.all_known(numbered(0, 1)));
  EXPECT_EQ(lab.notified, 1);
}

TEST(Inquiry, WhatAShareRefusesIsNoAnswer) {
  Lab lab;
  Inquiry inquiry(lab.resolver, lab.options, lab.notify);
  Share share{20, 0};
  const auto refused = inquiry.ask(numbered(0, 30), {}, share);
  EXPECT_EQ(refused, numbered(20, 30));
  EXPECT_EQ(lab.resolver.asked, numbered(0, 20));
  EXPECT_EQ(inquiry.answers().size(), 0U) << "nobody else must read a refusal";
  EXPECT_TRUE(inquiry.late().empty());
  lab.resolver.release(20);
  inquiry.collect();
  EXPECT_FALSE(inquiry.all_known(refused));
  EXPECT_FALSE(inquiry.awaits(numbered(0, 30))) << "not known, and not waited for either";
  EXPECT_EQ(inquiry.cost().questions, 20U);
}

TEST(Inquiry, AShareIsAtNobodyElsesExpense) {
  Lab lab;
  Inquiry inquiry(lab.resolver, lab.options, lab.notify);
  Share greedy{20, 20};
  inquiry.ask(numbered(0, 30), numbered(30, 40), greedy);
  Share other{5, 0};
  EXPECT_EQ(inquiry.ask(numbered(25, 31), {}, other), numbered(30, 31));
  EXPECT_EQ(lab.resolver.asked.size(), 25U);
  EXPECT_TRUE(inquiry.ask(numbered(0, 20), {}, other).empty()) << "what was asked is free";
  EXPECT_EQ(other.asked, 5U);
}

TEST(Inquiry, HintsLeaveTheLastPartOfAShareAlone) {
  Lab lab;
  Inquiry inquiry(lab.resolver, lab.options, lab.notify);
  Share share{20, 10};
  EXPECT_TRUE(inquiry.ask({}, numbered(0, 70), share).empty()) << "dropped without a word";
  EXPECT_EQ(lab.resolver.asked, numbered(0, 10));
  EXPECT_TRUE(inquiry.ask(numbered(60, 61), {}, share).empty()) << "and asked when it is needed";
  EXPECT_EQ(lab.resolver.asked.size(), 11U);
  const auto open = numbered(0, 1);
  EXPECT_TRUE(inquiry.ask(open, {}, share).empty());
  EXPECT_EQ(lab.resolver.asked.size(), 11U) << "an open hint that is needed is waited for";
  EXPECT_FALSE(inquiry.all_known(open));
}

// The client was slow: questions whose time ran out are asked again.
TEST(Inquiry, WhatHadNoTimeIsAskedAgainWhenThereIsSome) {
  Lab lab;
  Inquiry inquiry(lab.resolver, lab.options, lab.notify);
  Share share{10, 0};
  const auto questions = numbered(0, 1);
  inquiry.ask(questions, {}, share);
  inquiry.expire();
  EXPECT_EQ(inquiry.answers().find(questions[0])->error, "time budget");
  EXPECT_EQ(inquiry.late().at(0).first, questions[0]);
  inquiry.ask(questions, {}, share);
  EXPECT_EQ(lab.resolver.asked.size(), 1U) << "its time is over";
  inquiry.restart_clock();
  EXPECT_FALSE(inquiry.all_known(questions)) << "an error of ours must be nobody else's answer";
  EXPECT_TRUE(inquiry.late().empty());
  inquiry.ask(questions, {}, share);
  EXPECT_EQ(lab.resolver.asked.size(), 2U);
}

TEST(Inquiry, HoldsTheBudgetOfTime) {
  Lab lab;
  lab.options.message_budget = 50ms;
  Inquiry inquiry(lab.resolver, lab.options, lab.notify);
  EXPECT_EQ(inquiry.deadline(), SteadyTime::max());
  inquiry.ask(numbered(0, 2), numbered(2, 3), any);
  EXPECT_LE(inquiry.deadline(), steady_now() + 50ms);
  lab.resolver.release(1);
  std::this_thread::sleep_until(inquiry.deadline());
  inquiry.expire();
  EXPECT_EQ(inquiry.answers().find(numbered(0, 1)[0])->texts.at(0), "late")
      << "what had come in counts";
  EXPECT_EQ(inquiry.answers().find(numbered(1, 2)[0])->error, "time budget");
  EXPECT_EQ(lab.resolver.cancelled, 2U);
  inquiry.ask(numbered(5, 6), numbered(6, 7), any);
  EXPECT_EQ(inquiry.answers().find(numbered(5, 6)[0])->error, "time budget");
  EXPECT_EQ(inquiry.answers().find(numbered(6, 7)[0]), nullptr);
  EXPECT_EQ(lab.resolver.asked.size(), 3U);
  EXPECT_GE(inquiry.cost().waited, 49ms);
}

TEST(Inquiry, AnEvaluationNeverSeesAnAnswerChange) {
  Lab lab;
  Inquiry inquiry(lab.resolver, lab.options, lab.notify);
  inquiry.ask(numbered(0, 1), {}, any);
  auto late = std::move(lab.resolver.held.begin()->second);
  inquiry.expire();
  late(text_answer("too late"));
  EXPECT_FALSE(inquiry.collect());
  EXPECT_EQ(inquiry.answers().find(numbered(0, 1)[0])->error, "time budget");
}

TEST(Inquiry, TheDestructorCancels) {
  Lab lab;
  auto inquiry = std::make_unique<Inquiry>(lab.resolver, lab.options, lab.notify);
  inquiry->ask(numbered(0, 3), {}, any);
  auto in_flight = std::move(lab.resolver.held.begin()->second);
  lab.resolver.held.erase(lab.resolver.held.begin());
  inquiry.reset();
  EXPECT_EQ(lab.resolver.cancelled, 2U);
  in_flight(text_answer("after the end"));  // as a callback does that was running already
  EXPECT_EQ(lab.notified, 0);
}

// The race detector's test: messages that end at any moment while answers come in.
TEST(Inquiry, MayEndWhileAnswersComeIn) {
  const test::DnsServer server("$TTL 0\n*.example. TXT x\n");
  Options options;
  options.servers = {server.address()};
  const auto resolver = make_resolver(options).value();
  std::vector<std::thread> owners;
  std::atomic<int> complete{0};
  for (int t = 0; t < 4; ++t) {
    owners.emplace_back([&, t] {
      for (int n = 0; n < 60; ++n) {
        auto told = std::make_shared<std::atomic<bool>>(false);
        auto alive = std::make_unique<int>(n);
        Inquiry inquiry(*resolver, options, [told, owned = alive.get()] { *told = *owned >= 0; });
        const auto questions = numbered(t * 1000 + n * 6, t * 1000 + n * 6 + 6);
        inquiry.ask(questions, {}, any);
        if (n % 3 == 0) continue;  // ends at once
        const auto end = steady_now() + 10s;
        while (!inquiry.all_known(questions) && steady_now() < end) {
          if (told->exchange(false)) inquiry.collect();
          std::this_thread::yield();
        }
        complete += inquiry.all_known(questions);
      }
    });
  }
  for (auto& owner : owners) owner.join();
  EXPECT_EQ(complete, 4 * 40);
}

}  // namespace
}  // namespace sekisho::dns
