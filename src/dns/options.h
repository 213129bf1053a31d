// dns/options.h: what may be configured of the resolver.
// Thread: immutable value.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace sekisho::dns {

struct Options {
  // "127.0.0.1", "127.0.0.1:5353", "[::1]:53"; empty: resolv.conf
  std::vector<std::string> servers;
  std::string zone_file;                            // answer from this zone alone
  std::chrono::milliseconds timeout{5000};          // one question, retries included
  std::chrono::milliseconds message_budget{20000};  // all questions of one message
  std::size_t cache_entries = 20'000;               // about 10 MB of typical answers
};

}  // namespace sekisho::dns
