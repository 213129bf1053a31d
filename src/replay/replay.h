// replay/replay.h: makes a recorded decision again, offline: the same engine, with the recorded
// header, body digests and DNS answers. With the configuration of the time, the outcome is the same
// in every octet; with another one, it is what that one would have decided.
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
  std::vector<std::string> not_recorded;  // "example.com TXT": asked only by the other one
  // At least one recipient that was refused at RCPT would not have been. The verdict on the message
  // is then unknown, and `outcome` does not have it.
  bool passes_rcpt = false;
};

// `snapshot`: the configuration to decide by. Its resolver is not used.
Replayed replay(const session::Decided& recorded, const session::Snapshot& snapshot);

// The text instead of an action if passes_rcpt.
inline constexpr std::string_view not_refused_at_rcpt = "not refused at RCPT";

// The differences by name, with both values: "verdict.action: reject, replayed as tag". Empty:
// nothing.
std::vector<std::string> differences(const session::Outcome& live,
                                     const session::Outcome& replayed);

}  // namespace sekisho::replay
