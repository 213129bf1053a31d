#include "cli/daemon.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/encoding.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "cli/exit_code.h"
#include "cli/status_text.h"
#include "control/client.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;

// The daemon's socket, even if its configuration has an error: the daemon may run with an older
// one.
ControlSocket socket_of(const std::string& socket, const std::string& config) {
  if (!socket.empty()) return {socket, {}};
  return control_socket(config);
}

int explain(const control::AskError& error, const ControlSocket& socket) {
  if (error.unreachable) print(socket.wrong);
  // A refused reload has a line for each finding.
  std::istringstream lines(error.what);
  for (std::string line; std::getline(lines, line);) warn(line);
  return error.unreachable ? unavailable : config;
}

}  // namespace

int status(const std::string& socket, const std::string& config, bool as_json) {
  const auto where = socket_of(socket, config);
  const auto answer = control::ask(where.path, {{"verb", "status"}});
  if (!answer) return explain(answer.error(), where);
  if (as_json) {
    std::printf("%s\n", answer->dump(2, ' ', true).c_str());
    return ok;
  }
  std::fputs(status_text(*answer).c_str(), stdout);
  return ok;
}

int reload(const std::string& socket, const std::string& config) {
  const auto where = socket_of(socket, config);
  const auto answer = control::ask(where.path, {{"verb", "reload"}});
  if (!answer) return explain(answer.error(), where);
  for (const auto& finding : answer->value("findings", json::array())) {
    std::fprintf(stderr, "%s\n", escape_for_terminal(finding.get<std::string>()).c_str());
  }
  std::printf("reloaded, digest %s\n", answer->value("digest", "?").c_str());
  return ok;
}

}  // namespace sekisho::cli
