// The daemon.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include "app/background.h"
#include "app/daemon.h"
#include "app/privileges.h"
#include "app/service_manager.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "cli/configuration.h"
#include "cli/exit_code.h"
#include "cli/failure_message.h"
#include "cli/version.h"
#include "cli/words.h"
#include "config/problems.h"

namespace {

using namespace sekisho;

struct Arguments {
  std::string config = cli::default_config;
  bool foreground = false;
  bool test = false;
};

int complain(cli::ExitCode code, const std::string& what) {
  std::fprintf(stderr, "sekishod: %s\n", escape_for_terminal(what).c_str());
  return code;
}

// Before the first thread: all threads inherit the mask, and only the main thread handles signals.
void block_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int serve(const Arguments& arguments) {
  auto loaded = config::load_file(arguments.config);
  if (!loaded) {
    cli::print(loaded.error());
    return cli::config;
  }
  const auto problems = config::problems(*loaded, arguments.config, ::geteuid() == 0);
  cli::print(problems);
  if (config::any_error(problems)) return cli::config;
  const auto process = loaded->settings.process;

  app::Background background(arguments.foreground);
  block_signals();
  Patience::make_possible();
  const Patience patience;  // for the main thread, on which no message waits
  app::Daemon daemon(arguments.config, std::move(*loaded));
  if (auto opened = daemon.open(); !opened) return complain(cli::os_error, opened.error());
  if (auto dropped = app::drop_privileges(process); !dropped)
    return complain(cli::config, dropped.error());
  if (auto running = daemon.run(); !running) return complain(cli::config, running.error());
  background.started();
  app::tell_service_manager("READY=1");
  daemon.serve_signals();
  daemon.stop();
  return cli::ok;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App parser("Reads the papers of every e-mail: SPF, DKIM and DMARC as a milter", "sekishod");
  parser.failure_message(cli::failure_message);
  parser.set_version_flag("--version", cli::version);
  parser.add_option("-c,--config", arguments.config,
                    "Configuration file (default /etc/sekisho/milter.conf)");
  parser.add_flag("-f,--foreground", arguments.foreground, "Stay in the foreground");
  parser.add_flag("-t,--test", arguments.test, "Check the configuration and exit");
  try {
    parser.parse(cli::spelt_out(parser, argc, argv));
    return arguments.test ? cli::config_check(arguments.config) : serve(arguments);
  } catch (const CLI::Success& success) {
    return parser.exit(success);
  } catch (const CLI::ParseError& error) {
    parser.exit(error);
    return cli::usage;
  } catch (const std::exception& error) {
    return complain(cli::software, error.what());
  }
}
