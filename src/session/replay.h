// session/replay.h: decides again, offline, what is recorded: the same engine, on the recorded header, body
// digests and DNS answers. Under the configuration of the time the outcome is the same in every
// octet; under another one it is what that one would have decided.
// Errors: questions that were not recorded are answered with the error "not recorded", and named.
// Thread: any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "session/decided.h"
#include "session/engine.h"

namespace sekisho::session {

struct Replayed {
  Outcome outcome;
  std::vector<std::string> not_recorded;  // "example.com TXT": what the other configuration asks
};

// `snapshot`: the configuration to decide by. Its resolver is not used.
Replayed replay(const Decided& recorded, const Snapshot& snapshot);

// What differs, by name, with both values: "verdict.action: reject, replayed as tag". Empty: nothing.
std::vector<std::string> differences(const Outcome& live, const Outcome& replayed);

}  // namespace sekisho::session
