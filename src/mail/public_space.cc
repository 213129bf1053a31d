#include "mail/public_space.h"

#include <algorithm>
#include <limits>

namespace sekisho::mail {
namespace {

// Neighbouring numbers; the last is included, for there are 2^64 networks of /64.
struct Range {
  std::uint64_t first;
  std::uint64_t last;
};

constexpr int counted_bits_v6 = 64;

// IPv4 addresses, or the upper halves of IPv6 addresses.
Range range_of(const IpPrefix& prefix) {
  const int bits = prefix.address().is_v4() ? 32 : counted_bits_v6;
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(bits / 8); ++i) {
    first = first << 8U | prefix.address().octets()[i];
  }
  const int free_bits = std::max(bits - prefix.length(), 0);
  if (free_bits == 64) return {0, std::numeric_limits<std::uint64_t>::max()};
  return {first, first + ((std::uint64_t{1} << static_cast<unsigned>(free_bits)) - 1)};
}

class Ranges {
 public:
  void remove(Range gone) {
    std::vector<Range> left;
    for (const Range& each : ranges_) {
      if (each.last < gone.first || each.first > gone.last) {
        left.push_back(each);
        continue;
      }
      if (each.first < gone.first) left.push_back({each.first, gone.first - 1});
      if (each.last > gone.last) left.push_back({gone.last + 1, each.last});
    }
    ranges_ = std::move(left);
  }
  // No number is twice in it.
  void add(Range range) {
    remove(range);
    ranges_.push_back(range);
  }
  void add(const Ranges& others) {
    for (const Range& each : others.ranges_) add(each);
  }
  std::uint64_t size() const {
    std::uint64_t total = 0;
    for (const Range& each : ranges_) {
      const std::uint64_t more = each.last - each.first;
      constexpr auto most = std::numeric_limits<std::uint64_t>::max();
      if (more >= most - total) return most;
      total += more + 1;
    }
    return total;
  }

 private:
  std::vector<Range> ranges_;
};

// A more specific entry decides over a wider one, so it comes after it; and of two equal ones the
// exclusion.
Ranges covered(const PrefixSet& set, IpAddress::Family family) {
  auto entries = set.entries();
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.prefix.length(), a.excluded) < std::pair(b.prefix.length(), b.excluded);
  });
  Ranges out;
  for (const auto& entry : entries) {
    if (entry.prefix.address().family() != family) continue;
    if (!entry.excluded) {
      out.add(range_of(entry.prefix));
    } else if (entry.prefix.address().is_v4() || entry.prefix.length() <= counted_bits_v6) {
      out.remove(range_of(entry.prefix));
    }
  }
  return out;
}

// RFC 6890 §2.2.2, §2.2.3.
const std::vector<IpPrefix>& reserved() {
  static const std::vector<IpPrefix> all = [] {
    std::vector<IpPrefix> out;
    for (const char* text :
         {"0.0.0.0/8",       "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8",    "169.254.0.0/16",
          "172.16.0.0/12",   "192.0.0.0/24",   "192.0.2.0/24",  "192.168.0.0/16", "198.18.0.0/15",
          "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",   "::/64",          "100::/64",
          "2001:2::/48",     "2001:10::/28",   "2001:db8::/32", "fc00::/7",       "fe80::/10"}) {
      out.push_back(IpPrefix::parse(text).value());
    }
    return out;
  }();
  return all;
}

}  // namespace

std::uint64_t public_space(const std::vector<PrefixSet>& sets, IpAddress::Family family) {
  Ranges all;
  for (const PrefixSet& set : sets) all.add(covered(set, family));
  for (const IpPrefix& prefix : reserved()) {
    if (prefix.address().family() == family) all.remove(range_of(prefix));
  }
  return all.size();
}

}  // namespace sekisho::mail
