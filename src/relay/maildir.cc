#include "relay/maildir.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/host_name.h"
#include "base/unique_handle.h"
#include "relay/results.h"

namespace sekisho::relay {

namespace {

using Code = Result::Code;

constexpr std::size_t block = std::size_t{256} * 1024;
constexpr mode_t file_mode = 0660;
constexpr mode_t folder_mode = 0770;

struct DiskError {
  int error = 0;  // 0: it is the message that cannot be read
  std::string what;
};

tl::unexpected<DiskError> failed(const std::string& path) {
  const int error = errno;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc's is safe
  return tl::unexpected<DiskError>({error, path + ": " + std::strerror(error)});
}

using Done = Expected<void, DiskError>;

Done sync_folder(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return failed(path);
  return {};
}

// Every folder that is new is synced in the one above it, else a power cut would lose it.
Done make_folder(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return {};
  const std::string above = path.substr(0, path.rfind('/'));
  if (!above.empty()) {
    if (auto there = make_folder(above); !there) return there;
  }
  const bool made = ::mkdir(path.c_str(), folder_mode) == 0;
  if (!made && errno != EEXIST) return failed(path);
  // As for the files: the group of an IMAP server moves what lies in it.
  if (made && ::chmod(path.c_str(), folder_mode) != 0) return failed(path);
  return sync_folder(above.empty() ? "/" : above);
}

Done make_maildir(const std::string& path) {
  for (const char* part : {"/tmp", "/new", "/cur"}) {
    if (auto made = make_folder(path + part); !made) return made;
  }
  return {};
}

Done write_all(int fd, std::string_view octets, const std::string& path) {
  while (!octets.empty()) {
    const ssize_t written = ::write(fd, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(path);
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// Files of a Maildir have the line ends of the system.
std::string with_lf(std::string_view octets, bool& after_cr) {
  std::string out;
  out.reserve(octets.size());
  for (const char c : octets) {
    if (after_cr && c != '\n') out += '\r';
    after_cr = c == '\r';
    if (!after_cr) out += c;
  }
  return out;
}

Done write_message(int fd, Content& content, const std::string& head, const std::string& path) {
  if (auto written = write_all(fd, head, path); !written) return written;
  bool after_cr = false;
  for (std::uint64_t at = 0; at < content.size();) {
    const auto octets = content.read(at, block);
    if (!octets || octets->empty()) {
      return tl::unexpected<DiskError>({0, octets ? "it is shorter than it was" : octets.error()});
    }
    if (auto written = write_all(fd, with_lf(*octets, after_cr), path); !written) return written;
    at += octets->size();
  }
  // The umask of the daemon would take the group's right away.
  if (::fchmod(fd, file_mode) != 0 || ::fsync(fd) != 0) return failed(path);
  return {};
}

// Unique on this host, and for the other hosts of a shared folder.
std::string unique_name() {
  static std::atomic<std::uint64_t> count{0};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::string host = host_name();
  std::replace(host.begin(), host.end(), '/', '_');
  return std::to_string(now.tv_sec) + ".M" + std::to_string(now.tv_nsec / 1000) + "P" +
         std::to_string(::getpid()) + "Q" + std::to_string(++count) + "." + host;
}

Done deliver(const std::string& folder, Content& content, const std::string& head) {
  if (auto made = make_maildir(folder); !made) return made;
  const std::string name = unique_name();
  const std::string temporary = folder + "/tmp/" + name;
  const UniqueFd fd(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file_mode));
  if (!fd) return failed(temporary);
  auto written = write_message(fd.get(), content, head, temporary);
  if (written && ::rename(temporary.c_str(), (folder + "/new/" + name).c_str()) != 0)
    written = failed(folder + "/new");
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return sync_folder(folder + "/new");
}

// A local part that is no address may hold anything, quotes that would be undone too.
bool is_plain(std::string_view local_part) {
  return local_part.find_first_of("\"\\") == std::string_view::npos;
}

// A name of a folder that stays where it belongs.
bool is_folder_name(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.size() <= 255 &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return c == '/' || ascii::is_control(c); });
}

void replace(std::string& text, std::string_view what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

std::string without_control(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (ascii::is_control(c)) c = '?';
  }
  return out;
}

Result deliver_one(const Job& job, const Target& to, Content& content, const std::string& pattern,
                   const std::string& delimiter) {
  const auto folder = maildir_of(pattern, to.path, delimiter);
  if (!folder) return make_result(Code::failed, "5.1.3", folder.error());
  const std::string head = "Return-Path: <" + without_control(job.sender.raw()) +
                           ">\nDelivered-To: " + without_control(to.path.raw()) + "\n";
  Result result = make_result(Code::sent, "2.0.0", "delivered to " + *folder);
  result.host = *folder;
  const auto done = deliver(*folder, content, head);
  if (done) return result;
  // A quota is the recipient's; all else is this host's, and its mail waits until that is mended.
  const auto& [error, why] = done.error();
  if (error == EDQUOT) {
    result = make_result(Code::deferred, "4.2.2", why);
  } else if (error == 0) {
    result = unreadable(why);
  } else {
    result = own_fault("4.3.0", why, "maildir:" + pattern);
  }
  result.host = *folder;
  return result;
}

}  // namespace

Expected<std::string, std::string> maildir_of(const std::string& pattern, const mail::Path& to,
                                              const std::string& delimiter) {
  const auto& mailbox = to.mailbox();
  if (!mailbox && !is_plain(to.local_part()))
    return tl::unexpected<std::string>("the address cannot be read");
  std::string user =
      ascii::lower(mailbox ? std::string_view(mailbox->local_part) : to.local_part());
  if (!delimiter.empty()) {
    const auto extension = user.find_first_of(delimiter);
    if (extension != std::string::npos && extension > 0) user.resize(extension);
  }
  const std::string domain = mailbox ? mailbox->domain.text() : ascii::lower(to.domain());
  const bool needs_domain = pattern.find("{domain}") != std::string::npos;
  if (!is_folder_name(user) || (needs_domain && !is_folder_name(domain)))
    return tl::unexpected<std::string>("the address cannot be the name of a folder");
  std::string folder = pattern;
  // Together, for a user may be called "{domain}".
  const auto at = folder.find("{user}");
  std::string behind = at == std::string::npos ? "" : folder.substr(at + 6);
  folder.resize(std::min(at, folder.size()));
  replace(folder, "{domain}", domain);
  replace(behind, "{domain}", domain);
  return at == std::string::npos ? folder : folder + user + behind;
}

JobResult deliver_to_maildirs(const Job& job, const std::string& pattern,
                              const std::string& delimiter) {
  JobResult out;
  const auto begin = steady_now();
  const auto content = job.open();
  for (const auto& to : job.targets) {
    out.results.push_back(content ? deliver_one(job, to, **content, pattern, delimiter)
                                  : unreadable(content.error()));
    out.results.back().took =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - begin);
  }
  return out;
}

}  // namespace sekisho::relay
