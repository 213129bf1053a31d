// cli/option_checks.h: what the words of a command line must be, beyond what CLI11 looks at.
// Errors: a sentence that names what is allowed; empty when there is none. Thread: any.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/ascii.h"

namespace sekisho::cli {

// For --limit and the like: CLI11 takes "-1" for the largest number there is.
inline std::string check_whole_number(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 9 &&
                      std::all_of(text.begin(), text.end(), sekisho::ascii::is_digit);
  return digits ? "" : "a whole number from 0 to 999999999 is expected, 0 for no limit";
}

// No command of SMTP, and no name in DNS, can hold one: what would be judged is no message that
// could come.
inline std::string check_no_control(const std::string& option, std::string_view value) {
  if (std::none_of(value.begin(), value.end(), ascii::is_control)) return "";
  return option + ": a control character (CR, LF and the like), which no SMTP command can hold";
}

}  // namespace sekisho::cli
