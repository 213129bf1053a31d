#include "cli/when.h"

#include "config/values.h"

namespace sekisho::cli {

std::optional<WallTime> parse_when(std::string_view text, WallTime now) {
  if (const auto ago = config::parse_duration(text)) {
    return now - std::chrono::duration_cast<std::chrono::seconds>(*ago);
  }
  return parse_time(text);
}

}  // namespace sekisho::cli
