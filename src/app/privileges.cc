#include "app/privileges.h"

#include <cerrno>
#include <cstring>

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace sekisho::app {

namespace {

tl::unexpected<std::string> error(std::string what) {
  return tl::unexpected<std::string>(std::move(what));
}

}  // namespace

Expected<void, std::string> drop_privileges(const config::ProcessOptions& options) {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::geteuid() != 0) return {};
  const passwd* user = ::getpwnam(options.user.c_str());
  if (user == nullptr) {
    return error("process.user: there is no user " + options.user +
                 "; make one (adduser --system --group " + options.user + ") or name another");
  }
  if (user->pw_uid == 0) return {};  // said in the configuration: the admin's own decision
  gid_t gid = user->pw_gid;
  if (!options.group.empty()) {
    const group* entry = ::getgrnam(options.group.c_str());
    if (entry == nullptr) return error("process.group: there is no group " + options.group);
    gid = entry->gr_gid;
  }
  if (::initgroups(options.user.c_str(), gid) != 0 || ::setgid(gid) != 0 ||
      ::setuid(user->pw_uid) != 0) {
    return error("cannot become " + options.user + ": " + std::strerror(errno));
  }
  if (::setuid(0) == 0) return error("root could be had again after becoming " + options.user);
  return {};
}

}  // namespace sekisho::app
