// control/stream.h: reads or writes a whole text on a connected socket, within a time.
// Errors: nullopt and false. Thread: any.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::control {

// Reads until the other side shuts down its writing; nullopt on an error, a time-out or more than
// `limit` octets.
std::optional<std::string> read_all(int fd, std::size_t limit, std::chrono::milliseconds within);
bool write_all(int fd, std::string_view text, std::chrono::milliseconds within);

}  // namespace sekisho::control
