// dns/random.h: random bits from the system, drawn in blocks, for ids, letter case and the choice
// of sockets. RFC 5452 §4.5: an id that can be predicted allows a forged answer.
// Thread: one owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sekisho::dns {

class Random {
 public:
  // Throws std::system_error when the system has no randomness: nothing can be asked safely then.
  std::uint64_t bits64();
  std::uint16_t bits16();
  // 0 … bound-1, for small bounds.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(bits16()) % bound; }

 private:
  std::uint64_t draw(std::size_t octets);
  std::array<std::uint8_t, 256> block_{};  // the most that getrandom returns without interruption
  std::size_t used_ = 256;
};

}  // namespace sekisho::dns
