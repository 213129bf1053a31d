#include "spool/folder.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::spool {

namespace {

constexpr mode_t file_mode = 0640;
constexpr mode_t folder_mode = 0750;
constexpr std::string_view temporary_prefix = ".tmp-";

using Directory = UniqueHandle<DIR, ::closedir>;

Outcome<Directory> open_directory(int folder) {
  // A descriptor of its own: fdopendir() takes it, and its place in the folder is not shared.
  UniqueFd fd(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return failed(failure_of_errno(errno, "open the folder"));
  Directory directory(::fdopendir(fd.get()));
  if (!directory) return failed(failure_of_errno(errno, "read the folder"));
  fd.release();
  return directory;
}

Outcome<void> check_folder(const std::string& path, const struct stat& status) {
  if (!S_ISDIR(status.st_mode)) return failed(Failure::Kind::refused, path + " is not a folder");
  if ((status.st_mode & 022) != 0) {
    return failed(Failure::Kind::refused,
                  path + ": others than its owner may write there; chmod go-w it");
  }
  const uid_t self = ::geteuid();
  if (self != 0 && status.st_uid != self && status.st_uid != 0) {
    return failed(Failure::Kind::refused, path + ": it belongs to another user");
  }
  return {};
}

}  // namespace

bool is_key(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 64 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), allowed);
}

Outcome<std::shared_ptr<const Folder>> Folder::open(const std::string& path, bool create) {
  if (create && ::mkdir(path.c_str(), folder_mode) != 0 && errno != EEXIST)
    return failed(failure_of_errno(errno, "make the folder " + path));
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && (errno == ENOTDIR || errno == ELOOP)) {
    return failed(Failure::Kind::refused,
                  path + " is a symbolic link or no folder: name the folder itself");
  }
  if (!fd) return failed(failure_of_errno(errno, "open the folder " + path));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0)
    return failed(failure_of_errno(errno, "look at the folder " + path));
  if (auto good = check_folder(path, status); !good) return failed(good.error());
  return std::shared_ptr<const Folder>(
      new Folder(path, std::move(fd), status.st_uid, status.st_gid));
}

bool Folder::is_in_place() const {
  struct stat here {};
  struct stat there {};
  return ::fstat(fd_.get(), &here) == 0 && ::stat(path_.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

Outcome<UniqueFd> Folder::make_file(const std::string& name) const {
  UniqueFd fd(::openat(fd_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       file_mode));
  if (!fd) return failed(failure_of_errno(errno, "make a file"));
  if (::geteuid() == 0 && ::fchown(fd.get(), owner_, group_) != 0) {
    const int error = errno;
    ::unlinkat(fd_.get(), name.c_str(), 0);
    return failed(failure_of_errno(error, "give a file to the folder's owner"));
  }
  return fd;
}

Outcome<UniqueFd> Folder::make_temporary(std::string& name) const {
  static std::atomic<unsigned> counter{0};
  // A name may exist already, left by a former process with the same number.
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string candidate(temporary_prefix);
    candidate += std::to_string(::getpid()) + "-" + std::to_string(counter++);
    auto fd = make_file(candidate);
    if (!fd && fd.error().kind == Failure::Kind::exists) continue;
    if (fd) name = candidate;
    return fd;
  }
  return failed(Failure::Kind::exists, "cannot make a file: a hundred names are taken");
}

Outcome<void> Folder::publish(const std::string& temporary, const std::string& key) const {
  const int fd = fd_.get();
  if (!is_key(key)) return failed(Failure::Kind::refused, "not a key of a message");
  if (::renameat2(fd, temporary.c_str(), fd, key.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno == EINVAL || errno == ENOSYS) {
    // For a file system without RENAME_NOREPLACE. Keys are used once, so a check is enough.
    if (has_message(key)) {
      errno = EEXIST;
    } else if (::renameat(fd, temporary.c_str(), fd, key.c_str()) == 0) {
      return {};
    }
  }
  return failed(failure_of_errno(errno, "rename the message file"));
}

Outcome<void> Folder::sync() const {
  const UniqueFd fd(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return failed(failure_of_errno(errno, "open the folder"));
  if (::fsync(fd.get()) != 0) {
    return failed(Failure::Kind::not_synced,
                  failure_of_errno(errno, "fsync the folder " + path_).why);
  }
  return {};
}

Outcome<UniqueFd> Folder::open_message(const std::string& key) const {
  if (!is_key(key)) return failed(Failure::Kind::refused, "not a key of a message");
  UniqueFd fd(
      ::openat(fd_.get(), key.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return failed(failure_of_errno(errno, "open the message file " + key));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return failed(Failure::Kind::damaged, "the message file " + key + " is not a regular file");
  return fd;
}

bool Folder::has_message(const std::string& key) const {
  struct stat status {};
  return is_key(key) && ::fstatat(fd_.get(), key.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

std::optional<WallTime> Folder::since(const std::string& key) const {
  struct stat status {};
  if (!is_key(key) || ::fstatat(fd_.get(), key.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return std::nullopt;
  return WallTime(std::chrono::seconds(status.st_ctim.tv_sec));
}

bool Folder::remove_message(const std::string& key) const {
  return is_key(key) && (::unlinkat(fd_.get(), key.c_str(), 0) == 0 || errno == ENOENT);
}

void Folder::remove_temporary(const std::string& name) const {
  if (name.starts_with(temporary_prefix)) ::unlinkat(fd_.get(), name.c_str(), 0);
}

Outcome<std::vector<std::string>> Folder::messages() const {
  const auto directory = open_directory(fd_.get());
  if (!directory) return failed(directory.error());
  std::vector<std::string> keys;
  errno = 0;
  while (const dirent* entry = ::readdir(directory->get())) {
    if (is_key(entry->d_name)) keys.emplace_back(entry->d_name);
  }
  if (errno != 0) return failed(failure_of_errno(errno, "read the folder"));
  return keys;
}

Outcome<UniqueFd> Folder::lock() const {
  constexpr const char* name = "owner.lock";
  if (auto made = make_file(name); !made && made.error().kind != Failure::Kind::exists) return made;
  UniqueFd fd(::openat(fd_.get(), name, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return failed(failure_of_errno(errno, "open " + path_ + "/" + name));
  std::array<char, 16> owner{};
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (::pread(fd.get(), owner.data(), owner.size() - 1, 0) < 0) owner[0] = '?';
    return failed(Failure::Kind::locked,
                  path_ + " is in use by process " + std::string(owner.data()));
  }
  const auto self = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), self.data(), self.size(), 0) < 0)
    return failed(failure_of_errno(errno, "write " + path_ + "/" + name));
  return fd;
}

std::size_t Folder::remove_temporaries(WallTime before) const {
  const auto directory = open_directory(fd_.get());
  if (!directory) return 0;
  std::size_t removed = 0;
  while (const dirent* entry = ::readdir(directory->get())) {
    struct stat status {};
    if (!std::string_view(entry->d_name).starts_with(temporary_prefix) ||
        ::fstatat(fd_.get(), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      continue;
    }
    if (WallTime(std::chrono::seconds(status.st_mtim.tv_sec)) < before &&
        ::unlinkat(fd_.get(), entry->d_name, 0) == 0) {
      ++removed;
    }
  }
  return removed;
}

}  // namespace sekisho::spool
