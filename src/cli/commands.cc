#include "cli/commands.h"

#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>

#include "cli/allow.h"
#include "cli/certificates.h"
#include "cli/check.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "cli/daemon.h"
#include "cli/exit_code.h"
#include "cli/explain.h"
#include "cli/failure_message.h"
#include "cli/history.h"
#include "cli/option_checks.h"
#include "cli/quarantine.h"
#include "cli/queue.h"
#include "cli/relay_test.h"
#include "cli/route.h"
#include "cli/selftest.h"
#include "cli/session.h"
#include "cli/user.h"
#include "cli/version.h"
#include "cli/words.h"
#include "config/suggest.h"
#include "mail/name_pattern.h"

namespace sekisho::cli {

namespace {

// The options to judge a stored message. `required`: those about its sender are mandatory.
void add_message_options(CLI::App& verb, CheckRequest& request, bool required) {
  verb.add_option("--ip", request.ip, "Address of the client that sent the message")
      ->required(required);
  verb.add_option("--helo", request.helo, "What the client said in HELO or EHLO")
      ->required(required);
  verb.add_option("--mail-from", request.mail_from, "Envelope sender; empty or <> for a bounce")
      ->required(required);
  verb.add_option("--rcpt", request.recipients, "Envelope recipient; may be repeated")
      ->allow_extra_args(false);
  verb.add_option("-c,--config", request.config,
                  "Configuration file (default /etc/sekisho/milter.conf)");
  verb.add_option("--zone", request.zone, "Answer DNS questions from this zone file alone");
  verb.add_option("--at", request.at, "Judge as of this time (ISO 8601 or seconds since 1970)");
}

void add_check(CLI::App& app, int& result) {
  auto request = std::make_shared<CheckRequest>();
  auto* verb = app.add_subcommand("check", "Judge one stored message as the daemon would");
  verb->add_option("FILE", request->file, "The message, or - for standard input")->required();
  add_message_options(*verb, *request, true);
  verb->add_option_function<std::string>(
          "--mta",
          [request](const std::string& name) {
            request->mta = name == "sendmail" ? mail::Mta::sendmail : mail::Mta::postfix;
          },
          "Who delivers it: sendmail rewrites From, postfix does not")
      ->check(CLI::IsMember({"postfix", "sendmail"}));
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

void add_certificates(CLI::App& app, int& result) {
  auto path = std::make_shared<std::string>();
  auto* verb = app.add_subcommand("certificates", "The certificates of [tls] and their keys");
  verb->require_subcommand(1);
  auto* copy_verb =
      verb->add_subcommand("copy", "As root: copy them to where the daemon can read them");
  copy_verb->add_option("-c,--config", *path, "Configuration that names them");
  copy_verb->callback([path, &result] { result = certificates_copy(*path); });
}

void add_allow_check(CLI::App& app, int& result) {
  auto request = std::make_shared<CheckRequest>();
  auto* verb =
      app.add_subcommand("check", "Say which entries name an address or a stored message, and why");
  verb->add_option("WHAT", request->file,
                   "An address, a domain, an IP address; or a message, or - for standard input")
      ->required();
  add_message_options(*verb, *request, false);
  verb->add_flag("--json", request->json, "Print one JSON object");
  verb->callback([request, &result] { result = allow_check(*request); });
}

void add_allow_add(CLI::App& app, int& result) {
  auto request = std::make_shared<AddRequest>();
  auto* verb = app.add_subcommand("add", "Add entries");
  verb->add_option("ENTRY", request->words, "As in the file: dkim:lists.example.org dmarc=accept");
  verb->add_option("--from-quarantine", request->from_quarantine,
                   "Instead: the narrowest entry that this held message can prove, by its id");
  verb->add_flag("-y,--yes", request->yes,
                 "With --from-quarantine: do not ask before; needed where nobody can be asked");
  verb->add_flag("-n,--dry-run", request->dry_run,
                 "With --from-quarantine: only print what would be added");
  verb->add_option("--file", request->file, "The file (default: the first of the configuration)");
  verb->add_option("--note", request->note, "Why; shown by list");
  verb->add_option("--until", request->until, "The last day on which it holds, as 2027-01-31");
  verb->add_flag("--deny", request->deny, "Add to the denylist");
  verb->add_option("-c,--config", request->config, "Configuration that names the files");
  verb->callback([request, &result] { result = allow_add(*request); });
}

void add_allow(CLI::App& app, int& result) {
  auto* verb = app.add_subcommand("allow", "The allowlist and the denylist");
  verb->require_subcommand(1);
  auto path = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  auto* list_verb = verb->add_subcommand("list", "Print all entries, and what is wrong with them");
  list_verb->add_option("-c,--config", *path, "Configuration that names the files");
  list_verb->add_flag("--json", *json, "Print one JSON object");
  list_verb->callback([=, &result] { result = allow_list(*path, *json); });
  add_allow_check(*verb, result);
  add_allow_add(*verb, result);
}

void add_user(CLI::App& app, int& result) {
  auto* verb = app.add_subcommand("user", "The logins of the users' file");
  verb->require_subcommand(1);
  auto request = std::make_shared<UserRequest>();
  const auto add = [&](const char* name, const char* help, int (*act)(const UserRequest&)) {
    auto* each = verb->add_subcommand(name, help);
    each->add_option("--file", request->file, "The file (default: users.source)");
    each->add_option("-c,--config", request->config, "Configuration that names the file");
    each->callback([request, act, &result] { result = act(*request); });
    return each;
  };
  const auto with_login = [&](CLI::App* each) {
    each->add_option("LOGIN", request->login, "As in alice@example.jp")->required();
    return each;
  };
  for (auto* each : {with_login(add("add", "Add a login", user_add)),
                     with_login(add("passwd", "Change the password of a login", user_passwd))}) {
    each->add_flag("--stdin", request->from_stdin, "Read the password from standard input");
    each->add_flag("--scram", request->scram, "Also store keys for SCRAM-SHA-256");
  }
  with_login(add("delete", "Remove a login", user_delete));
  add("list", "Print the logins", user_list)
      ->add_flag("--json", request->json, "Print one JSON array");
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

// As typed. -c and --config are the same; in early versions --config was what is now --with.
struct PlaceWords {
  std::string config;
  std::string long_config;
  std::string dir;
  std::string with;
};

void add_place(CLI::App& verb, PlaceWords& place) {
  verb.add_option("-c", place.config,
                  "Configuration that names the history (default /etc/sekisho/milter.conf)");
  verb.add_option("--config", place.long_config, "The same as -c");
  verb.add_option("--dir", place.dir, "The folder of the history");
  verb.add_option("--with", place.with, "What this other configuration would have decided");
}

// If the place of the history is given otherwise, --config means the other configuration, as in
// early versions. Alone it has its usual meaning, and the old usage gets a hint.
std::optional<HistoryPlace> place_of(const PlaceWords& words) {
  HistoryPlace place{words.dir, words.config, words.with};
  if (words.long_config.empty()) return place;
  const bool elsewhere = !words.config.empty() || !words.dir.empty();
  if (elsewhere && !words.with.empty()) {
    if (!words.config.empty()) {
      warn("-c and --config are the same option: give one of them");
      return std::nullopt;
    }
    place.config = words.long_config;
  } else if (elsewhere) {
    place.other = words.long_config;
  } else {
    place.config = words.long_config;
    if (words.with.empty()) {
      warn(
          "--config names the configuration to work with, as everywhere; what it would have "
          "decided is told by --with " +
          words.long_config);
    }
  }
  return place;
}

void add_history(CLI::App& app, int& result) {
  auto request = std::make_shared<HistoryRequest>();
  auto place = std::make_shared<PlaceWords>();
  auto* verb = app.add_subcommand("history", "What was decided, newest first");
  add_place(*verb, *place);
  verb->add_option("--since", request->since, "From this time on (ISO 8601; 2h, 7d: ago)");
  verb->add_option("--until", request->until, "Up to this time");
  verb->add_option(
      "--from", request->from,
      "The envelope sender, or the author's domain: " + std::string(mail::name_pattern_forms));
  verb->add_option("--to", request->to, "A recipient, as --from");
  verb->add_option("--rule", request->filter.rule, "The rule that spoke");
  verb->add_option("--action", request->filter.action, "accept, tag, quarantine, tempfail, reject");
  verb->add_option("--would", request->filter.would,
                   "What monitor mode kept from being done, as --action");
  verb->add_option("--client", request->client, "Address, network, or name as --from");
  verb->add_option("--text", request->filter.text, "Part of the subject, the reason, or a name");
  verb->add_option("--limit", request->limit, "At most so many; 0: all (default 100)")
      ->check(check_whole_number);
  verb->add_flag("--json", request->json, "Print one JSON array");
  verb->callback([request, place, &result] {
    const auto where = place_of(*place);
    if (where) request->place = *where;
    result = where ? history(*request) : usage;
  });
}

void add_explain(CLI::App& app, int& result) {
  auto request = std::make_shared<ExplainRequest>();
  auto place = std::make_shared<PlaceWords>();
  auto* verb = app.add_subcommand("explain", "Why a message was decided as it was");
  verb->add_option("ID", request->ids, "Id or queue id; - reads them from standard input; ALL")
      ->required();
  add_place(*verb, *place);
  verb->add_flag("--replay", request->replay,
                 "Decide again, offline, and say whether it comes out the same");
  verb->add_flag("--json", request->json, "Print one JSON object for each");
  verb->callback([request, place, &result] {
    const auto where = place_of(*place);
    if (where) request->place = *where;
    result = where ? explain(*request) : usage;
  });
}

void add_route(CLI::App& app, int& result) {
  auto request = std::make_shared<RouteRequest>();
  auto* verb = app.add_subcommand("route", "Where mail for an address goes, and who may send it");
  verb->add_option("ADDRESS", request->address, "An address or a domain")->required();
  verb->add_option("-c,--config", request->config, "The configuration");
  verb->add_flag("--json", request->json, "Print one JSON object");
  verb->callback([request, &result] { result = route(*request); });
}

void add_relay(CLI::App& app, int& result) {
  auto* relay = app.add_subcommand("relay", "Next hops");
  relay->require_subcommand(1);
  auto request = std::make_shared<RelayTestRequest>();
  auto* verb = relay->add_subcommand("test", "Talk to a next hop up to RCPT; nothing is sent");
  verb->add_option("WHAT", request->what,
                   "A domain, an address, HOST:PORT, or a next hop as `via` has it")
      ->required();
  verb->add_option("--from", request->from, "The envelope sender (default: the postmaster)");
  verb->add_option("--to", request->to, "The recipient (default: postmaster at the domain)");
  verb->add_option("-c,--config", request->config, "The configuration");
  verb->add_flag("--json", request->json, "Print one JSON object");
  verb->callback([request, &result] { result = relay_test(*request); });
}

void add_selftest(CLI::App& app, int& result) {
  auto* selftest = app.add_subcommand("selftest", "Prove something of the configuration");
  selftest->require_subcommand(1);
  auto request = std::make_shared<SelftestRequest>();
  auto* verb = selftest->add_subcommand("relay", "Who may send where: a table of all directions");
  verb->add_option("-c,--config", request->config, "The configuration");
  verb->add_flag("--json", request->json, "Print one JSON array");
  verb->callback([request, &result] { result = selftest_relay(*request); });
}

void add_session(CLI::App& app, int& result) {
  auto request = std::make_shared<SessionRequest>();
  auto* verb =
      app.add_subcommand("session", "Play an SMTP session from a script; nothing is kept or sent");
  verb->add_option("--listener", request->listener,
                   "The profile of the listener (default mx; with --login where one logs in)")
      ->check(CLI::IsMember({"mx", "submission", "submissions", "local"}));
  verb->add_option("--ip", request->ip, "Address of the client");
  verb->add_option("--helo", request->helo, "Say EHLO with this name before the script");
  verb->add_option("--login", request->login, "The client has logged in as this");
  verb->add_flag("--tls", request->tls, "TLS is spoken from the first command on");
  verb->add_option("-c,--config", request->config,
                   "Configuration file (default /etc/sekisho/milter.conf)");
  verb->add_option("--zone", request->zone, "Answer DNS questions from this zone file alone");
  verb->add_flag("--json", request->json, "Print one JSON object");
  verb->callback([request, &result] { result = run_session(*request); });
}

std::vector<std::string> names_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* verb : command.get_subcommands([](const CLI::App*) { return true; })) {
    // A group of options is one without a name.
    if (!verb->get_name().empty()) names.push_back(verb->get_name());
  }
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

// The fault of the words before the first option: an unknown or incomplete command. Empty: none.
std::string wrong_command(const CLI::App& app, int argc, char** argv) {
  const CLI::App* command = &app;
  std::string path;
  for (int i = 1;; ++i) {
    const auto names = names_of(*command);
    if (names.empty() || (i < argc && argv[i][0] == '-')) return {};
    if (i == argc) {
      return path.empty() ? "" : path + " needs one of " + joined(names) + " after it";
    }
    const std::string word = argv[i];
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      const std::string near = config::nearest(word, names);
      std::string wrong = "there is no command " + (path.empty() ? word : path + " " + word);
      if (!near.empty()) return wrong + ": did you mean " + near + "?";
      wrong += path.empty() ? "; see sekisho --help" : "; " + path + " has " + joined(names);
      if (path == "allow") {
        wrong +=
            ". To remove or change an entry, edit its line: allow list --json tells where it is";
      }
      return wrong;
    }
    path += (path.empty() ? "" : " ") + word;
    command = command->get_subcommand(word);
  }
}

}  // namespace

void add_commands(CLI::App& app, int& result) {
  app.require_subcommand(1);
  add_check(app, result);
  add_config(app, result);
  add_certificates(app, result);
  add_allow(app, result);
  add_daemon_verbs(app, result);
  add_quarantine(app, result);
  add_queue(app, result);
  add_user(app, result);
  add_route(app, result);
  add_relay(app, result);
  add_history(app, result);
  add_explain(app, result);
  add_selftest(app, result);
  add_session(app, result);
}

int run(int argc, char** argv) {
  CLI::App app("Reads the papers of every e-mail: the admin's command for sekishod", "sekisho");
  app.failure_message(failure_message);
  app.set_version_flag("--version", version);
  int result = ok;
  add_commands(app, result);
  if (const auto wrong = wrong_command(app, argc, argv); !wrong.empty()) {
    return complain(usage, wrong);
  }
  try {
    app.parse(spelt_out(app, argc, argv));
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return usage;
  }
  return result;
}

}  // namespace sekisho::cli
