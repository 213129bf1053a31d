#include "config/finding.h"

#include <algorithm>

namespace sekisho::config {

std::string Place::text() const {
  if (line == 0) return file;
  std::string out = file + ":" + std::to_string(line);
  if (column != 0) out += ":" + std::to_string(column);
  return out;
}

std::string Finding::text() const {
  const std::string where = place.text();
  const char* word = level == Level::error ? "error: " : "warning: ";
  return (where.empty() ? "" : where + ": ") + word + message;
}

bool any_error(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& each) { return each.level == Finding::Level::error; });
}

}  // namespace sekisho::config
