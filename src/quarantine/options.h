// quarantine/options.h: our own store of held messages. [quarantine] dir, keep, keep_deleted,
// max_size, release_via.
// Thread: immutable value.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sekisho::quarantine {

struct Options {
  std::string dir = "/var/lib/sekisho/quarantine";
  std::chrono::seconds keep = std::chrono::hours(24 * 30);
  // How long a deleted message can be restored; 0: not at all.
  std::chrono::seconds keep_deleted = std::chrono::hours(24 * 7);
  std::uint64_t max_size = 10ULL << 30;  // octets; 0: no limit
  // How a released message goes back to the MTA: "smtp:HOST:PORT" or "sendmail:/PATH".
  std::string release_via = "smtp:127.0.0.1:25";
};

}  // namespace sekisho::quarantine
