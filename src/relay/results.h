// relay/results.h: a result without a reply of the server.
// Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "relay/transport.h"

namespace sekisho::relay {

inline Result make_result(Result::Code code, std::string_view status, std::string why) {
  Result result;
  result.code = code;
  result.status = status;
  result.why = std::move(why);
  return result;
}

// This side's fault: `fault` is the same for all that wait for its end.
inline Result own_fault(std::string_view status, std::string why, std::string fault) {
  Result result = make_result(Result::Code::own_fault, status, std::move(why));
  result.fault = std::move(fault);
  return result;
}

// A route that refuses our login, with its destination: what goes there is held, and one message
// tries now and then.
inline constexpr std::string_view route_fault = "route:";

// Our own disk does not give the message back. One fault for all of them, else a disk that is away
// would raise an alarm for each.
inline constexpr std::string_view messages_fault = "queue:messages";

inline Result unreadable(const std::string& why) {
  return own_fault("4.3.0", "the message cannot be read: " + why, std::string(messages_fault));
}

}  // namespace sekisho::relay
