// config/load.h: from TOML text to a snapshot of settings. All errors of all files are found, not
// only the first; a snapshot is returned only if there are none. Only reads files.
// Errors: findings with file, line, column and what to do; never throws. Thread: any.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/finding.h"
#include "config/settings.h"

namespace sekisho::config {

struct Loaded {
  Settings settings;
  std::vector<Finding> findings;   // warnings
  std::string digest;              // 16 hex digits; equal for equal effective settings
  std::vector<std::string> files;  // all files read, in this order
  // The place of each given key: "control.group", "milter[1].socket_group", "policy[1].to[0]".
  std::map<std::string, Place> places;
};

// Files that hold the values of a key: "file:PATH", and the file of a DNS list's zone. `skip` is
// for commands that do not need the values, so that a damaged file does not stop them: it is then
// as if each file were empty.
enum class ValueFiles { read, skip };

Expected<Loaded, std::vector<Finding>> load_file(const std::string& path,
                                                 ValueFiles files = ValueFiles::read);
// `name` is the name of the text in findings; relative paths start from its folder.
Expected<Loaded, std::vector<Finding>> load_text(std::string_view text, const std::string& name);

// The control socket that the file names, even if the rest of the file has errors: the daemon may
// still run with an earlier version of it. Errors: the findings, if the socket itself is wrong, or
// if there are errors and no socket was found, for it may stand in what could not be read.
Expected<std::string, std::vector<Finding>> control_socket(const std::string& path);

}  // namespace sekisho::config
