#include "app/drop_folder.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
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

std::vector<std::string> names_in(int folder) {
  std::vector<std::string> names;
  const int again = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::fdopendir(again), ::closedir);
  if (!open) {
    ::close(again);
    return names;
  }
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string name(entry->d_name);
    if (name != "." && name != ".." && name != bad) names.push_back(name);
  }
  return names;
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
  return make(options_.path + "/" + bad, 0700, options_.owner);
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
  for (const auto& name : names_in(folder_.get())) {
    if (state_.with([](const State& state) { return state.stop; })) break;
    if (name.starts_with(cli::drop_unfinished)) {
      if (is_old(folder_.get(), name)) set_aside(name, "it was never finished");
      continue;
    }
    const auto again = again_.find(name);
    if (again != again_.end() && now < again->second.at) continue;
    if (take_in(name, now)) ++taken;
  }
  return taken;
}

bool DropFolder::take_in(const std::string& name, SteadyTime now) {
  auto file = read(name);
  if (!file) {
    set_aside(name, file.error());
    return false;
  }
  if (const auto before = again_.find(name); before != again_.end())
    file->message.rcpts = before->second.rcpts;
  const auto submitted = submit_(file->owner, file->message);
  for (const auto& each : submitted.refused) {
    log_.warning("drop folder: " + name + ": " + each.rcpt + ": " + each.reply);
  }
  if (!submitted.waiting.empty()) {
    waits(name, submitted.why_waiting, submitted.waiting, now);
    return false;
  }
  if (submitted.answer.empty()) {
    set_aside(name, submitted.refused.empty() ? "no answer" : submitted.refused.front().reply);
    return false;
  }
  ::unlinkat(folder_.get(), name.c_str(), 0);
  again_.erase(name);
  log_.info("drop folder: " + name + " of uid " + std::to_string(file->owner) +
            " was taken in: " + submitted.answer);
  return true;
}

Expected<DropFolder::File, std::string> DropFolder::read(const std::string& name) const {
  // Not waiting for the other end of a pipe.
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const UniqueFd fd(::openat(folder_.get(), name.c_str(), flags));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0)
    return tl::unexpected<std::string>(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return tl::unexpected<std::string>("it is no regular file");
  if (status.st_nlink != 1) return tl::unexpected<std::string>("it has another name elsewhere");
  const auto most = options_.most_octets == 0 ? SIZE_MAX : options_.most_octets + envelope_octets;
  const auto text = read_to_end(fd.get(), most);
  if (!text) return tl::unexpected(text.error().what);
  auto message = cli::Dropped::parse(*text);
  if (!message) return tl::unexpected(message.error());
  return File{std::move(*message), status.st_uid};
}

void DropFolder::set_aside(const std::string& name, const std::string& why) {
  const std::string line =
      "drop folder " + options_.path + ": " + name + " is set aside in \"bad\": " + why;
  const std::string aside = std::string(bad) + "/" + name;
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
