#include "cli/rewrite_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/read_file.h"
#include "base/unique_handle.h"

namespace sekisho::cli {

namespace {

constexpr std::size_t max_octets = std::size_t{32} * 1024 * 1024;  // what the daemon reads

tl::unexpected<Complaint> failed(const std::string& path, const char* what) {
  const int error = errno;
  const ExitCode code = error == EACCES || error == EPERM ? no_permission : cannot_create;
  return complaint(code, path + ": " + what + ": " + std::strerror(error));
}

struct Existing {
  bool present = false;
  struct stat status {};
  std::string text;
};

OrComplaint<Existing> read_existing(const std::string& path) {
  Existing existing;
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file && errno == ENOENT) return existing;
  if (!file || ::fstat(file.get(), &existing.status) != 0) return failed(path, "cannot be read");
  if (!S_ISREG(existing.status.st_mode)) {
    return complaint(cannot_create, path + ": not a regular file");
  }
  existing.present = true;
  auto text = read_to_end(file.get(), max_octets);
  if (!text) {
    const bool large = text.error().code == FileError::Code::too_large;
    return complaint(cannot_create,
                     path + (large ? ": " : ": cannot be read: ") + text.error().what);
  }
  existing.text = std::move(*text);
  return existing;
}

bool write_all(int fd, const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t wrote = ::write(fd, text.data() + at, text.size() - at);
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) at += static_cast<std::size_t>(wrote);
  }
  return true;
}

// Removed by the destructor unless it was renamed.
struct TemporaryFile {
  std::string path;
  UniqueFd fd;
  ~TemporaryFile() {
    if (!path.empty()) ::unlink(path.c_str());
  }
};

bool same_file(const Existing& existing, const std::string& path) {
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0) return !existing.present && errno == ENOENT;
  const auto& then = existing.status;
  return existing.present && now.st_ino == then.st_ino && now.st_size == then.st_size &&
         now.st_mtim.tv_sec == then.st_mtim.tv_sec && now.st_mtim.tv_nsec == then.st_mtim.tv_nsec;
}

OrComplaint<void> replace(const std::string& path, const Existing& existing,
                          const std::string& text, const NewFile& fresh_file, int folder) {
  TemporaryFile fresh;
  std::string pattern = path + ".XXXXXX";
  fresh.fd.reset(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!fresh.fd) return failed(path, "cannot write beside it");
  fresh.path = pattern;
  const int fd = fresh.fd.get();
  const mode_t mode = existing.present ? existing.status.st_mode & 07777 : fresh_file.mode;
  if (existing.present && ::fchown(fd, existing.status.st_uid, existing.status.st_gid) != 0) {
    return failed(path, "cannot keep its owner");
  }
  if (!existing.present && fresh_file.group &&
      ::fchown(fd, static_cast<uid_t>(-1), *fresh_file.group) != 0) {
    return failed(path, "its group cannot be set");
  }
  if (::fchmod(fd, mode) != 0) return failed(path, "cannot keep its mode");
  if (!write_all(fd, text) || ::fsync(fd) != 0) return failed(path, "cannot be written");
  // An editor does not know our lock.
  if (!same_file(existing, path)) {
    return complaint(cli::temporary, path + ": somebody else has just changed it; try again");
  }
  if (::rename(fresh.path.c_str(), path.c_str()) != 0) return failed(path, "cannot be replaced");
  fresh.path.clear();
  if (::fsync(folder) != 0) return failed(path, "the folder cannot be synchronised");
  return {};
}

}  // namespace

OrComplaint<void> rewrite_file(const std::string& path, const TextFor& text_for,
                               const NewFile& fresh) {
  std::error_code failure;
  // The target of a symbolic link is replaced, and the link stays.
  const auto target = std::filesystem::weakly_canonical(path, failure);
  const std::string real = failure ? path : target.string();
  const std::string parent = std::filesystem::path(real).parent_path().string();
  const UniqueFd folder(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return failed(parent, "cannot be opened");
  while (::flock(folder.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return failed(parent, "cannot be locked");
  }
  auto existing = read_existing(real);
  if (!existing) return tl::unexpected(existing.error());
  const auto text = text_for(existing->text);
  if (!text) return tl::unexpected(text.error());
  return replace(real, *existing, *text, fresh, folder.get());
}

}  // namespace sekisho::cli
