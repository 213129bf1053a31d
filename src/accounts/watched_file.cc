#include "accounts/watched_file.h"

#include <sys/stat.h>

#include <utility>

#include "base/read_file.h"

namespace sekisho::accounts {

namespace {

// A million addresses.
constexpr std::size_t max_octets = std::size_t{32} * 1024 * 1024;

bool readable_by_others(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
}

}  // namespace

bool WatchedFile::look_as(const std::string& fault) {
  const bool changed = current_ || fault != fault_;
  current_ = false;
  fault_ = fault;
  return changed;
}

bool WatchedFile::look() {
  if (path_.empty()) return false;
  if (secrecy_ == Secrecy::not_for_others && readable_by_others(path_)) {
    return look_as(path_ + ": everybody on this host can read it: chmod o= " + path_ +
                   ", and let its group be the daemon's");
  }
  auto text = read_file(path_, max_octets);
  if (!text) return look_as(path_ + ": " + text.error().what);
  const bool changed = !current_ || *text != text_;
  text_ = std::move(*text);
  fault_.clear();
  current_ = ever_read_ = true;
  return changed;
}

std::string path_of(const std::string& source) {
  constexpr std::string_view scheme = "file:";
  return source.starts_with(scheme) ? source.substr(scheme.size()) : std::string();
}

}  // namespace sekisho::accounts
