// The states of a recipient: tables of single steps, and generated histories of replies, crashes,
// jumps of the clock, other configurations and commands, with everything that is promised looked at
// after each step. SEKISHO_HISTORIES=100000 generates so many.
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "queue/state.h"

namespace sekisho::queue {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Code = relay::Result::Code;
using Kind = Event::Kind;

constexpr WallTime start{seconds(1'800'000'000)};

Event result(Code code, std::string fault = "", bool at_once = false) {
  return {Kind::result, code, std::move(fault), at_once};
}

Progress after(std::vector<Event> events, Circumstances around = {start}) {
  Progress progress = accepted(start);
  for (const auto& event : events) progress = step(progress, event, around, {}).next;
  return progress;
}

// The world around one recipient, with an account of its own of what may happen to it.
class History {
 public:
  explicit History(unsigned seed) : random_(seed) {
    around_.now = start;
    around_.null_sender = one_in(8);
    around_.own = around_.null_sender && one_in(2);
    around_.may_bounce = !one_in(6);
    configure();
    progress_ = accepted(start);
  }

  // Empty, or what is broken.
  std::string run() {
    for (int i = 0; i < 120 && !is_final(progress_.state); ++i) {
      if (auto wrong = move(); !wrong.empty()) return wrong + "\n" + told_;
    }
    return is_final(progress_.state) ? stays() : brought_to_an_end();
  }

 private:
  bool one_in(unsigned n) { return random_() % n == 0; }
  seconds up_to(seconds most) {
    return seconds(random_() % static_cast<unsigned long>(most.count() + 1));
  }

  void configure() {
    options_.give_up = one_in(3) ? seconds(3) + up_to(seconds(60)) : hours(1) + up_to(hours(120));
    options_.warn_after = one_in(3) ? seconds(1) : up_to(hours(10));
    options_.retry = {seconds(1) + up_to(hours(1)), seconds(1) + up_to(hours(2))};
  }

  // The clock goes on; what passes while the daemon runs is at most until the next event.
  void pass() {
    const bool jump = one_in(25);
    const bool down = one_in(25);
    seconds by = up_to(longest_wait(options_));
    if (jump) by = one_in(2) ? -up_to(hours(24 * 400)) : up_to(hours(24 * 400));
    if (down) by = hours(24 * 7);
    around_.now += by;
    if (down) apply({Kind::restart});
  }

  std::string move() {
    wrong_.clear();
    pass();
    around_.luck = static_cast<double>(random_() % 1001) / 1000;
    if (progress_.state == State::sending) {
      apply(an_end());
    } else if (one_in(3)) {
      apply(other());
    } else if (progress_.state == State::waiting) {
      apply({progress_.next <= around_.now ? Kind::begin : Kind::look});
    } else if (progress_.state == State::held) {
      apply(one_in(2) ? Event{Kind::fault_ended, Code::sent, progress_.fault} : other());
    }
    return wrong_;
  }

  Event an_end() {
    if (one_in(8)) return {Kind::restart};
    if (one_in(6)) return other();
    const auto code = static_cast<Code>(random_() % 5);
    if (code == Code::sent && !one_in(4)) return result(Code::deferred);
    return result(code, code == Code::own_fault ? "route:r" : "", one_in(2));
  }

  Event other() {
    switch (random_() % 9) {
      case 0:
        configure();
        return {Kind::reload};
      case 1:
        return {Kind::hop_works};
      case 2:
        return {Kind::fault_ended, Code::sent, "route:r"};
      case 3:
        return {one_in(20) ? Kind::remove : Kind::hold};
      case 4:
        return {Kind::release};
      case 5:
        return {Kind::flush};
      case 6:
        return {Kind::requeue};
      case 7:
        if (one_in(3)) return {Kind::try_fault, Code::sent, "route:r"};
        return {one_in(5) ? Kind::crashed : Kind::look};
      default:
        return {Kind::look};
    }
  }

  // What counts until this event, in this account.
  void live() {
    const bool runs = progress_.state == State::waiting || progress_.state == State::sending;
    if (runs) lived_ += std::clamp(around_.now - seen_, seconds(0), longest_gap(options_));
    seen_ = around_.now;
  }

  void apply(const Event& event) {
    live();
    const auto before = progress_;
    const auto took = step(before, event, around_, options_);
    progress_ = took.next;
    if (told_.size() < 10'000)
      told_ += std::string(to_string(event.kind)) + ": " + std::string(to_string(progress_.state)) +
               "/" + std::string(to_string(progress_.reason)) + "\n";
    check(before, event, took);
  }

  void expect(bool good, const char* what) {
    if (!good && wrong_.empty()) wrong_ = what;
  }

  void check(const Progress& before, const Event& event, const Step& took) {
    if (event.kind == Kind::begin && progress_.state == State::sending) begun_at_ = lived_;
    const bool anew =
        (event.kind == Kind::release || event.kind == Kind::requeue) && progress_.age == seconds(0);
    if (anew) lived_ = seconds(0);
    expect(progress_.age <= lived_, "time counts that did not pass");
    expect(!is_final(before.state) || progress_ == before, "an end was left");
    check_end(before, event);
    check_probe(before, event);
    check_next();
    check_notice(took.notice);
  }

  void check_end(const Progress& before, const Event& event) {
    const bool ended = progress_.state == State::bounced || progress_.state == State::ended;
    if (!ended || is_final(before.state)) return;
    expect(event.kind == Kind::result && before.state == State::sending,
           "given up without an attempt");
    expect(event.code == Code::failed || event.code == Code::deferred, "our fault, and a bounce");
    if (event.code == Code::deferred)
      expect(begun_at_ >= options_.give_up, "given up before its time");
    expect((progress_.state == State::ended) == around_.own, "a bounce of a bounce");
    if (progress_.state == State::bounced)
      expect(around_.may_bounce && !around_.null_sender, "a bounce to nobody or to anybody");
  }

  // Nothing was shown of the fault for which it was held.
  void check_probe(const Progress& before, const Event& event) {
    if (!before.probes || before.state != State::sending || before.wish != Wish::none) return;
    if (event.kind != Kind::result || event.code != Code::deferred) return;
    expect(progress_.state == State::held && progress_.reason == Reason::fault &&
               progress_.fault == before.fault,
           "a temporary failure ended a fault");
  }

  // A next event, or an end.
  void check_next() {
    if (progress_.state == State::waiting)
      expect(progress_.next <= around_.now + longest_wait(options_) + seconds(1),
             "waits for longer than it may");
    if (progress_.state == State::held)
      expect(progress_.reason != Reason::none, "held for nothing");
    expect(progress_.state != State::held || progress_.reason != Reason::deferred,
           "held for a failure of others");
  }

  void check_notice(Notice notice) {
    if (notice == Notice::delayed) {
      expect(++warnings_ == 1, "warned twice");
      expect(progress_.reason != Reason::none && !progress_.probes, "warned of a paused route");
      expect(around_.may_bounce && !around_.null_sender, "warned nobody or anybody");
    }
    expect((notice == Notice::failed) == (progress_.state == State::bounced && !told_failed_),
           "a bounce without its notice");
    if (notice == Notice::failed) told_failed_ = true;
  }

  std::string stays() {
    for (const auto kind : all_values<Kind>()) apply({kind});
    return wrong_;
  }

  // Whatever it has been through: a person releases it, and it reaches an end in a bounded time.
  std::string brought_to_an_end() {
    if (progress_.state == State::sending) apply({Kind::restart});
    if (progress_.state == State::held || progress_.probes) apply({Kind::requeue});
    for (int i = 0; i < 500'000 && progress_.state == State::waiting; ++i) {
      const auto by = std::max(seconds(0), progress_.next - around_.now);
      around_.now += by;
      apply({Kind::begin});
      apply(result(Code::deferred));
    }
    const bool over = is_final(progress_.state) || progress_.reason == Reason::undeliverable ||
                      progress_.reason == Reason::backscatter;
    if (!over && wrong_.empty()) wrong_ = "it never ends";
    return wrong_.empty() ? "" : wrong_ + "\n" + told_;
  }

  std::mt19937 random_;
  Options options_;
  Circumstances around_;
  Progress progress_;
  WallTime seen_ = start;
  seconds lived_{0};  // as the promise counts it: running, and not held
  seconds begun_at_{0};
  int warnings_ = 0;
  bool told_failed_ = false;
  std::string wrong_;
  std::string told_;
};

unsigned histories() {
  const char* asked = std::getenv("SEKISHO_HISTORIES");
  return asked == nullptr ? 20'000 : static_cast<unsigned>(std::strtoul(asked, nullptr, 10));
}

}  // namespace

TEST(QueueState, GeneratedHistoriesKeepEveryPromise) {
  for (unsigned seed = 0; seed < histories(); ++seed) {
    const auto wrong = History(seed).run();
    ASSERT_EQ(wrong, "") << "history " << seed;
  }
}

TEST(QueueState, ResultsOfAnAttempt) {
  const std::vector<Event> begun = {{Kind::begin}};
  const auto end = [&](Event event) {
    auto all = begun;
    all.push_back(std::move(event));
    return after(all);
  };
  EXPECT_EQ(end(result(Code::sent)).state, State::sent);
  EXPECT_EQ(end(result(Code::failed)).state, State::bounced);
  const auto deferred = end(result(Code::deferred));
  EXPECT_EQ(deferred.state, State::waiting);
  EXPECT_EQ(deferred.reason, Reason::deferred);
  EXPECT_EQ(deferred.next, start + minutes(5));
  const auto paused = end(result(Code::own_fault, "route:x", true));
  EXPECT_EQ(paused.state, State::held);
  EXPECT_EQ(paused.fault, "route:x");
  EXPECT_EQ(end(result(Code::own_fault, "ipv4:192.0.2.1")).state, State::waiting);
  EXPECT_EQ(end(result(Code::loop, "", true)).state, State::held);
  EXPECT_EQ(end(result(Code::loop)).state, State::waiting);
}

TEST(QueueState, TheScheduleIsWalkedAndItsLastWaitIsRepeated) {
  Progress progress = accepted(start);
  Circumstances around{start};
  std::vector<long> waits;
  for (int i = 0; i < 7; ++i) {
    around.now = progress.next;
    progress = step(progress, {Kind::begin}, around, {}).next;
    progress = step(progress, result(Code::deferred), around, {}).next;
    waits.push_back(std::chrono::duration_cast<minutes>(progress.next - around.now).count());
  }
  EXPECT_EQ(waits, (std::vector<long>{5, 10, 20, 40, 60, 60, 60}));
}

TEST(QueueState, WaitsAreSpreadByATenth) {
  for (const auto& [luck, wait] : {std::pair(0.0, 270), std::pair(0.5, 300), std::pair(1.0, 330)}) {
    Circumstances around{start};
    around.luck = luck;
    const auto progress = after({{Kind::begin}, result(Code::deferred)}, around);
    EXPECT_EQ(progress.next, start + seconds(wait));
  }
}

// A week of being down counts an hour or two, and there is always an attempt more.
TEST(QueueState, AWeekOfBeingDownBouncesNothing) {
  Progress progress = after({{Kind::begin}, result(Code::deferred)});
  Circumstances around{start + hours(24 * 7)};
  progress = step(progress, {Kind::restart}, around, {}).next;
  progress = step(progress, {Kind::begin}, around, {}).next;
  EXPECT_LT(progress.begun, Options().give_up);
  progress = step(progress, result(Code::deferred), around, {}).next;
  EXPECT_EQ(progress.state, State::waiting);
  EXPECT_LE(progress.age, hours(3));
}

TEST(QueueState, ACommandDuringAnAttemptHoldsForWhatItLeaves) {
  EXPECT_EQ(after({{Kind::begin}, {Kind::hold}, result(Code::sent)}).state, State::sent);
  EXPECT_EQ(after({{Kind::begin}, {Kind::hold}, result(Code::deferred)}).reason, Reason::person);
  EXPECT_EQ(after({{Kind::begin}, {Kind::hold}, result(Code::failed)}).reason, Reason::person);
  EXPECT_EQ(after({{Kind::begin}, {Kind::remove}, result(Code::deferred)}).state, State::deleted);
  EXPECT_EQ(after({{Kind::begin}, {Kind::remove}, {Kind::release}, result(Code::deferred)}).state,
            State::waiting);
}

TEST(QueueState, WhatWaitsForAFaultGoesOnWhenItEnds) {
  const std::vector<Event> paused = {{Kind::begin}, result(Code::own_fault, "route:x", true)};
  for (const auto& mended :
       {Event{Kind::fault_ended, Code::sent, "route:x"}, Event{Kind::reload}, Event{Kind::flush}}) {
    auto events = paused;
    events.push_back(mended);
    const auto progress = after(events);
    EXPECT_EQ(progress.state, State::waiting) << to_string(mended.kind);
    EXPECT_LE(progress.next, start);
  }
  auto others = paused;
  others.push_back({Kind::fault_ended, Code::sent, "route:y"});
  EXPECT_EQ(after(others).state, State::held);
}

// Held for a password, tried while the provider is away: held again, whatever made it try.
TEST(QueueState, ATemporaryFailureEndsNoFault) {
  for (const auto& tries :
       {Event{Kind::try_fault, Code::sent, "route:x"}, Event{Kind::reload}, Event{Kind::flush}}) {
    const auto progress = after({{Kind::begin},
                                 result(Code::own_fault, "route:x", true),
                                 tries,
                                 {Kind::begin},
                                 result(Code::deferred)});
    EXPECT_EQ(progress.state, State::held) << to_string(tries.kind);
    EXPECT_EQ(progress.fault, "route:x") << to_string(tries.kind);
  }
  // When something else has shown that it ended, it waits like all others.
  const auto mended = after({{Kind::begin},
                             result(Code::own_fault, "route:x", true),
                             {Kind::fault_ended, Code::sent, "route:x"},
                             {Kind::begin},
                             result(Code::deferred)});
  EXPECT_EQ(mended.state, State::waiting);
  EXPECT_EQ(mended.fault, "");
}

// Its mail waits for an address of ours: they must know; of a paused route only the admin must.
TEST(QueueState, TheSenderIsWarnedUnlessTheRouteIsPaused) {
  Circumstances later{start + hours(1)};
  Options options;
  options.warn_after = minutes(30);
  auto progress = after({{Kind::begin}, result(Code::own_fault, "egress:192.0.2.1")});
  EXPECT_EQ(step(progress, {Kind::look}, later, options).notice, Notice::delayed);
  progress = after({{Kind::begin}, result(Code::loop)});
  EXPECT_EQ(step(progress, {Kind::look}, later, options).notice, Notice::delayed);
  progress = after({{Kind::begin}, result(Code::own_fault, "route:x", true), {Kind::flush}});
  progress.age = hours(1);
  EXPECT_EQ(step(progress, {Kind::look}, later, options).notice, Notice::none);
}

TEST(QueueState, TheSenderIsWarnedOnce) {
  Progress progress = after({{Kind::begin}, result(Code::deferred)});
  int warnings = 0;
  for (int minute = 1; minute < 10 * 60; ++minute) {
    Circumstances around{start + minutes(minute)};
    const auto took = step(progress, {Kind::look}, around, {});
    warnings += took.notice == Notice::delayed ? 1 : 0;
    progress = took.next;
    if (progress.next > around.now) continue;
    progress = step(progress, {Kind::begin}, around, {}).next;
    progress = step(progress, result(Code::deferred), around, {}).next;
  }
  EXPECT_LE(warnings, 1);
  EXPECT_TRUE(progress.warned);
}

}  // namespace sekisho::queue
