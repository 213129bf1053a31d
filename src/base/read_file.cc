#include "base/read_file.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_handle.h"

namespace sekisho {

namespace {

using Code = FileError::Code;

tl::unexpected<FileError> failed(Code code, std::string what) {
  return tl::unexpected<FileError>({code, std::move(what)});
}

tl::unexpected<FileError> system_failure() {
  const int error = errno;
  const bool absent = error == ENOENT || error == ENOTDIR;
  return failed(absent ? Code::absent : Code::failed, std::strerror(error));
}

// "32 MB"; in octets if it is not a whole number of MB.
std::string size_text(std::size_t octets) {
  constexpr std::size_t mebi = std::size_t{1024} * 1024;
  if (octets >= mebi && octets % mebi == 0) return std::to_string(octets / mebi) + " MB";
  return std::to_string(octets) + " octets";
}

}  // namespace

Expected<std::string, FileError> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) return system_failure();
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_failure();
  if (!S_ISREG(status.st_mode)) return failed(Code::not_regular, "not a regular file");
  return read_to_end(file.get(), limit);
}

Expected<std::string, FileError> read_to_end(int fd, std::size_t limit) {
  std::string text;
  std::array<char, 65536> chunk;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) return system_failure();
    if (got > 0) text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > limit) return failed(Code::too_large, "larger than " + size_text(limit));
  }
}

}  // namespace sekisho
