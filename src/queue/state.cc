#include "queue/state.h"

#include <algorithm>
#include <cmath>

namespace sekisho::queue {

namespace {

using std::chrono::seconds;
using Code = relay::Result::Code;

// Attempts are spread by a tenth, so that mail of one moment does not come back in one moment.
constexpr double spread = 0.2;

// Two looks are seconds apart while the daemon runs. A longer time was not lived through: the
// daemon was down, or the clock has jumped.
constexpr seconds usual_gap = std::chrono::hours(1);

seconds spread_out(seconds wait, double luck) {
  const double factor = 1.0 - spread / 2 + spread * std::clamp(luck, 0.0, 1.0);
  return std::max(seconds(1), seconds(std::llround(static_cast<double>(wait.count()) * factor)));
}

class Stepper {
 public:
  Stepper(const Progress& before, const Circumstances& around, const Options& options)
      : step_{before, Notice::none}, around_(around), options_(options) {}

  Step take(const Event& event) {
    if (is_final(to().state)) return step_;
    count();
    apply(event);
    watch();
    return std::move(step_);
  }

 private:
  Progress& to() { return step_.next; }
  bool is_over() { return to().age >= options_.give_up; }
  // Whether the attempt that has ended began after the time to give up.
  bool was_last() { return to().begun >= options_.give_up; }

  void count() {
    const auto gap = std::clamp(around_.now - to().looked, seconds(0), longest_gap(options_));
    if (to().state != State::held) to().age += gap;
    to().looked = around_.now;
  }

  void apply(const Event& event) {
    switch (event.kind) {
      case Event::Kind::look:
      case Event::Kind::reload:
        if (event.kind == Event::Kind::reload) go_on_after_faults();
        return;
      case Event::Kind::begin:
        return begin();
      case Event::Kind::result:
        return result(event);
      case Event::Kind::restart:
        return restart();
      case Event::Kind::hop_works:
        if (to().state == State::waiting && to().reason == Reason::deferred) hurry();
        return;
      case Event::Kind::fault_ended:
        if (to().reason == Reason::fault && to().fault == event.fault) fault_is_over();
        return;
      case Event::Kind::try_fault:
        if (to().reason == Reason::fault && to().fault == event.fault) go_on();
        return;
      case Event::Kind::crashed:
        return hold(Reason::crash);
      case Event::Kind::hold:
      case Event::Kind::release:
      case Event::Kind::flush:
      case Event::Kind::remove:
      case Event::Kind::requeue:
        return command(event.kind);
    }
  }

  void command(Event::Kind kind) {
    const bool sending = to().state == State::sending;
    if (kind == Event::Kind::hold) {
      if (sending) {
        to().wish = Wish::hold;
      } else {
        hold(Reason::person);
      }
    } else if (kind == Event::Kind::remove) {
      if (sending) {
        to().wish = Wish::remove;
      } else {
        end(State::deleted);
      }
    } else if (kind == Event::Kind::flush) {
      if (to().state == State::held ? to().reason == Reason::fault : !sending) go_on();
    } else if (!sending && (kind == Event::Kind::requeue || to().state == State::held)) {
      begin_anew();
    } else if (sending) {
      to().wish = Wish::none;
    }
  }

  void begin() {
    if (to().state == State::held && to().reason != Reason::fault) return;
    if (to().state == State::held) to().probes = true;
    to().state = State::sending;
    to().begun = to().age;
  }

  void result(const Event& event) {
    if (to().state != State::sending) return;
    switch (event.code) {
      case Code::sent:
        return end(State::sent);
      case Code::deferred:
        return fail(Reason::deferred, event);
      case Code::failed:
        return give_up();
      case Code::own_fault:
        return fail(Reason::fault, event);
      case Code::loop:
        return fail(Reason::loop, event);
    }
  }

