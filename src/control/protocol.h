// control/protocol.h: the protocol of the control socket: one JSON object as the request, one as
// the answer, then it is closed.
//   {"verb":"status"}  →  {"ok":true,…}     {"verb":"nonsense"}  →  {"ok":false,"error":"…"}
// Thread: immutable.
#pragma once

#include <chrono>
#include <cstddef>

namespace sekisho::control {

// A request names a verb and an id or two. An answer may carry a long table.
inline constexpr std::size_t max_request_octets = 64 * 1024;
inline constexpr std::size_t max_answer_octets = 64 * 1024 * 1024;

// A client sends its request at once, and reads the answer as it arrives. A reload may take a
// while.
inline constexpr std::chrono::seconds request_time{5};
inline constexpr std::chrono::seconds answer_timeout{60};

// An admin, a monitoring system and a script or two need four. When one more connects, the oldest
// without a request is closed.
inline constexpr std::size_t max_connections = 32;

}  // namespace sekisho::control
