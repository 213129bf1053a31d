// queue/state.h: what happens to one recipient of one message, from its acceptance to its end: a
// pure function of its progress, an event and the circumstances. Every recipient has a next event
// or a final state; the time to give up is looked at in every step.
//   Nobody is given up without an attempt that began after that time. Time counts only while the
//   daemon runs and the recipient is not held, and a jump of the clock counts an hour or so:
//   neither
//   a week of being down nor a wrong clock bounces mail.
//   A fault of this side and a loop end in `held`, never in a bounce.
// Errors: none. Thread: immutable values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/words.h"
#include "queue/options.h"
#include "relay/transport.h"

namespace sekisho::queue {

enum class State {
  waiting,  // for its next attempt
  sending,  // an attempt is under way
  held,     // until a fault ends or a person decides; its time stands still
  sent,     // the next hop has it
  bounced,  // given up or refused; the sender knows
  deleted,  // by a person
  ended,    // a bounce of ours that could not be delivered: a line in the log
};
constexpr auto words_of(State) {
  return words<State>({{State::waiting, "waiting"},
                       {State::sending, "sending"},
                       {State::held, "held"},
                       {State::sent, "sent"},
                       {State::bounced, "bounced"},
                       {State::deleted, "deleted"},
                       {State::ended, "ended"}});
}
constexpr bool is_final(State state) {
  return state != State::waiting && state != State::sending && state != State::held;
}

// Why a recipient waits or is held.
enum class Reason {
  none,           // not tried yet
  deferred,       // a temporary failure
  fault,          // of this side: it goes on by itself when the fault ends
  loop,           // the next hop is this host, or the message has been here before
  person,         // by a command
  undeliverable,  // its sender is <>, so nobody can be told
  backscatter,    // a bounce could go to somebody who has not sent it
  crash,          // the daemon crashed twice while it worked on the message
  lost_index,     // the index was lost, and with it who of several has the message already
};
constexpr auto words_of(Reason) {
  return words<Reason>({{Reason::none, "none"},
                        {Reason::deferred, "deferred"},
                        {Reason::fault, "fault"},
                        {Reason::loop, "loop"},
                        {Reason::person, "person"},
                        {Reason::undeliverable, "undeliverable"},
                        {Reason::backscatter, "backscatter"},
                        {Reason::crash, "crash"},
                        {Reason::lost_index, "lost-index"}});
}

// A command that came during an attempt: it holds for what the attempt leaves.
enum class Wish { none, hold, remove };
constexpr auto words_of(Wish) {
  return words<Wish>({{Wish::none, "none"}, {Wish::hold, "hold"}, {Wish::remove, "remove"}});
}

struct Progress {
  State state = State::waiting;
  Reason reason = Reason::none;
  Wish wish = Wish::none;
  std::string fault;             // Reason::fault: relay::Result::fault
  std::uint32_t attempts = 0;    // that failed
  WallTime next{};               // waiting: the next attempt
  WallTime looked{};             // until then `age` has been counted
  std::chrono::seconds age{};    // the time that counts
  bool warned = false;           // the sender knows of the delay
  std::chrono::seconds begun{};  // `age` when this attempt began
  // It was held for a fault, and only looks whether that has ended: as long as nothing shows that,
  // it is held again. In the index it is held meanwhile.
  bool probes = false;
  bool operator==(const Progress&) const = default;
};

struct Event {
  enum class Kind {
    look,         // the clock
    begin,        // an attempt begins
    result,       // … and has ended
    restart,      // the daemon has started
    reload,       // with another configuration
    hop_works,    // the next hop has taken another message
    fault_ended,  // `fault`: something has shown it
    try_fault,    // `fault` may have ended
    crashed,      // the daemon, twice, by this message
    hold,         // commands
    release,
    flush,
    remove,
    requeue,
  };
  Kind kind = Kind::look;
  relay::Result::Code code = relay::Result::Code::sent;  // result
  std::string fault = {};  // result: own_fault; fault_ended, try_fault
  bool at_once = false;    // result: own_fault or loop: held at once, and not only at the end
};
constexpr auto words_of(Event::Kind) {
  using Kind = Event::Kind;
  return words<Kind>({{Kind::look, "look"},
                      {Kind::begin, "begin"},
                      {Kind::result, "result"},
                      {Kind::restart, "restart"},
                      {Kind::reload, "reload"},
                      {Kind::hop_works, "hop-works"},
                      {Kind::fault_ended, "fault-ended"},
                      {Kind::try_fault, "try-fault"},
                      {Kind::crashed, "crashed"},
                      {Kind::hold, "hold"},
                      {Kind::release, "release"},
                      {Kind::flush, "flush"},
                      {Kind::remove, "remove"},
                      {Kind::requeue, "requeue"}});
}

// What the sender must be told.
enum class Notice { none, failed, delayed };
constexpr auto words_of(Notice) {
  return words<Notice>(
      {{Notice::none, "none"}, {Notice::failed, "failed"}, {Notice::delayed, "delayed"}});
}

// Of the message and the moment.
struct Circumstances {
  WallTime now{};
  double luck = 0.5;         // 0 to 1: spreads the attempts
  bool null_sender = false;  // its sender is <>
  bool own = false;          // a bounce or summary of ours
  bool may_bounce = true;    // its sender has proved to be the sender
};

struct Step {
  Progress next;
  Notice notice = Notice::none;
};

Step step(const Progress& before, const Event& event, const Circumstances& around,
          const Options& options);

// The progress of a recipient that was just accepted.
Progress accepted(WallTime now);
// The longest time between two attempts.
std::chrono::seconds longest_wait(const Options& options);
// The most that may count for the time between two looks.
std::chrono::seconds longest_gap(const Options& options);

}  // namespace sekisho::queue
