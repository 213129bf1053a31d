#include "app/drop_folder.h"

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/read_file.h"

namespace sekisho::app {

namespace {

using Done = Expected<void, std::string>;

constexpr const char* bad = "bad";
constexpr const char* rest = "rest";
// The first line of a file in "rest".
constexpr std::string_view rest_owner = "uid ";
// The envelope of a message with as many recipients as are allowed, in a file of the largest size.
constexpr std::uint64_t envelope_octets = 1024 * 1024;
// What sendmail(1) did not finish in a day, it never will.
constexpr std::chrono::hours unfinished_stays(24);

tl::unexpected<std::string> error(const std::string& path) {
  return tl::unexpected(path + ": " + std::strerror(errno));
}

// Anybody may leave files, and only the owner of the folder can list and remove them.
Done make(const std::string& path, mode_t mode, const std::string& owner) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return error(path);
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return error(path);
  if (!S_ISDIR(status.st_mode)) return tl::unexpected(path + ": is no folder");
  const passwd* user = ::geteuid() == 0 && !owner.empty() ? ::getpwnam(owner.c_str()) : nullptr;
  if (user != nullptr && status.st_uid != user->pw_uid &&
      ::lchown(path.c_str(), user->pw_uid, user->pw_gid) != 0)
    return error(path);
  if ((status.st_mode & 07777) == mode) return {};
  if (::chmod(path.c_str(), mode) != 0) return error(path);
  return {};
}

// `below`: "." or a folder in it, which is then a part of the names.
std::vector<std::string> names_in(int folder, const std::string& below) {
  const std::string prefix = below == "." ? "" : below + "/";
  std::vector<std::string> names;
  const int again = ::openat(folder, below.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::fdopendir(again), ::closedir);
  if (!open) {
    ::close(again);
    return names;
  }
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string name(entry->d_name);
    if (name != "." && name != ".." && name != bad && name != rest) names.push_back(prefix + name);
  }
  return names;
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// What another file of that name would have as well; all else may be better the next time.
bool is_of_file(int error) {
  return error == ELOOP || error == ENXIO || error == EACCES || error == EPERM;
}

// The file is on the disk when this returns; what there was of that name is replaced.
bool write_file(int folder, const std::string& name, std::string_view text) {
  const std::string unfinished =
      std::string(rest) + "/" + std::string(cli::drop_unfinished) + last_part(name);
  constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd file(::openat(folder, unfinished.c_str(), flags, 0600));
  const UniqueFd in(::openat(folder, rest, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file || !in) return false;
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  const bool done = text.empty() && ::fsync(file.get()) == 0 &&
                    ::renameat(folder, unfinished.c_str(), folder, name.c_str()) == 0;
  if (!done) ::unlinkat(folder, unfinished.c_str(), 0);
  return done && ::fsync(in.get()) == 0;
}

// The owner that stands above a message in "rest"; takes that line away.
std::optional<uid_t> take_owner(std::string_view& text) {
  if (!text.starts_with(rest_owner)) return std::nullopt;
  const auto end = text.find('\n');
  const auto line = text.substr(rest_owner.size(), end - rest_owner.size());
  uid_t owner = 0;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), owner);
  if (end == std::string_view::npos || read.ec != std::errc() ||
      read.ptr != line.data() + line.size())
    return std::nullopt;
  text.remove_prefix(end + 1);
  return owner;
}

bool is_old(int folder, const std::string& name) {
  struct stat status {};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return wall_now() - std::chrono::system_clock::from_time_t(status.st_mtime) > unfinished_stays;
}

}  // namespace

DropFolder::DropFolder(Options options, Submit submit, Log& log)
    : options_(std::move(options)), submit_(std::move(submit)), log_(log) {}

Done DropFolder::open() {
  if (auto made = make(options_.path, 01733, options_.owner); !made) return made;
  for (const char* below : {bad, rest}) {
    if (auto made = make(options_.path + "/" + below, 0700, options_.owner); !made) return made;
  }
  return {};
}

