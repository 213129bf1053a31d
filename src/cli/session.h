// cli/session.h: `sekisho session`: plays an SMTP session that a client could have with the daemon,
// from a script, through the daemon's own conversation, relay control, files of users and aliases,
// and rules; then tells what was decided and where each recipient's mail would go. Nothing is kept
// or sent, and the running daemon sees nothing of it.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <string>

namespace sekisho::cli {

struct SessionRequest {
  std::string config;    // empty: the system's
  std::string zone;      // instead of the DNS
  std::string listener;  // a profile; empty: mx, or with a login the first that takes logins
  std::string ip;
  std::string helo;   // EHLO is said with it before the script
  std::string login;  // has logged in already
  bool tls = false;   // TLS is spoken from the first command on
  bool json = false;
};

// The script is read from standard input.
int run_session(const SessionRequest& request);

}  // namespace sekisho::cli
