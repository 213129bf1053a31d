#include "session/decision_id.h"

#include <random>

namespace sekisho::session {

DecisionIds::DecisionIds() : counter_(std::random_device{}()) {}

std::string DecisionIds::next(WallTime now) {
  // 25 bits of seconds (388 days) and 15 bits of counter: 32,768 decisions a second. An odd factor
  // modulo 2^40 is a bijection, so scrambling loses nothing.
  constexpr std::uint64_t factor = 0x9E3779B97FULL;
  constexpr std::uint64_t mask = (1ULL << 40) - 1;
  const auto seconds = static_cast<std::uint64_t>(now.time_since_epoch().count()) & 0x1FFFFFF;
  const std::uint64_t count = counter_.fetch_add(1, std::memory_order_relaxed) & 0x7FFF;
  std::uint64_t bits = ((seconds << 15 | count) * factor) & mask;
  bits ^= bits >> 20;
  bits = (bits * factor) & mask;

  static constexpr char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string id;
  for (int shift = 35; shift >= 0; shift -= 5) {
    if (id.size() == 4) id += '-';
    id += alphabet[(bits >> shift) & 31];
  }
  return id;
}

}  // namespace sekisho::session
