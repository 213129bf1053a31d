#include "dns/random.h"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace sekisho::dns {

std::uint64_t Random::draw(std::size_t octets) {
  if (used_ + octets > block_.size()) {
    while (::getrandom(block_.data(), block_.size(), 0) != static_cast<ssize_t>(block_.size())) {
      if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    used_ = 0;
  }
  std::uint64_t value = 0;
  for (std::size_t n = 0; n < octets; ++n) value = value << 8 | block_[used_++];
  return value;
}

std::uint64_t Random::bits64() { return draw(8); }

std::uint16_t Random::bits16() { return static_cast<std::uint16_t>(draw(2)); }

}  // namespace sekisho::dns
