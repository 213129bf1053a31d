#include "base/unix_socket.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace sekisho {

namespace {

// The number of peers that may connect at the same moment; the kernel lowers it to its own limit.
constexpr int backlog = 512;

tl::unexpected<std::string> error(std::string what) {
  return tl::unexpected<std::string>(std::move(what));
}

std::string errno_text() { return std::strerror(errno); }

// The process at the other end of a connected Unix socket.
std::string peer_process(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "another process";
  std::ifstream comm("/proc/" + std::to_string(peer.pid) + "/comm");
  std::string name;
  std::getline(comm, name);
  return "process " + std::to_string(peer.pid) + (name.empty() ? "" : " (" + name + ")");
}

Expected<sockaddr_un, std::string> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return error("the path is longer than the " + std::to_string(sizeof address.sun_path - 1) +
                 " octets that a Unix socket may have");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// Removes a socket file that nobody listens on any more. Anything else at that path is left alone.
Expected<void, std::string> make_way(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode))
    return error("there is a file that is no socket; remove it or choose another path");
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return error(peer_process(probe.get()) + " is listening there; stop it first");
  }
  if (errno != ECONNREFUSED) return error("cannot tell whether it is in use: " + errno_text());
  if (::unlink(path.c_str()) != 0) return error("cannot remove the stale socket: " + errno_text());
  return {};
}

Expected<void, std::string> set_access(const UnixSocket& where) {
  uid_t owner = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
  if (!where.owner.empty()) {
    const passwd* user = ::getpwnam(where.owner.c_str());
    if (user == nullptr) return error("owner: there is no user " + where.owner);
    owner = user->pw_uid;
  }
  if (!where.group.empty()) {
    const ::group* entry = ::getgrnam(where.group.c_str());
    if (entry == nullptr) return error("group: there is no group " + where.group);
    group = entry->gr_gid;
  }
  if (::chown(where.path.c_str(), owner, group) != 0)
    return error("cannot set owner and group: " + errno_text());
  if (::chmod(where.path.c_str(), where.mode) != 0)
    return error("cannot set the mode: " + errno_text());
  return {};
}

}  // namespace

Expected<UniqueFd, std::string> listen_unix(const UnixSocket& where) {
  const auto& path = where.path;
  const auto address = unix_address(path);
  if (!address) return error(address.error());
  if (auto free = make_way(path, *address); !free) return error(free.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Nobody may connect before owner and mode are as configured.
  const mode_t old_mask = ::umask(0177);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const std::string why = errno_text();
  ::umask(old_mask);
  if (bound != 0) {
    return error(why + " (does the folder " + path.substr(0, path.rfind('/')) +
                 " exist, and may this user write there?)");
  }
  if (auto set = set_access(where); !set) return error(set.error());
  if (::listen(fd.get(), backlog) != 0) return error(errno_text());
  return fd;
}

Expected<UniqueFd, std::string> connect_unix(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return error(address.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    return error(errno_text());
  }
  return fd;
}

}  // namespace sekisho
