#include "cli/commands.h"

#include <cstdio>

#include <CLI/CLI.hpp>

#include "cli/check.h"
#include "cli/configuration.h"
#include "cli/daemon.h"
#include "cli/exit_code.h"
#include "cli/failure_message.h"
#include "cli/version.h"

namespace sekisho::cli {

namespace {

void add_check(CLI::App& app, int& result) {
  auto request = std::make_shared<CheckRequest>();
  auto* verb = app.add_subcommand("check", "Judge one stored message as the daemon would");
  verb->add_option("FILE", request->file, "The message, or - for standard input")->required();
  verb->add_option("--ip", request->ip, "Address of the client that sent it")->required();
  verb->add_option("--helo", request->helo, "What the client said in HELO or EHLO")->required();
  verb->add_option("--mail-from", request->mail_from, "Envelope sender; empty or <> for a bounce")
      ->required();
  verb->add_option("--rcpt", request->recipients, "Envelope recipient; may be repeated");
  verb->add_option("--config", request->config,
                   "Configuration file (default /etc/sekisho/milter.conf)");
  verb->add_option("--zone", request->zone, "Answer DNS questions from this zone file alone");
  verb->add_option("--at", request->at, "Judge as of this time (ISO 8601 or seconds since 1970)");
  verb->add_flag("--json", request->json, "Print one JSON object");
  verb->callback([request, &result] { result = check(*request); });
}

void add_config(CLI::App& app, int& result) {
  auto path = std::make_shared<std::string>();
  auto only_changed = std::make_shared<bool>(false);
  auto* verb = app.add_subcommand("config", "Check or print the configuration");
  verb->require_subcommand(1);
  auto* check_verb = verb->add_subcommand("check", "Say what is wrong with a configuration file");
  check_verb->add_option("FILE,-c,--config", *path, "The file (default /etc/sekisho/milter.conf)");
  check_verb->callback([path, &result] { result = config_check(*path); });
  auto* dump_verb = verb->add_subcommand("dump", "Print every key with the value in force");
  dump_verb->add_option("FILE,-c,--config", *path, "The file (default /etc/sekisho/milter.conf)");
  dump_verb->add_flag("--changed", *only_changed, "Only what differs from the default");
  dump_verb->callback(
      [path, only_changed, &result] { result = config_dump(*path, *only_changed); });
}

void add_daemon_verbs(CLI::App& app, int& result) {
  auto socket = std::make_shared<std::string>();
  auto path = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  auto* status_verb = app.add_subcommand("status", "What the running daemon does");
  status_verb->add_flag("--json", *json, "Print one JSON object");
  auto* reload_verb =
      app.add_subcommand("reload", "Let the running daemon read its configuration again");
  for (auto* verb : {status_verb, reload_verb}) {
    verb->add_option("--socket", *socket, "The daemon's control socket");
    verb->add_option("-c,--config", *path, "Configuration that names the control socket");
  }
  status_verb->callback([=, &result] { result = status(*socket, *path, *json); });
  reload_verb->callback([=, &result] { result = reload(*socket, *path); });
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app("Reads the papers of every e-mail: the admin's command for sekishod", "sekisho");
  app.failure_message(failure_message);
  app.set_version_flag("--version", version);
  app.require_subcommand(1);
  int result = ok;
  add_check(app, result);
  add_config(app, result);
  add_daemon_verbs(app, result);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return usage;
  }
  return result;
}

}  // namespace sekisho::cli
