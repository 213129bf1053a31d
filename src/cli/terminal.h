// cli/terminal.h: what standard output is. Thread: the main one; sets the locale of the program.
#pragma once

#include <cstddef>

#include "base/terminal_text.h"

namespace sekisho::cli {

struct Terminal {
  bool is_terminal = false;  // a person sees it
  std::size_t columns = 80;  // of the window, or $COLUMNS; at least 40
  Charset charset = Charset::utf8;
};

Terminal standard_output();

}  // namespace sekisho::cli
