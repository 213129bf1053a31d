#include "app/seal_file.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_handle.h"

namespace sekisho::app {

namespace {

constexpr std::size_t secret_octets = 32;

tl::unexpected<std::string> cannot(const char* what) {
  return tl::unexpected(std::string("cannot ") + what + ": " + std::strerror(errno));
}

// nullopt if there is no file.
Expected<std::optional<std::string>, std::string> read_secret(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return cannot("read it");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return cannot("read it");
  if (!S_ISREG(status.st_mode)) return tl::unexpected<std::string>("it is no file");
  if ((status.st_mode & 077) != 0) {
    return tl::unexpected<std::string>(
        "others than its owner may read or write it: remove it, and a new one is made");
  }
  std::string secret(secret_octets + 1, '\0');
  const auto got = ::read(file.get(), secret.data(), secret.size());
  if (got < 0) return cannot("read it");
  if (got != static_cast<ssize_t>(secret_octets)) {
    return tl::unexpected<std::string>("it does not hold " + std::to_string(secret_octets) +
                                       " octets: remove it, and a new one is made");
  }
  secret.resize(secret_octets);
  return secret;
}

// The file gets its name only when it is complete.
Expected<void, std::string> make_file(const std::string& path, const std::string& secret) {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) return cannot("make it");
  const bool written =
      ::write(file.get(), secret.data(), secret.size()) == static_cast<ssize_t>(secret.size()) &&
      ::fsync(file.get()) == 0;
  // Another daemon may have been faster: then its secret is used.
  const bool named = written && (::link(temporary.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const int why = errno;
  ::unlink(temporary.c_str());
  errno = why;
  if (!named) return cannot("write it");
  return {};
}

}  // namespace

std::string make_secret() {
  std::string secret(secret_octets, '\0');
  // getrandom(2) returns this few octets all at once, or fails.
  if (::getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  return secret;
}

Expected<std::string, std::string> read_or_make_seal(const std::string& path) {
  auto secret = read_secret(path);
  if (secret && !*secret) {
    if (auto made = make_file(path, make_secret()); !made) return tl::unexpected(made.error());
    secret = read_secret(path);
  }
  if (!secret) return tl::unexpected(secret.error());
  if (!*secret) return tl::unexpected<std::string>("it went away while it was made");
  return **secret;
}

}  // namespace sekisho::app
