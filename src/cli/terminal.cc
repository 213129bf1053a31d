#include "cli/terminal.h"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <string_view>

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sekisho::cli {

namespace {

// Narrower than this, no table can be read.
constexpr std::size_t least_columns = 40;
constexpr std::size_t most_columns = 1000;

}  // namespace

Terminal standard_output() {
  Terminal terminal;
  terminal.is_terminal = ::isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (terminal.is_terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = size.ws_col;
  } else if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    if (const long said = std::strtol(columns, nullptr, 10); said > 0)
      terminal.columns = static_cast<std::size_t>(said);
  }
  terminal.columns = std::clamp(terminal.columns, least_columns, most_columns);
  std::setlocale(LC_CTYPE, "");
  // A file or another program gets UTF-8 whatever the locale is.
  if (terminal.is_terminal && std::string_view(::nl_langinfo(CODESET)) != "UTF-8")
    terminal.charset = Charset::ascii;
  return terminal;
}

}  // namespace sekisho::cli
