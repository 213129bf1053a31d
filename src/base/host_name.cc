#include "base/host_name.h"

#include <array>

#include <unistd.h>

namespace sekisho {

std::string host_name() {
  // A name that does not fit may lack its NUL (gethostname(2)).
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace sekisho
