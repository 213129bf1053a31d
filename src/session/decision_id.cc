#include "session/decision_id.h"

#include <algorithm>

namespace sekisho::session {

namespace {

// By seconds and their rest: all nanoseconds since 1970 times the ticks would overflow.
std::uint64_t ticks_of(DecisionIds::Time time) {
  using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 32768>>;
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto rest = std::chrono::floor<Ticks>(since - seconds);
  return static_cast<std::uint64_t>((Ticks(seconds) + rest).count());
}

}  // namespace

void DecisionIds::after(Time time) {
  const auto least = ticks_of(time);
  auto last = last_.load(std::memory_order_relaxed);
  while (last < least && !last_.compare_exchange_weak(last, least, std::memory_order_relaxed)) {
  }
}

std::string DecisionIds::next(Time now) {
  // 25 bits of seconds (388 days) and 15 bits of their parts. An odd factor modulo 2^40 is a
  // bijection, so scrambling loses nothing.
  constexpr std::uint64_t factor = 0x9E3779B97FULL;
  constexpr std::uint64_t mask = (1ULL << 40) - 1;
  const auto earliest = ticks_of(now);
  std::uint64_t last = last_.load(std::memory_order_relaxed);
  std::uint64_t own = 0;
  do {
    own = std::max(last + 1, earliest);
  } while (!last_.compare_exchange_weak(last, own, std::memory_order_relaxed));
  std::uint64_t bits = (own * factor) & mask;
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
