// cli/check.h: `sekisho check`: judges one stored message with exactly the engine that the daemon
// runs.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/complain.h"
#include "session/session.h"

namespace sekisho::cli {

// The most that is read of a message: ten times the default limit of Postfix (message_size_limit,
// 10 MB), and with its copies still no burden for a small server. A device would never end.
inline constexpr std::size_t max_message_octets = 100 * 1024 * 1024;

struct CheckRequest {
  std::string file;  // or "-"
  std::string ip;
  std::string helo;
  std::string mail_from;
  std::vector<std::string> recipients;
  std::string config;              // empty: the system's, or the defaults if there is none
  std::string zone;                // instead of the DNS
  mail::Mta mta = mail::Mta::own;  // the MTA that would deliver it
  std::string at;                  // ISO 8601 or seconds since 1970; empty: now
  bool json = false;
};

// The engine's outcome for the message, for commands that print something else.
OrComplaint<session::Outcome> judge(const CheckRequest& request);

int check(const CheckRequest& request);

}  // namespace sekisho::cli
