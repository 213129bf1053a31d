// replay/replay.h: decides again, offline, what is recorded: the same engine, on the recorded
// header, body digests and DNS answers. Under the configuration of the time the outcome is the same
// in every octet; under another one it is what that one would have decided.
// Errors: questions that were not recorded are answered with the error "not recorded", and named.
// Thread: any.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "session/decided.h"
#include "session/engine.h"

namespace sekisho::replay {

struct Replayed {
  session::Outcome outcome;
  std::vector<std::string> not_recorded;  // "example.com TXT": what the other configuration asks
  // What was refused at RCPT would not have been, for one recipient at least. What the message
  // would have come to is not known: the verdict says nothing of it.
  bool passes_rcpt = false;
};

// `snapshot`: the configuration to decide by. Its resolver is not used.
Replayed replay(const session::Decided& recorded, const session::Snapshot& snapshot);

// What is said instead of an action when passes_rcpt.
inline constexpr std::string_view not_refused_at_rcpt = "not refused at RCPT";

// What differs, by name, with both values: "verdict.action: reject, replayed as tag". Empty:
// nothing.
std::vector<std::string> differences(const session::Outcome& live, const session::Outcome& replayed);

}  // namespace sekisho::replay
