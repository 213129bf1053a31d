// cli/terminal.h: the properties of standard output.
// Thread: the main one; sets the locale of the program.
#pragma once

#include <cstddef>
#include <limits>

#include "base/terminal_text.h"

namespace sekisho::cli {

// For a file or pipe: a search for an address in a table must find it.
inline constexpr std::size_t uncut_columns = std::numeric_limits<std::size_t>::max();

struct Terminal {
  bool is_terminal = false;  // a person sees it
  // Of the window, or $COLUMNS, at least 40; uncut_columns without a terminal and $COLUMNS.
  std::size_t columns = 80;
  Charset charset = Charset::utf8;
};

Terminal standard_output();

}  // namespace sekisho::cli
