// spool/options.h: where a store of messages is and how much it may hold. Thread: immutable value.
#pragma once

#include <cstdint>
#include <string>

namespace sekisho::spool {

struct Options {
  std::string dir;
  std::uint64_t max_size = 10ULL << 30;  // octets of all message files together; 0: no limit
  // Threads that write and fsync message files. A journalling file system serves fsyncs that wait
  // at the same moment with one commit of its journal, so threads are what makes commits shared: 32
  // are as many as messages are stored at once on a busy host. They sleep otherwise.
  unsigned writers = 32;
};

}  // namespace sekisho::spool
