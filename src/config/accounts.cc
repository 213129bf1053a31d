#include "config/accounts.h"

#include <cerrno>

#include <grp.h>
#include <pwd.h>

#include "config/document.h"

namespace sekisho::config {

namespace {

enum class Account { user, group };

// Also false if the lookup failed (no descriptor, no memory): an unknown answer is not a finding.
bool is_unknown(Account kind, const std::string& account) {
  errno = 0;
  const bool found = kind == Account::user ? ::getpwnam(account.c_str()) != nullptr
                                           : ::getgrnam(account.c_str()) != nullptr;
  for (const int failure : {EIO, EINTR, EMFILE, ENFILE, ENOMEM, ERANGE}) {
    if (errno == failure) return false;
  }
  return !found;
}

std::string advice(Account kind, const std::string& account) {
  if (kind == Account::group) {
    return "this host has no such group; make it (addgroup --system " + account +
           ") or name another";
  }
  return "this host has no such user; make it (adduser --system --group " + account +
         ") or name another";
}

}  // namespace

void find_unknown_accounts(const Loaded& loaded, const std::string& name, bool as_root,
                           std::vector<Finding>& out) {
  using Level = Finding::Level;
  const auto look_up = [&](Level level, Account kind, const std::string& key,
                           const std::string& account) {
    if (account.empty() || !is_unknown(kind, account)) return;
    const auto given = loaded.places.find(key);
    const Place place = given == loaded.places.end() ? Place{name, 0, 0} : given->second;
    out.push_back({level, place, key + " = " + toml_text(account) + ": " + advice(kind, account)});
  };
  const Settings& settings = loaded.settings;
  for (std::size_t i = 0; i < settings.milters.size(); ++i) {
    const milter::Options& milter = settings.milters[i];
    if (!milter.socket.starts_with("unix:")) continue;
    const std::string entry = "milter[" + std::to_string(i + 1) + "].";
    look_up(Level::error, Account::user, entry + "socket_owner", milter.socket_owner);
    look_up(Level::error, Account::group, entry + "socket_group", milter.socket_group);
  }
  look_up(Level::error, Account::group, "control.group", settings.control.group);
  const Level needed = as_root ? Level::error : Level::warning;
  if (as_root || loaded.places.contains("process.user")) {
    look_up(needed, Account::user, "process.user", settings.process.user);
  }
  look_up(needed, Account::group, "process.group", settings.process.group);
}

}  // namespace sekisho::config
