// session/counters.h: what `sekisho status` counts, since start. Thread: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "policy/verdict.h"

namespace sekisho::session {

struct Counters {
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::int64_t> open_connections{0};
  std::atomic<std::uint64_t> messages{0};
  std::atomic<std::uint64_t> exempt{0};
  std::atomic<std::uint64_t> aborted{0};          // message or connection gone before the verdict
  std::atomic<std::uint64_t> internal_errors{0};  // answered 4xx
  std::atomic<std::uint64_t> refused_recipients{0};       // at RCPT
  std::atomic<std::uint64_t> not_held{0};                 // for want of a store that takes them
  std::array<std::atomic<std::uint64_t>, 5> by_action{};  // indexed by policy::Action

  void count(policy::Action action) { ++by_action[static_cast<std::size_t>(action)]; }
};

}  // namespace sekisho::session
