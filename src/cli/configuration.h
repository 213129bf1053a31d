// cli/configuration.h: the configuration that a command works with, and `sekisho config`.
// Errors: findings on stderr and an exit code. Thread: the main one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/load.h"

namespace sekisho::cli {

inline constexpr const char* default_config = "/etc/sekisho/milter.conf";

// Findings go to stderr. An empty path means the system's file, or the defaults if there is none.
// Commands that make no decisions skip the files of values: an error in one must not keep the admin
// from the quarantine.
std::optional<config::Loaded> load_configuration(
    const std::string& path, config::ValueFiles lists = config::ValueFiles::read);

// The control socket of the daemon by this file, also if other parts of the file have errors. If
// the file does not tell, the default and the reason: a daemon that answers there reports the
// faults itself.
struct ControlSocket {
  std::string path;
  std::vector<config::Finding> wrong = {};
};
ControlSocket control_socket(const std::string& path);

// Prints to stderr.
void print(const std::vector<config::Finding>& findings);

// The name of this host in SMTP: that of the configuration, or the system's.
std::string own_name(const config::Settings& settings);

int config_check(const std::string& path);
int config_dump(const std::string& path, bool only_changed);

}  // namespace sekisho::cli
