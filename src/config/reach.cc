#include "config/reach.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/ascii.h"

namespace sekisho::config {

namespace {

using Level = Finding::Level;

struct User {
  std::string name;
  std::string group;
  uid_t uid = 0;
  std::vector<gid_t> groups;

  bool in(gid_t gid) const { return std::find(groups.begin(), groups.end(), gid) != groups.end(); }
};

std::string group_name(gid_t gid) {
  const group* entry = ::getgrgid(gid);
  return entry == nullptr ? std::to_string(gid) : entry->gr_name;
}

User user_of(const passwd& entry) {
  User user{entry.pw_name, group_name(entry.pw_gid), entry.pw_uid, {}};
  int count = 1024;
  user.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(entry.pw_name, entry.pw_gid, user.groups.data(), &count) < 0) count = 0;
  user.groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  user.groups.push_back(entry.pw_gid);
  return user;
}

// nullopt if there is no such user, which has its own finding.
std::optional<User> user_of_daemon(const ProcessOptions& options, bool as_root) {
  const passwd* entry = ::getpwnam(options.user.c_str());
  if (entry == nullptr && !as_root) entry = ::getpwuid(::geteuid());
  if (entry == nullptr) return std::nullopt;
  User user = user_of(*entry);
  if (const group* own = options.group.empty() ? nullptr : ::getgrnam(options.group.c_str())) {
    user.groups.push_back(own->gr_gid);
    user.group = own->gr_name;
  }
  return user;
}

// `bits`: as for others: 4 read, 2 write, 1 pass.
bool may(const User& user, const struct stat& status, unsigned bits) {
  if (user.uid == 0) return true;
  if (status.st_uid == user.uid) return (status.st_mode >> 6U & bits) == bits;
  if (user.in(status.st_gid)) return (status.st_mode >> 3U & bits) == bits;
  return (status.st_mode & bits) == bits;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The service manager makes these before the daemon starts: systemd/sekishod.service,
// rc.d/sekishod.
bool is_made_at_start(const std::string& folder) {
  for (const char* made :
       {"/run/sekisho", "/var/run/sekisho", "/var/lib/sekisho", "/var/log/sekisho"}) {
    if (folder == made) return true;
  }
  return false;
}

// The kind of a file system whose files are gone after a restart of the host or the container;
// empty: it is another. A folder that is missing will be on the one of its parent.
std::string vanishing_file_system(std::string folder) {
  struct statfs status {};
  while (::statfs(folder.c_str(), &status) != 0) {
    if (folder == "/" || folder == "." || errno != ENOENT) return {};
    folder = folder_of(folder);
  }
  const auto type = static_cast<unsigned long>(status.f_type);
  if (type == TMPFS_MAGIC) return "tmpfs";
  if (type == RAMFS_MAGIC) return "ramfs";
  return type == OVERLAYFS_SUPER_MAGIC ? "overlay file system" : "";
}

class Reach {
 public:
  Reach(const Loaded& loaded, const std::string& name, bool as_root, User user,
        std::vector<Finding>& out)
      : loaded_(loaded), name_(name), as_root_(as_root), user_(std::move(user)), out_(out) {}

  void look() {
    for (std::size_t i = 0; i < loaded_.settings.milters.size(); ++i) {
      look_at_milter(loaded_.settings.milters[i], "milter[" + std::to_string(i + 1) + "]");
    }
    const Settings& settings = loaded_.settings;
    look_at_socket("control.socket", settings.control.socket, user_.group, "0755");
    if (settings.log.target == LogOptions::Target::file)
      look_at_file_to_write("log.target", settings.log.path);
    if (!settings.history.dir.empty())
      look_at_store(Level::warning, "history.dir", settings.history.dir);
    if (settings.session.quarantine.where == session::QuarantineWhere::store)
      look_at_store(Level::error, "quarantine.dir", settings.quarantine.dir);
    if (const auto& seal = settings.session.identity.seal_file; !seal.empty())
      look_at_place(Level::warning, "identity.seal_file", folder_of(seal));
    if (!settings.listeners.empty()) look_at_smtp();
    look_at_files_to_read();
  }

 private:
  void find(Level level, const std::string& key, const std::string& what) {
    auto given = loaded_.places.find(key);
    // If the key was not given, the place of its entry.
    if (given == loaded_.places.end()) given = loaded_.places.find(key.substr(0, key.rfind('.')));
    const Place place = given == loaded_.places.end() ? Place{name_, 0, 0} : given->second;
    out_.push_back({level, place, key + ": " + what});
  }

  // Whether the folder is made at the start of the daemon. If the daemon's own user asks, it should
  // exist already.
  bool is_made_later(const std::string& folder) const {
    const bool before_the_start = ::geteuid() == 0 || ::geteuid() != user_.uid;
    return before_the_start && is_made_at_start(folder);
  }

  // Whether the user can reach the folder; if not, a finding names the folder in the way.
  bool passes(Level level, const std::string& key, const std::string& folder) {
    for (std::size_t at = folder.find('/', 1);; at = folder.find('/', at + 1)) {
      const std::string above = folder.substr(0, at);
      struct stat status {};
      if (::stat(above.c_str(), &status) != 0) return true;  // the caller reports it
      if (!may(user_, status, 1)) {
        find(level, key,
             "the user " + user_.name + " may not enter " + above + ": setfacl -m u:" + user_.name +
                 ":x " + above + ", or choose another folder");
        return false;
      }
      if (at == std::string::npos) return true;
    }
  }

  std::string made(const std::string& folder, const std::string& group, const std::string& mode) {
    return "install -d -o " + user_.name + " -g " + group + " -m " + mode + " " + folder;
  }

  // A folder in which the user must create a file.
  void look_at_place(Level level, const std::string& key, const std::string& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) {
      if (errno != ENOENT || is_made_later(folder)) return;
      return find(level, key,
                  "the folder " + folder + " is missing: " + made(folder, user_.group, "0750"));
    }
    if (!passes(level, key, folder) || may(user_, status, 3)) return;
    find(level, key,
         "the user " + user_.name + " may not write to " + folder + ": chown " + user_.name + " " +
             folder + ", or choose a folder of its own");
  }

  // A folder that the user creates if it is missing, but not its parents.
  void look_at_store(Level level, const std::string& key, const std::string& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return look_at_place(level, key, folder_of(folder));
    look_at_place(level, key, folder);
  }

  void look_at_file_to_write(const std::string& key, const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
      return look_at_place(Level::error, key, folder_of(path));
    if (passes(Level::error, key, folder_of(path)) && !may(user_, status, 2))
      find(Level::error, key,
           "the user " + user_.name + " may not write to " + path + ": chown " + user_.name + " " +
               path);
  }

  // A daemon that is started as root makes its sockets before it becomes the user: what the user
  // may do counts only for one that is started as the user.
  void look_at_socket(const std::string& key, const std::string& path, const std::string& group,
                      const std::string& mode) {
    const auto folder = folder_of(path);
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) {
      if (errno != ENOENT || is_made_later(folder)) return;
      return find(Level::error, key,
                  "the folder " + folder + " is missing: " + made(folder, group, mode));
    }
    if (may(user_, status, 3)) return;
    find(as_root_ ? Level::warning : Level::error, key,
         "the user " + user_.name + " may not make a socket in " + folder +
             ", so only a daemon that is started as root could: " + made(folder, group, mode));
  }

