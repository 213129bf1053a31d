#include "cli/drop_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/unique_handle.h"

namespace sekisho::cli {

namespace {

constexpr std::string_view first_line = "sekisho-drop 1";

tl::unexpected<std::string> failure(const std::string& folder) {
  return tl::unexpected(folder + ": " + std::strerror(errno));
}

bool write_all(int fd, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t written = ::write(fd, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// 128 bits: nobody can read a file whose name they cannot guess.
Expected<std::string, std::string> random_name() {
  std::array<char, 16> octets{};
  if (::getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size()))
    return tl::unexpected<std::string>("no random numbers");
  return hex_encode({octets.data(), octets.size()});
}

// The name in the folder must last too. Who may not read the folder cannot open it to say so, and
// asks for the whole file system.
bool sync_name(const std::string& folder, int file) {
  const UniqueFd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened) return ::fsync(opened.get()) == 0;
#ifdef __linux__
  return ::syncfs(file) == 0;
#else
  ::sync();
  return file >= 0;
#endif
}

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

std::string Dropped::text() const {
  std::string out(first_line);
  out.append("\n").append(mail).append("\n");
  for (const auto& rcpt : rcpts) out.append(rcpt).append("\n");
  return out.append("\n").append(content);
}

Expected<Dropped, std::string> Dropped::parse(std::string_view text) {
  const auto wrong = [](const char* what) { return tl::unexpected<std::string>(what); };
  if (take_line(text) != first_line) return wrong("no file of sendmail(1)");
  Dropped dropped;
  dropped.mail = take_line(text);
  if (!ascii::istarts_with(dropped.mail, "MAIL FROM:")) return wrong("no sender");
  while (true) {
    if (text.empty()) return wrong("it ends before its message");
    const auto line = take_line(text);
    if (line.empty()) break;
    if (!ascii::istarts_with(line, "RCPT TO:")) return wrong("an unknown line in its envelope");
    dropped.rcpts.emplace_back(line);
  }
  if (dropped.rcpts.empty()) return wrong("no recipient");
  dropped.content = text;
  return dropped;
}

Expected<void, std::string> drop(const std::string& folder, const Dropped& message) {
  const auto name = random_name();
  if (!name) return tl::unexpected(name.error());
  const std::string unfinished = folder + "/" + std::string(drop_unfinished) + *name;
  const std::string finished = folder + "/" + *name;
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd file(::open(unfinished.c_str(), flags, 0644));
  if (!file) return failure(folder);
  // The daemon is another user, whatever the umask.
  const bool written = ::fchmod(file.get(), 0644) == 0 && write_all(file.get(), message.text()) &&
                       ::fsync(file.get()) == 0;
  if (!written || ::rename(unfinished.c_str(), finished.c_str()) != 0) {
    auto failed = failure(folder);
    ::unlink(unfinished.c_str());
    return failed;
  }
  if (!sync_name(folder, file.get())) {
    auto failed = failure(folder);
    ::unlink(finished.c_str());
    return failed;
  }
  return {};
}

}  // namespace sekisho::cli
