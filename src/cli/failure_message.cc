#include "cli/failure_message.h"

#include "base/encoding.h"

namespace sekisho::cli {

std::string failure_message(const CLI::App* app, const CLI::Error& error) {
  return app->get_name() + ": " + escape_for_terminal(error.what()) +
         "\nRun with --help for more information.\n";
}

}  // namespace sekisho::cli
