// client/result.h: what is known of the peer. RFC 8601 §2.7.3 (iprev).
// Thread: immutable values.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::client {

enum class IprevCode { none, pass, fail, temperror, permerror };

struct IprevResult {
  IprevCode code = IprevCode::none;  // none: not looked up (no address)
  std::string name;                  // the verified name; only when `pass`
  std::string reason;
  bool operator==(const IprevResult&) const = default;
};

std::string_view to_string(IprevCode code);

}  // namespace sekisho::client
