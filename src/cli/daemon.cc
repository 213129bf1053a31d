#include "cli/daemon.h"

#include <cstdio>

#include "base/encoding.h"
#include "cli/configuration.h"
#include "cli/exit_code.h"
#include "control/client.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;

// The daemon's socket, also when its configuration has an error: the daemon may run on an older one.
std::string socket_of(const std::string& socket, const std::string& config) {
  if (!socket.empty()) return socket;
  const auto loaded = load_configuration(config);
  return loaded ? loaded->settings.control.socket : control::Options().socket;
}

int explain(const control::AskError& error) {
  std::fprintf(stderr, "sekisho: %s\n", error.what.c_str());
  return error.unreachable ? unavailable : config;
}

std::string duration(long long seconds) {
  char text[64];
  std::snprintf(text, sizeof text, "%lldd %02lld:%02lld:%02lld", seconds / 86400,
                seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
  return text;
}

// A number, a text, a list of texts, or an object of those.
std::string value_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) {
    std::string text;
    for (const auto& [key, item] : value.items()) {
      text.append(text.empty() ? "" : " ").append(key).append("=").append(value_text(item));
    }
    return text;
  }
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const auto& item : value) text += (text.empty() ? "" : " ") + value_text(item);
  return text;
}

// "  name  value" for every number and text of an object, in its order.
void print_section(const char* title, const json& section) {
  std::printf("%s\n", title);
  for (const auto& [key, value] : section.items()) {
    std::printf("  %-18s %s\n", key.c_str(), escape_for_log(value_text(value), 400).c_str());
  }
}

}  // namespace

int status(const std::string& socket, const std::string& config, bool as_json) {
  const auto answer = control::ask(socket_of(socket, config), {{"verb", "status"}});
  if (!answer) return explain(answer.error());
  if (as_json) {
    std::printf("%s\n", answer->dump(2).c_str());
    return ok;
  }
  std::printf("sekishod %s, process %lld, up %s\n", answer->value("version", "?").c_str(),
              answer->value("pid", 0LL), duration(answer->value("uptime_s", 0LL)).c_str());
  std::printf("configuration %s, digest %s\n", answer->value("config", "?").c_str(),
              answer->value("digest", "?").c_str());
  for (const char* section :
       {"sessions", "verdicts", "resolver", "keys", "lists", "quarantine", "history", "log"}) {
    if (answer->contains(section)) print_section(section, (*answer)[section]);
  }
  return ok;
}

int reload(const std::string& socket, const std::string& config) {
  const auto answer = control::ask(socket_of(socket, config), {{"verb", "reload"}});
  if (!answer) return explain(answer.error());
  for (const auto& finding : answer->value("findings", json::array())) {
    std::fprintf(stderr, "%s\n", finding.get<std::string>().c_str());
  }
  std::printf("reloaded, digest %s\n", answer->value("digest", "?").c_str());
  return ok;
}

}  // namespace sekisho::cli
