// cli/configuration.h: the configuration that a command works with, and `sekisho config`.
// Errors: findings on stderr and an exit code. Thread: the main one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/load.h"

namespace sekisho::cli {

inline constexpr const char* default_config = "/etc/sekisho/milter.conf";

// What is wrong goes to stderr. An empty path means the system's file, or the defaults where there
// is none. Whoever decides nothing by it skips the files of lists: an error in one must not keep
// the admin from the quarantine.
std::optional<config::Loaded> load_configuration(
    const std::string& path, config::ValueFiles lists = config::ValueFiles::read);

// Where the daemon listens for commands by this file, also when something else in it is wrong. When
// the file does not tell, the default, and why: a daemon that answers there says of its file what
// is wrong.
struct ControlSocket {
  std::string path;
  std::vector<config::Finding> wrong = {};
};
ControlSocket control_socket(const std::string& path);

// To stderr.
void print(const std::vector<config::Finding>& findings);

// What this host is called in a mail dialogue: the configuration's word for it, or its own.
std::string own_name(const config::Settings& settings);

int config_check(const std::string& path);
int config_dump(const std::string& path, bool only_changed);

}  // namespace sekisho::cli
