#include "cli/configuration.h"

#include <cstdio>
#include <filesystem>

#include <unistd.h>

#include "base/encoding.h"
#include "base/host_name.h"
#include "cli/exit_code.h"
#include "cli/postfix_networks.h"
#include "config/dump.h"
#include "config/problems.h"
#include "config/reach.h"
#include "setup/access_files.h"
#include "setup/names.h"
#include "setup/snapshot.h"

namespace sekisho::cli {

namespace {

std::string path_or_default(const std::string& path) {
  return path.empty() ? default_config : path;
}

// No file was named, and the system has none: all defaults apply.
bool is_without_file(const std::string& path) {
  std::error_code ignored;
  return path.empty() && !std::filesystem::exists(default_config, ignored);
}

}  // namespace

void print(const std::vector<config::Finding>& findings) {
  for (const auto& finding : findings) {
    std::fprintf(stderr, "%s\n", escape_for_terminal(finding.text()).c_str());
  }
}

std::optional<config::Loaded> load_configuration(const std::string& path,
                                                 config::ValueFiles lists) {
  if (is_without_file(path)) return config::load_text("", "defaults").value();
  auto loaded = config::load_file(path_or_default(path), lists);
  if (!loaded) {
    print(loaded.error());
    return std::nullopt;
  }
  return std::move(*loaded);
}

ControlSocket control_socket(const std::string& path) {
  if (is_without_file(path)) return {control::Options().socket, {}};
  auto socket = config::control_socket(path_or_default(path));
  if (socket) return {*socket, {}};
  return {control::Options().socket, std::move(socket.error())};
}

std::string own_name(const config::Settings& settings) {
  const auto& name = settings.session.identity.hostname;
  return name.empty() ? host_name() : name;
}

int config_check(const std::string& path) {
  const std::string file = path_or_default(path);
  const auto loaded = config::load_file(file);
  if (!loaded) {
    print(loaded.error());
    return config;
  }
  print(loaded->findings);
  const bool as_root = ::geteuid() == 0;
  auto problems = config::problems(*loaded, file, as_root);
  config::find_unreachable(*loaded, file, as_root, problems);
  print(problems);
  if (config::any_error(problems)) return config;
  // The files that the settings name are read as the daemon would.
  const auto snapshot = setup::make_snapshot(loaded->settings, loaded->digest);
  if (!snapshot) {
    std::fprintf(stderr, "%s: error: %s\n", escape_for_terminal(file).c_str(),
                 escape_for_terminal(snapshot.error()).c_str());
    return config;
  }
  print(setup::access_findings((*snapshot)->rules, wall_now()));
  print(setup::name_findings(loaded->settings, file));
  for (const auto& each : warn_of_postfix(postfix_main_cf, loaded->settings.session.trust)) {
    std::fprintf(stderr, "%s\n", escape_for_terminal(each).c_str());
  }
  std::printf("%s: ok (%zu file%s, digest %s)\n", escape_for_terminal(file).c_str(),
              loaded->files.size(), loaded->files.size() == 1 ? "" : "s", loaded->digest.c_str());
  return ok;
}

int config_dump(const std::string& path, bool only_changed) {
  const auto loaded = load_configuration(path);
  if (!loaded) return config;
  std::fputs(config::dump(loaded->settings, {only_changed}).c_str(), stdout);
  return ok;
}

}  // namespace sekisho::cli
