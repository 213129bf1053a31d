// config/finding.h: something that the admin should know about the configuration, and its place.
// Thread: immutable values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sekisho::config {

// A position in a file, counted from 1; line 0: the file as a whole.
struct Place {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;

  // "milter.conf:3:5", or the known part of it.
  std::string text() const;
  bool operator==(const Place&) const = default;
};

// An error keeps the configuration from being used, a warning does not.
struct Finding {
  enum class Level { error, warning };
  Level level = Level::error;
  Place place;
  std::string message;

  // "milter.conf:3:5: error: …".
  std::string text() const;
  bool operator==(const Finding&) const = default;
};

// Whether one of them is an error.
bool any_error(const std::vector<Finding>& findings);

}  // namespace sekisho::config