  void fail(Reason reason, const Event& event) {
    const bool ours = reason != Reason::deferred;
    const bool still = !ours && to().probes;
    if (!still) to().fault = reason == Reason::fault ? event.fault : "";
    if (to().wish != Wish::none) return grant();
    // Its hop is away for others' reasons: that says nothing of the fault.
    if (still) return hold(Reason::fault);
    if (ours && (event.at_once || was_last())) return hold(reason);
    if (was_last()) return give_up();
    to().reason = reason;
    wait();
  }

  void wait() {
    const auto& retry = options_.retry;
    const auto place = std::min<std::size_t>(to().attempts, retry.size() - 1);
    auto wait = spread_out(retry[place], around_.luck);
    // The last attempt is not later than it must be.
    if (!is_over()) wait = std::min(wait, std::max(seconds(1), options_.give_up - to().age));
    ++to().attempts;
    to().probes = false;
    to().state = State::waiting;
    to().next = around_.now + wait;
  }

  void grant() {
    const auto wish = to().wish;
    if (wish == Wish::remove) return end(State::deleted);
    hold(Reason::person);
  }

  void give_up() {
    if (around_.own) return end(State::ended);
    if (to().wish != Wish::none) return grant();
    if (around_.null_sender) return hold(Reason::undeliverable);
    if (!around_.may_bounce) return hold(Reason::backscatter);
    end(State::bounced);
    step_.notice = Notice::failed;
  }

  void restart() {
    if (to().state != State::sending) return;
    if (to().wish != Wish::none) return grant();
    if (to().probes) return hold(Reason::fault);
    to().state = State::waiting;
    to().next = around_.now;
  }

  void go_on_after_faults() {
    if (to().state == State::sending) return;
    const bool ours = to().reason == Reason::fault ||
                      (to().reason == Reason::loop && to().state == State::waiting);
    if (ours) go_on();
  }

  void fault_is_over() {
    to().reason = Reason::deferred;
    to().fault.clear();
    to().probes = false;
    go_on();
  }

  void go_on() {
    if (to().state == State::sending) return;
    if (to().state == State::held && to().reason == Reason::fault) to().probes = true;
    to().state = State::waiting;
    hurry();
  }

  void hurry() { to().next = std::min(to().next, around_.now); }

  // A person has decided that it is to be tried: as if it had come now.
  void begin_anew() {
    const bool warned = to().warned;
    to() = accepted(around_.now);
    to().warned = warned;
  }

  void hold(Reason reason) {
    to().state = State::held;
    to().reason = reason;
    to().wish = Wish::none;
    to().probes = false;
    if (reason != Reason::fault) to().fault.clear();
  }

  void end(State state) {
    to().state = state;
    to().reason = Reason::none;
    to().wish = Wish::none;
    to().probes = false;
    to().fault.clear();
  }

  // What holds after every event of one that waits.
  void watch() {
    if (to().state != State::waiting) return;
    if (is_over()) {
      // After an attempt at that time the next one is due as usual: it will be the last.
      if (to().next > around_.now + longest_wait(options_)) hurry();
    } else {
      const auto latest = around_.now + std::min(longest_wait(options_),
                                                 std::max(seconds(1), options_.give_up - to().age));
      to().next = std::min(to().next, latest);
      warn();
    }
  }

  // Unless only a paused route could carry it: that is this side's business.
  void warn() {
    const bool told = around_.null_sender || around_.own || !around_.may_bounce;
    if (to().warned || told || to().reason == Reason::none || to().probes) return;
    if (to().age < options_.warn_after) return;
    to().warned = true;
    step_.notice = Notice::delayed;
  }

  Step step_;
  const Circumstances& around_;
  const Options& options_;
};

}  // namespace

seconds longest_wait(const Options& options) {
  const auto longest = *std::max_element(options.retry.begin(), options.retry.end());
  return spread_out(longest, 1.0);
}

seconds longest_gap(const Options& options) {
  return std::max(usual_gap, 2 * longest_wait(options));
}

Progress accepted(WallTime now) {
  Progress progress;
  progress.next = now;
  progress.looked = now;
  return progress;
}

Step step(const Progress& before, const Event& event, const Circumstances& around,
          const Options& options) {
  return Stepper(before, around, options).take(event);
}

}  // namespace sekisho::queue