  void look_at_milter(const milter::Options& milter, const std::string& entry) {
    constexpr std::string_view kind = "unix:";
    if (!milter.socket.starts_with(kind)) return;
    const std::string path = milter.socket.substr(kind.size());
    const std::string group = milter.socket_group.empty() ? user_.group : milter.socket_group;
    const bool of_mta = !milter.socket_group.empty();
    look_at_socket(entry + ".socket", path, group, of_mta ? "2750" : "0755");
    struct stat status {};
    const ::group* known = of_mta ? ::getgrnam(milter.socket_group.c_str()) : nullptr;
    if (known == nullptr || ::stat(folder_of(path).c_str(), &status) != 0) return;
    const bool by_folder = (status.st_mode & S_ISGID) != 0 && status.st_gid == known->gr_gid;
    if (user_.uid == 0 || by_folder || user_.in(known->gr_gid)) return;
    find(as_root_ ? Level::warning : Level::error, entry + ".socket_group",
         "the user " + user_.name + " is not in the group " + milter.socket_group +
             ", so only a daemon that is started as root could give the socket to it: " +
             made(folder_of(path), milter.socket_group, "2750"));
  }

  void look_at_smtp() {
    const Settings& settings = loaded_.settings;
    look_at_socket("listener[1]", smtp::local_socket, user_.group, "0755");
    look_at_store(Level::error, "queue.dir", settings.queue.dir);
    look_at_store(Level::error, "queue.drop", settings.queue.drop);
    if (const std::string kind = vanishing_file_system(settings.queue.dir); !kind.empty()) {
      find(Level::warning, "queue.dir",
           settings.queue.dir + " is on a " + kind +
               ", which does not survive what a disk does: mail that was accepted could be lost; "
               "choose a folder on a disk, or mount a volume there");
    }
    for (const auto& file : settings.aliases.files) look_at_file_to_read("aliases.files", file);
    for (const auto* source : {&settings.users.source, &settings.users.senders}) {
      if (source->starts_with("file:")) look_at_file_to_read("users", source->substr(5));
    }
    for (std::size_t i = 0; i < settings.routes.size(); ++i) {
      const auto& recipients = settings.routes[i].recipients;
      const std::string key = "route[" + std::to_string(i + 1) + "].recipients";
      if (recipients) look_at_file_to_read(key, recipients->path);
    }
  }

  void look_at_file_to_read(const std::string& key, const std::string& path) {
    struct stat status {};
    if (path.empty() || !told_.insert(path).second || ::stat(path.c_str(), &status) != 0) return;
    if (!passes(Level::error, key, folder_of(path)) || may(user_, status, 4)) return;
    find(Level::error, key,
         "the user " + user_.name + " may not read " + path + ": chgrp " + user_.group + " " +
             path + " && chmod g+r " + path);
  }

  void look_at_files_to_read() {
    const Settings& settings = loaded_.settings;
    for (const auto& file : settings.access_files.allowlist)
      look_at_file_to_read("allowlist.files", file);
    for (const auto& file : settings.access_files.denylist)
      look_at_file_to_read("denylist.files", file);
    for (const auto& list : settings.client.lists)
      look_at_file_to_read("the list " + list.name, list.file);
    look_at_file_to_read("dns.zone_file", settings.dns.zone_file);
    look_at_file_to_read("dmarc.public_suffix_list", settings.public_suffix_list);
    // Last, because the files that it names are among them.
    for (const auto& file : loaded_.files) look_at_file_to_read("the configuration", file);
  }

  const Loaded& loaded_;
  const std::string& name_;
  bool as_root_;
  User user_;
  std::vector<Finding>& out_;
  std::set<std::string> told_;
};

}  // namespace

void find_unreachable(const Loaded& loaded, const std::string& name, bool as_root,
                      std::vector<Finding>& out) {
  if (auto user = user_of_daemon(loaded.settings.process, as_root))
    Reach(loaded, name, as_root, std::move(*user), out).look();
}

}  // namespace sekisho::config
