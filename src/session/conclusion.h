// session/conclusion.h: from a complete message to its outcome: the facts are completed, the rules
// decide, the results are written into its header, and its place is chosen.
// Errors: an exception; the message then gets the outcome of fail_outcome(). Thread: one owner.
#pragma once

#include <memory>
#include <string>

#include "session/connected.h"
#include "session/engine.h"
#include "session/message.h"

namespace sekisho::session {

class Conclusion {
 public:
  Conclusion(Engine& engine, const Connected& connected, Message& message, Keeping* keeping)
      : engine_(engine), connected_(connected), message_(message), keeping_(keeping) {}

  // `outcome` has the facts that are known so far.
  void reach(Outcome& outcome) const;

 private:
  void complete(policy::Facts& facts) const;
  void complete_author(policy::Facts& facts) const;
  void match_entries(policy::Facts& facts) const;
  void place(Outcome& outcome) const;

  Engine& engine_;
  const Connected& connected_;
  Message& message_;
  Keeping* keeping_;
};

// The beginning of a failure that is not internal: the store wants the message later, or not at
// all.
inline constexpr std::string_view deferred_by_store = "deferred: ";
// The same in records of versions before 0.2, which are replayed.
inline constexpr std::string_view deferred_by_store_before = "put off: ";

// A failure inside: 451, and never an accept. `outcome` keeps its facts.
void fail_outcome(Outcome& outcome, const std::string& what);
// The outcome when there is no memory for a reply; the front has a fixed one.
void fail_without_memory(Outcome& outcome) noexcept;

// Counts the outcome, and hands it to the journal with its inputs, which are moved out of the
// message. An outcome that cannot be recorded counts all the same.
std::shared_ptr<const Decided> record_decision(Engine& engine, const Connected& connected,
                                               Message& message, Outcome&& outcome);

}  // namespace sekisho::session
