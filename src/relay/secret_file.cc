#include "relay/secret_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/read_file.h"
#include "base/unique_handle.h"

namespace sekisho::relay {

namespace {

// Tokens have some 2 KB.
constexpr std::size_t max_secret = 64 * 1024;

tl::unexpected<std::string> fault(std::string what) {
  return tl::unexpected<std::string>(std::move(what));
}

std::string credentials_folder() {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
  return folder == nullptr ? "" : std::string(folder) + "/";
}

}  // namespace

Expected<std::string, std::string> read_secret(const std::string& name) {
  const std::string folder = credentials_folder();
  const std::string path = name.starts_with('/') ? name : folder + name;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0)
    return fault(path + ": " + std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
  if (!S_ISREG(status.st_mode)) return fault(path + ": not a regular file");
  const bool credential = !folder.empty() && path.starts_with(folder);
  if (!credential && (status.st_mode & 077) != 0)
    return fault(path + ": others may read it: chmod 600 " + path);
  auto text = read_to_end(fd.get(), max_secret);
  if (!text) return fault(path + ": " + text.error().what);
  std::string secret = text->substr(0, text->find('\n'));
  if (secret.ends_with('\r')) secret.pop_back();
  // RFC 4616 §2: NUL separates the parts of PLAIN.
  if (secret.empty() || secret.find('\0') != std::string::npos)
    return fault(path + ": the first line is " + (secret.empty() ? "empty" : "no text"));
  return secret;
}

}  // namespace sekisho::relay
