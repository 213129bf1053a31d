#include "accounts/random_octets.h"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace sekisho::accounts {

std::string random_octets(std::size_t count) {
  std::string octets(count, '\0');
  while (::getrandom(octets.data(), count, 0) != static_cast<ssize_t>(count)) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return octets;
}

}  // namespace sekisho::accounts
