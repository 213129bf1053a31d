// cli/option_checks.h: checks of options beyond those of CLI11.
// Errors: a sentence that names the allowed values; empty if the value is valid. Thread: any.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/ascii.h"

namespace sekisho::cli {

// For --limit and the like: CLI11 reads "-1" as the largest number.
inline std::string check_whole_number(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 9 &&
                      std::all_of(text.begin(), text.end(), sekisho::ascii::is_digit);
  return digits ? "" : "a whole number from 0 to 999999999 is expected, 0 for no limit";
}

// No SMTP command and no DNS name can have a control character, so such a message could not be
// received.
inline std::string check_no_control(const std::string& option, std::string_view value) {
  if (std::none_of(value.begin(), value.end(), ascii::is_control)) return "";
  return option + ": a control character (CR, LF and the like), which no SMTP command can hold";
}

}  // namespace sekisho::cli
