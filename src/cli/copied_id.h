// cli/copied_id.h: an id as copied from a log line, a reply or a header field: "id=K7Q2-4DMX",
// "(id=K7Q2-4DMX);".
// Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::cli {

inline std::string copied_id(std::string_view text) {
  constexpr std::string_view around = "()<>[]\"',;.";
  const auto first = text.find_first_not_of(around);
  if (first == std::string_view::npos) return std::string(text);
  text = text.substr(first, text.find_last_not_of(around) - first + 1);
  if (text.starts_with("id=")) text.remove_prefix(3);
  // A queue id from the beginning of an MTA's log line.
  if (text.ends_with(':')) text.remove_suffix(1);
  return std::string(text.empty() ? std::string_view("id=") : text);
}

}  // namespace sekisho::cli
