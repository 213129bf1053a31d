#include "history/deferral_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <unordered_set>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/memory.h"
#include "base/unique_handle.h"

namespace sekisho::history {

namespace {

using session::Deferral;

constexpr std::size_t key_octets = 16;
// After a failure: a full disk is not emptied within a second.
constexpr std::chrono::seconds retry_after(5);

std::optional<int> digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

std::optional<std::string> key_from(const std::string& hex) {
  if (hex.size() != 2 * key_octets) return std::nullopt;
  std::string key;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = digit(hex[i]);
    const auto low = digit(hex[i + 1]);
    if (!high || !low) return std::nullopt;
    key += static_cast<char>(*high * 16 + *low);
  }
  return key;
}

std::string line_of(const Deferral& deferral) {
  return std::to_string(deferral.first.time_since_epoch().count()) + " " +
         hex_encode(deferral.key) + " " + deferral.network + "\n";
}

// nullopt for a line that is incomplete after a crash, or malformed.
std::optional<Deferral> deferral_from(const std::string& line) {
  std::istringstream words(line);
  std::string first;
  std::string hex;
  std::string network;
  std::string more;
  if (!(words >> first >> hex >> network) || (words >> more)) return std::nullopt;
  std::int64_t seconds = 0;
  const auto read = std::from_chars(first.data(), first.data() + first.size(), seconds);
  const auto key = key_from(hex);
  const bool whole = read.ec == std::errc() && read.ptr == first.data() + first.size();
  if (!whole || !key || network.size() > 64) return std::nullopt;
  return Deferral{*key, network, WallTime(std::chrono::seconds(seconds))};
}

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

}  // namespace

DeferralFile::DeferralFile(const std::string& dir, Log& log)
    : dir_(dir), path_(dir + "/deferrals"), log_(log) {}

DeferralFile::~DeferralFile() {
  if (!thread_.joinable()) return;
  queue_.with([](Queue& queue) { queue.stop = true; });
  queue_.notify_all();
  thread_.join();
}

std::vector<Deferral> DeferralFile::read() const {
  std::vector<Deferral> all;
  std::ifstream file(path_);
  // A deferral that was added while the file was rewritten may be in it twice: once written, once
  // appended.
  std::unordered_set<std::string> seen;
  for (std::string line; std::getline(file, line);) {
    auto deferral = deferral_from(line);
    if (deferral && seen.insert(line).second) all.push_back(std::move(*deferral));
  }
  return all;
}

void DeferralFile::start(std::function<std::vector<Deferral>()> all) {
  all_ = std::move(all);
  thread_ = std::thread([this] { run(); });
}

void DeferralFile::add(Deferral deferral) {
  queue_.with([&](Queue& queue) {
    if (queue.added.size() < max_queued) queue.added.push_back(std::move(deferral));
  });
  queue_.notify_all();
}

bool DeferralFile::flush(std::chrono::milliseconds within) {
  return queue_.wait_until(
      steady_now() + within,
      [](const Queue& q) { return q.added.empty() && !q.rewrite && !q.writing; },
      [](const Queue&, bool done) { return done; });
}

void DeferralFile::run() {
  bool stop = false;
  while (!stop) {
    std::vector<Deferral> added;
    bool anew = false;
    queue_.wait_until(
        SteadyTime::max(), [](const Queue& q) { return q.stop || q.rewrite || !q.added.empty(); },
        [&](Queue& q, bool) {
          added.swap(q.added);
          anew = std::exchange(q.rewrite, false);
          q.writing = true;
          stop = q.stop;
        });
    const bool well = work(added, anew);
    queue_.with([&](Queue& q) {
      q.writing = false;
      q.rewrite |= !well || appended_ >= max_appended;
    });
    queue_.notify_all();
    if (well || stop) continue;
    queue_.wait_until(
        steady_now() + retry_after, [](const Queue& q) { return q.stop; },
        [](const Queue&, bool) {});
  }
}

bool DeferralFile::work(const std::vector<Deferral>& added, bool anew) {
  try {
    return anew ? rewrite() : append(added);
  } catch (const std::exception& error) {
    contained([&] { tell(false, what_of(error)); });
    return false;
  }
}

bool DeferralFile::append(const std::vector<Deferral>& added) {
  std::string text;
  for (const auto& each : added) text += line_of(each);
  const bool well = write_file(path_, O_APPEND, text);
  tell(well, std::strerror(errno));
  appended_ += added.size();
  return well;
}

// Writes a new file beside the old one, which stays until the new one is complete.
bool DeferralFile::rewrite() {
  std::string text;
  for (const auto& each : all_()) text += line_of(each);
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(dir_).parent_path(), ignored);
  const bool there = ::mkdir(dir_.c_str(), 0750) == 0 || errno == EEXIST;
  const std::string beside = path_ + ".new";
  const bool well =
      there && write_file(beside, O_TRUNC, text) && ::rename(beside.c_str(), path_.c_str()) == 0;
  tell(well, std::strerror(errno));
  if (well) appended_ = 0;
  return well;
}

void DeferralFile::tell(bool well, const std::string& why) {
  if (well == !warned_) return;
  warned_ = !well;
  if (well) {
    log_.info("deferrals: " + path_ + " can be written again");
  } else {
    log_.warning("deferrals: " + path_ + " cannot be written (" + why +
                 "): deferrals are kept in memory only");
  }
}

}  // namespace sekisho::history
