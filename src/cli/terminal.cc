#include "cli/terminal.h"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sekisho::cli {

namespace {

// Narrower than this, no table can be read.
constexpr std::size_t least_columns = 40;
constexpr std::size_t most_columns = 1000;

std::optional<std::size_t> columns_of_terminal(bool is_terminal) {
  winsize size{};
  if (is_terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  const long said = columns == nullptr ? 0 : std::strtol(columns, nullptr, 10);
  if (said <= 0) return std::nullopt;
  return static_cast<std::size_t>(said);
}

}  // namespace

Terminal standard_output() {
  Terminal terminal;
  terminal.is_terminal = ::isatty(STDOUT_FILENO) == 1;
  const auto said = columns_of_terminal(terminal.is_terminal);
  if (said || terminal.is_terminal) {
    terminal.columns = std::clamp(said.value_or(terminal.columns), least_columns, most_columns);
  } else {
    terminal.columns = uncut_columns;
  }
  std::setlocale(LC_CTYPE, "");
  // A file or another program gets UTF-8 whatever the locale is.
  if (terminal.is_terminal && std::string_view(::nl_langinfo(CODESET)) != "UTF-8")
    terminal.charset = Charset::ascii;
  return terminal;
}

}  // namespace sekisho::cli
