// cli/check.h: `sekisho check`: judges one stored message with exactly the engine that the daemon runs.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <string>
#include <vector>

namespace sekisho::cli {

struct CheckRequest {
  std::string file;  // or "-"
  std::string ip;
  std::string helo;
  std::string mail_from;
  std::vector<std::string> recipients;
  std::string config;  // empty: the system's, or the defaults where there is none
  std::string zone;    // instead of the DNS
  std::string at;      // ISO 8601 or seconds since 1970; empty: now
  bool json = false;
};

int check(const CheckRequest& request);

}  // namespace sekisho::cli
