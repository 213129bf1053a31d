// base/fnv.h: FNV-1a of 64 bits, to distinguish texts in logs and for hash tables. Not a
// protection: collisions are easily made.
// Thread: one owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.h"

namespace sekisho {

class Fnv {
 public:
  // A seed distinguishes keys with the same octets.
  explicit Fnv(std::uint64_t seed = 0) : hash_(offset ^ seed) {}

  Fnv& add(std::string_view octets) {
    for (const char octet : octets) add(static_cast<unsigned char>(octet));
    return *this;
  }
  void add(unsigned char octet) { hash_ = (hash_ ^ octet) * prime; }

  std::uint64_t value() const { return hash_; }
  // 16 digits.
  std::string hex() const {
    std::string octets;
    for (int shift = 56; shift >= 0; shift -= 8) octets += static_cast<char>(hash_ >> shift & 0xff);
    return hex_encode(octets);
  }

 private:
  static constexpr std::uint64_t offset = 0xcbf29ce484222325U;
  static constexpr std::uint64_t prime = 0x100000001b3U;
  std::uint64_t hash_;
};

}  // namespace sekisho
