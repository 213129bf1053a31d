// config/load.h: from TOML text to a snapshot of settings. All errors of all files are found, not
// the first one only; a snapshot is given only when there is none. Files are read, nothing else is
// touched.
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
  std::vector<std::string> files;  // all that were read, in this order
  // Where a key stands that was given: "control.group", "milter[1].socket_group",
  // "policy[1].to[0]".
  std::map<std::string, Place> places;
};

// `skip`: for whoever needs no lists, so that a damaged one is not in his way: keys that name a
// file of lines, or the file of a DNS list's zone, stay as empty as if that file were.
enum class ValueFiles { read, skip };

Expected<Loaded, std::vector<Finding>> load_file(const std::string& path,
                                                 ValueFiles lists = ValueFiles::read);
// `name` is what findings call the text, and its folder is where relative paths start.
Expected<Loaded, std::vector<Finding>> load_text(std::string_view text, const std::string& name);

// Where the file says that the daemon listens for commands, whatever else is wrong in it: the
// daemon may run on what the file was before. The findings when there are errors and the socket is
// not told, or is one of them: it may stand in what could not be read.
Expected<std::string, std::vector<Finding>> control_socket(const std::string& path);

// What keeps the daemon, but not `sekisho check`, from working with these settings on this host;
// its users and groups are looked up. `name` is that of the configuration. Errors; warnings about
// what only root would need, unless `as_root`.
std::vector<Finding> problems(const Loaded& loaded, const std::string& name, bool as_root);
// Whether one of them is an error.
bool any_error(const std::vector<Finding>& findings);

// The keys that differ and are not reloadable: "control.socket", "milter".
std::vector<std::string> reload_needs_restart(const Settings& running, const Settings& loaded);
// `loaded` with those keys as they are in `running`.
Settings keep_until_restart(const Settings& running, Settings loaded);

}  // namespace sekisho::config
