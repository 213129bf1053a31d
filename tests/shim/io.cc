#include "shim/io.h"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <random>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::test::io {

namespace {

struct OpenFile {
  std::string path;
  unsigned file = 0;  // 0: not of the recorded folder
  bool folder = false;
};

struct State {
  std::recursive_mutex lock;
  Fails fails;
  std::map<int, OpenFile> files;
  std::string folder;  // recorded; empty: none
  ino_t folder_inode = 0;
  std::map<std::string, unsigned> names;
  unsigned last_file = 0;
  std::vector<Change> changes;
};

State& state() {
  static State* const the = new State;  // outlives whatever closes a file at exit
  return *the;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int failure(Call call, const std::string& path) {
  auto& s = state();
  return s.fails ? s.fails(call, path) : 0;
}

// The name within the recorded folder.
std::optional<std::string> name_of(int folder_fd, const char* path) {
  auto& s = state();
  if (s.folder.empty()) return std::nullopt;
  const std::string text = path;
  if (text.starts_with(s.folder + "/")) return text.substr(s.folder.size() + 1);
  struct stat status {};
  if (folder_fd >= 0 && ::fstat(folder_fd, &status) == 0 && status.st_ino == s.folder_inode)
    return text;
  return std::nullopt;
}

void note(Change change) { state().changes.push_back(std::move(change)); }

void note_open(int fd, int folder_fd, const char* path, int flags, bool existed) {
  auto& s = state();
  OpenFile open{path, 0, (flags & O_DIRECTORY) != 0};
  if (const auto name = name_of(folder_fd, path)) {
    if (open.folder) {
      open.file = *name == "." ? 1 : 0;
    } else {
      if ((flags & O_CREAT) != 0 && !existed) {
        s.names[*name] = ++s.last_file + 1;
        note({Change::Kind::create, s.names[*name], *name, "", 0, ""});
      }
      open.file = s.names[*name];
    }
  }
  s.files[fd] = open;
}

int open_at(int folder_fd, const char* path, int flags, mode_t mode) {
  auto& s = state();
  const std::lock_guard guard(s.lock);
  if (const int error = failure(Call::open, path)) {
    errno = error;
    return -1;
  }
  struct stat status {};
  const bool existed = ::fstatat(folder_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
  static const auto real = next<int (*)(int, const char*, int, ...)>("openat");
  const int fd = real(folder_fd, path, flags, mode);
  if (fd >= 0) note_open(fd, folder_fd, path, flags, existed);
  return fd;
}

const OpenFile* find(int fd) {
  const auto found = state().files.find(fd);
  return found == state().files.end() ? nullptr : &found->second;
}

ssize_t write_at(int fd, const void* octets, size_t count, std::optional<off_t> offset) {
  auto& s = state();
  const std::lock_guard guard(s.lock);
  const auto* open = find(fd);
  if (const int error = open != nullptr ? failure(Call::write, open->path) : 0) {
    errno = error;
    return -1;
  }
  static const auto real_write = next<ssize_t (*)(int, const void*, size_t)>("write");
  static const auto real_pwrite = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  const bool recorded = open != nullptr && open->file != 0 && !open->folder && !s.folder.empty();
  const off_t at = offset ? *offset : recorded ? ::lseek(fd, 0, SEEK_CUR) : 0;
  const auto written =
      offset ? real_pwrite(fd, octets, count, *offset) : real_write(fd, octets, count);
  if (recorded && written > 0) {
    note({Change::Kind::write, open->file, "", "", static_cast<std::uint64_t>(at),
          std::string(static_cast<const char*>(octets), static_cast<std::size_t>(written))});
  }
  return written;
}

int sync_file(int fd, const char* function) {
  auto& s = state();
  std::unique_lock guard(s.lock);
  const auto* open = find(fd);
  if (const int error = open != nullptr ? failure(Call::fsync, open->path) : 0) {
    errno = error;
    return -1;
  }
  const auto real = next<int (*)(int)>(function);
  if (open == nullptr || open->file == 0 || s.folder.empty()) {
    guard.unlock();  // many at once, as without the shim
    return real(fd);
  }
  const int done = real(fd);
  if (done == 0) {
    note({open->folder ? Change::Kind::sync_folder : Change::Kind::sync_file, open->file, "", "", 0,
          ""});
  }
  return done;
}

int truncate_file(int fd, off_t length) {
  auto& s = state();
  const std::lock_guard guard(s.lock);
  const auto* open = find(fd);
  if (const int error = open != nullptr ? failure(Call::truncate, open->path) : 0) {
    errno = error;
    return -1;
  }
  static const auto real = next<int (*)(int, off_t)>("ftruncate");
  const int done = real(fd, length);
  if (done == 0 && open != nullptr && open->file != 0 && !s.folder.empty()) {
    note({Change::Kind::truncate, open->file, "", "", static_cast<std::uint64_t>(length), ""});
  }
  return done;
}

int rename_at(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  auto& s = state();
  const std::lock_guard guard(s.lock);
  if (const int error = failure(Call::rename, from)) {
    errno = error;
    return -1;
  }
  static const auto real = next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  const int done = real(from_fd, from, to_fd, to, flags);
  const auto name = name_of(from_fd, from);
  const auto new_name = name_of(to_fd, to);
  if (done == 0 && name && new_name) {
    s.names[*new_name] = s.names[*name];
    s.names.erase(*name);
    note({Change::Kind::rename, s.names[*new_name], *name, *new_name, 0, ""});
  }
  return done;
}

int unlink_at(int folder_fd, const char* path, int flags) {
  auto& s = state();
  const std::lock_guard guard(s.lock);
  if (const int error = failure(Call::unlink, path)) {
    errno = error;
    return -1;
  }
  static const auto real = next<int (*)(int, const char*, int)>("unlinkat");
  const int done = real(folder_fd, path, flags);
  const auto name = name_of(folder_fd, path);
  if (done == 0 && name) {
    note({Change::Kind::unlink, s.names[*name], *name, "", 0, ""});
    s.names.erase(*name);
  }
  return done;
}

// A disk: what the kernel holds, and what has reached the platter.
struct Disk {
  using Names = std::map<std::string, unsigned>;
  struct File {
    std::string octets;
    std::vector<const Change*> pending;  // writes and truncations since the last fsync
  };
  std::map<unsigned, File> files;
  Names names;
  std::vector<const Change*> pending;  // changes of names since the last fsync of the folder
};

void apply(std::string& octets, const Change& change, std::size_t part) {
  if (change.kind == Change::Kind::truncate) {
    octets.resize(change.offset);
    return;
  }
  const std::size_t end = change.offset + part;
  if (octets.size() < end) octets.resize(end);
  std::copy_n(change.octets.begin(), part,
              octets.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

void apply(Disk::Names& names, const Change& change) {
  if (change.kind == Change::Kind::create) names[change.name] = change.file;
  if (change.kind == Change::Kind::rename) {
    names.erase(change.name);
    names[change.to] = change.file;
  }
  if (change.kind == Change::Kind::unlink) names.erase(change.name);
}

void make_durable(Disk::File& file) {
  for (const auto* change : file.pending) apply(file.octets, *change, change->octets.size());
  file.pending.clear();
}

Disk disk_after(const std::vector<Change>& changes, std::size_t count) {
  Disk disk;
  for (std::size_t i = 0; i < count; ++i) {
    const Change& change = changes[i];
    switch (change.kind) {
      case Change::Kind::write:
      case Change::Kind::truncate:
        disk.files[change.file].pending.push_back(&change);
        break;
      case Change::Kind::sync_file:
        make_durable(disk.files[change.file]);
        break;
      case Change::Kind::create:
      case Change::Kind::rename:
      case Change::Kind::unlink:
        disk.pending.push_back(&change);
        break;
      case Change::Kind::sync_folder:
        for (const auto* pending : disk.pending) apply(disk.names, *pending);
        disk.pending.clear();
        break;
      case Change::Kind::mark:
        break;
    }
  }
  return disk;
}

// How many of `count` things that were not durable are there all the same.
std::size_t survivors(std::mt19937& random, std::size_t count) {
  switch (random() % 3) {
    case 0:
      return 0;
    case 1:
      return count;
    default:
      return random() % (count + 1);
  }
}

}  // namespace

void set_failures(Fails fails) {
  const std::lock_guard guard(state().lock);
  state().fails = std::move(fails);
}

void start_recording(const std::string& folder) {
  auto& s = state();
  const std::lock_guard guard(s.lock);
  struct stat status {};
  ::stat(folder.c_str(), &status);
  s.folder = folder;
  s.folder_inode = status.st_ino;
  s.names.clear();
  s.changes.clear();
  s.last_file = 0;
}

void mark(const std::string& what) {
  const std::lock_guard guard(state().lock);
  note({Change::Kind::mark, 0, what, "", 0, ""});
}

std::vector<Change> stop_recording() {
  const std::lock_guard guard(state().lock);
  state().folder.clear();
  return std::move(state().changes);
}

void play(const std::vector<Change>& changes, std::size_t count, unsigned seed,
          const std::string& folder) {
  std::mt19937 random(seed);
  Disk disk = disk_after(changes, count);
  const auto names = survivors(random, disk.pending.size());
  for (std::size_t i = 0; i < names; ++i) apply(disk.names, *disk.pending[i]);
  std::filesystem::create_directories(folder);
  ::chmod(folder.c_str(), 0750);
  for (const auto& [name, number] : disk.names) {
    auto& file = disk.files[number];
    const auto writes = survivors(random, file.pending.size());
    for (std::size_t i = 0; i < writes; ++i) {
      const auto whole = file.pending[i]->octets.size();
      const bool torn = i + 1 == writes && random() % 2 == 0;
      apply(file.octets, *file.pending[i], torn ? random() % (whole + 1) : whole);
    }
    std::ofstream(folder + "/" + name, std::ios::binary) << file.octets;
  }
}

}  // namespace sekisho::test::io

namespace io = sekisho::test::io;

namespace {

mode_t mode_of(int flags, va_list arguments) {
  const bool given = (flags & (O_CREAT | O_TMPFILE)) != 0;
  return given ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return io::open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return io::open_at(folder, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return io::open_at(AT_FDCWD, path, flags, mode);
}

ssize_t write(int fd, const void* octets, size_t count) {
  return io::write_at(fd, octets, count, std::nullopt);
}
ssize_t pwrite(int fd, const void* octets, size_t count, off_t offset) {
  return io::write_at(fd, octets, count, offset);
}
ssize_t pwrite64(int fd, const void* octets, size_t count, off_t offset) {
  return io::write_at(fd, octets, count, offset);
}
int fsync(int fd) { return io::sync_file(fd, "fsync"); }
int fdatasync(int fd) { return io::sync_file(fd, "fdatasync"); }
int ftruncate(int fd, off_t length) noexcept { return io::truncate_file(fd, length); }
int ftruncate64(int fd, off_t length) noexcept { return io::truncate_file(fd, length); }
int rename(const char* from, const char* to) noexcept {
  return io::rename_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_fd, const char* from, int to_fd, const char* to) noexcept {
  return io::rename_at(from_fd, from, to_fd, to, 0);
}
int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) noexcept {
  return io::rename_at(from_fd, from, to_fd, to, flags);
}
int unlink(const char* path) noexcept { return io::unlink_at(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char* path, int flags) noexcept {
  return io::unlink_at(folder, path, flags);
}
int close(int fd) {
  static const auto real = io::next<int (*)(int)>("close");
  {
    const std::lock_guard guard(io::state().lock);
    io::state().files.erase(fd);
  }
  return real(fd);
}

}  // extern "C"
