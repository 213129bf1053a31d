// dkim/options.h: what may be configured of DKIM verification.
// Thread: immutable value.
#pragma once

#include <chrono>
#include <cstddef>

namespace sekisho::dkim {

struct Options {
  // At most this many are verified: those that could prove the author first, then from the top. The
  // others are reported as `policy`.
  std::size_t max_signatures = 10;
  unsigned min_rsa_bits = 1024;          // RFC 8301 §3.2
  unsigned max_rsa_bits = 4096;          // a 16,384 bit key costs a hundred times a 2048 bit one
  std::chrono::seconds clock_skew{300};  // for t= and x=
};

}  // namespace sekisho::dkim