bool DropFolder::begin() {
  folder_.reset(::open(options_.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder_) log_.error("drop folder " + options_.path + ": " + std::strerror(errno));
  return static_cast<bool>(folder_);
}

void DropFolder::run() {
  if (!begin()) return;
  thread_ = std::thread([this] {
    bool stop = false;
    while (!stop) {
      contained([&] { look(); });
      state_.wait_until(
          steady_now() + look_every, [](const State& state) { return state.stop; },
          [&](State& state, bool) { stop = state.stop; });
    }
  });
}

void DropFolder::stop() {
  if (!thread_.joinable()) return;
  state_.with([](State& state) { state.stop = true; });
  state_.notify_all();
  thread_.join();
}

std::size_t DropFolder::look(SteadyTime now) {
  std::size_t taken = 0;
  auto names = names_in(folder_.get(), ".");
  const auto left = names_in(folder_.get(), rest);
  names.insert(names.end(), left.begin(), left.end());
  for (const auto& name : names) {
    if (state_.with([](const State& state) { return state.stop; })) break;
    if (last_part(name).starts_with(cli::drop_unfinished)) {
      if (is_old(folder_.get(), name)) set_aside(name, "it was never finished");
      continue;
    }
    if (is_over(name)) continue;
    const auto again = again_.find(name);
    if (again != again_.end() && now < again->second.at) continue;
    if (take_in(name, now)) ++taken;
  }
  return taken;
}

bool DropFolder::take_in(const std::string& name, SteadyTime now) {
  const auto before = again_.find(name);
  const auto rcpts = before == again_.end() ? std::vector<std::string>() : before->second.rcpts;
  auto file = read(name);
  if (!file) {
    if (file.error().passing) {
      waits(name, file.error().what, rcpts, now);
    } else {
      set_aside(name, file.error().what);
    }
    return false;
  }
  if (!rcpts.empty()) file->message.rcpts = rcpts;
  const auto submitted = submit_(file->owner, file->message);
  for (const auto& each : submitted.refused) {
    log_.warning("drop folder: " + name + ": " + each.rcpt + ": " + each.reply);
  }
  const bool taken = !submitted.answer.empty();
  if (!submitted.waiting.empty()) {
    if (taken && keep_rest(name, *file, submitted.waiting)) {
      waits(std::string(rest) + "/" + last_part(name), submitted.why_waiting, {}, now);
    } else {
      waits(name, submitted.why_waiting, submitted.waiting, now);
    }
    return false;
  }
  if (!taken) {
    set_aside(name, submitted.refused.empty() ? "no answer" : submitted.refused.front().reply);
    return false;
  }
  remove(name, file->inode);
  log_.info("drop folder: " + name + " of uid " + std::to_string(file->owner) +
            " was taken in: " + submitted.answer);
  return true;
}

// A restart would give it to the others once more.
bool DropFolder::keep_rest(const std::string& name, const File& file,
                           const std::vector<std::string>& rcpts) {
  const std::string in_rest = std::string(rest) + "/" + last_part(name);
  // Whoever made a second file of that name: the first one is not to be lost.
  if (in_rest != name && ::faccessat(folder_.get(), in_rest.c_str(), F_OK, 0) == 0) return false;
  const cli::Dropped left{file.message.mail, rcpts, file.message.content};
  const std::string text =
      std::string(rest_owner) + std::to_string(file.owner) + "\n" + left.text();
  if (!write_file(folder_.get(), in_rest, text)) return false;
  if (in_rest != name) remove(name, file.inode);
  return true;
}

void DropFolder::remove(const std::string& name, ino_t inode) {
  again_.erase(name);
  if (::unlinkat(folder_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return;
  log_.error("drop folder " + options_.path + ": " + name +
             " was taken in and cannot be removed, so a restart takes it in once more: " +
             std::strerror(errno));
  over_[name] = inode;
}

bool DropFolder::is_over(const std::string& name) {
  const auto found = over_.find(name);
  if (found == over_.end()) return false;
  struct stat status {};
  const bool same = ::fstatat(folder_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                    status.st_ino == found->second;
  if (!same || ::unlinkat(folder_.get(), name.c_str(), 0) == 0) over_.erase(found);
  return same;
}

Expected<DropFolder::File, DropFolder::Fault> DropFolder::read(const std::string& name) const {
  const auto of_file = [](std::string what) {
    return tl::unexpected(Fault{false, std::move(what)});
  };
  // Not waiting for the other end of a pipe.
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const UniqueFd fd(::openat(folder_.get(), name.c_str(), flags));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0)
    return tl::unexpected(Fault{!is_of_file(errno), std::strerror(errno)});
  if (!S_ISREG(status.st_mode)) return of_file("it is no regular file");
  if (status.st_nlink != 1) return of_file("it has another name elsewhere");
  const auto most = options_.most_octets == 0 ? SIZE_MAX : options_.most_octets + envelope_octets;
  const auto read = read_to_end(fd.get(), most);
  if (!read)
    return tl::unexpected(Fault{read.error().code == FileError::Code::failed, read.error().what});
  std::string_view text = *read;
  const bool in_rest = name.starts_with(std::string(rest) + "/");
  const auto owner = in_rest ? take_owner(text) : status.st_uid;
  if (!owner) return of_file("its first line does not name its owner");
  auto message = cli::Dropped::parse(text);
  if (!message) return of_file(message.error());
  return File{std::move(*message), *owner, status.st_ino};
}

void DropFolder::set_aside(const std::string& name, const std::string& why) {
  const std::string line =
      "drop folder " + options_.path + ": " + name + " is set aside in \"bad\": " + why;
  const std::string aside = std::string(bad) + "/" + last_part(name);
  again_.erase(name);
  if (::renameat(folder_.get(), name.c_str(), folder_.get(), aside.c_str()) == 0) {
    log_.error(line);
  } else {
    waits(name, std::string(std::strerror(errno)) + "; " + line, {}, steady_now());
  }
}

void DropFolder::waits(const std::string& name, const std::string& why,
                       std::vector<std::string> rcpts, SteadyTime now) {
  again_[name] = {now + try_again, std::move(rcpts)};
  log_.write_limited(LogLevel::warning, "drop folder", "drop folder: " + name + " waits: " + why);
}

}  // namespace sekisho::app
