// dkim/options.h: what may be configured of DKIM verification. Thread: immutable value.
#pragma once

#include <chrono>
#include <cstddef>

namespace sekisho::dkim {

struct Options {
  // Verified at most: those that could speak for the author first, then from the top; the rest is
  // reported as `policy`.
  std::size_t max_signatures = 10;
  unsigned min_rsa_bits = 1024;          // RFC 8301 §3.2
  unsigned max_rsa_bits = 4096;          // a 16,384 bit key costs a hundred times a 2048 bit one
  std::chrono::seconds clock_skew{300};  // for t= and x=
};

}  // namespace sekisho::dkim
