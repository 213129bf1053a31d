#include "smtp/line_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/unique_handle.h"

namespace sekisho::smtp {

namespace {

bool write_whole(int fd, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const auto now = ::write(fd, text.data() + written, text.size() - written);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) return false;
    written += static_cast<std::size_t>(now);
  }
  return true;
}

bool write_file(const std::string& path, int flags, const std::string& text) {
  const UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0640));
  return fd && write_whole(fd.get(), text);
}

bool is_one_line(std::string_view line) {
  return line.ends_with('\n') &&
         std::none_of(line.begin(), line.end() - 1, [](char c) { return ascii::is_control(c); });
}

}  // namespace

LineFile::LineFile(Options options, Log& log) : options_(std::move(options)), log_(log) {}

LineFile::~LineFile() {
  if (!thread_.joinable()) return;
  state_.with([](State& state) { state.stop = true; });
  state_.notify_all();
  thread_.join();
}

void LineFile::read(const std::function<void(const std::string& line)>& take) const {
  if (options_.path.empty()) return;
  std::ifstream file(options_.path);
  for (std::string line; std::getline(file, line);) take(line);
}

void LineFile::append(std::string_view line) {
  if (options_.path.empty() || !is_one_line(line)) return;
  state_.with([&](State& state) {
    state.queued += line;
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    if (++state.lines > most_lines) state.rewrite = true;
  });
  state_.notify_all();
}

void LineFile::run() {
  bool stop = false;
  while (!stop) {
    contained([&] {
      std::string text;
      bool anew = false;
      state_.wait_until(
          SteadyTime::max(),
          [](const State& s) { return s.stop || s.rewrite || !s.queued.empty(); },
          [&](State& state, bool) {
            stop = state.stop;
            anew = std::exchange(state.rewrite, false);
            text = std::exchange(state.queued, {});
            if (anew) state.lines = 0;
          });
      // Whatever was queued is among all lines. One that is queued at this moment may be there
      // twice.
      write(anew ? options_.all() : text, anew);
    });
  }
}

void LineFile::write(const std::string& text, bool anew) {
  const auto& path = options_.path;
  const std::string next = path + ".new";
  const bool written =
      anew ? write_file(next, O_TRUNC, text) && std::rename(next.c_str(), path.c_str()) == 0
           : write_file(path, O_APPEND, text);
  if (written) {
    warned_ = false;
  } else if (!std::exchange(warned_, true)) {
    log_.warning(options_.lost + " do not outlive a restart: " + path + ": " +
                 std::strerror(errno));
  }
}

}  // namespace sekisho::smtp
