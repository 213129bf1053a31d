// spool/options.h: where a store of messages is and how much it may hold.
// Thread: immutable value.
#pragma once

#include <cstdint>
#include <string>

namespace sekisho::spool {

struct Options {
  std::string dir;
  std::uint64_t max_size = 10ULL << 30;  // octets of all message files together; 0: no limit
  // Threads that write and fsync message files. A journalling file system serves simultaneous
  // fsyncs with one commit of its journal, so many threads share commits. A busy host stores up to
  // 32 messages at once; idle threads sleep.
  unsigned writers = 32;
};

}  // namespace sekisho::spool
