// milter/options.h: one [[milter]] socket.
// Thread: immutable value.
#pragma once

#include <string>

#include "policy/facts.h"

namespace sekisho::milter {

struct Options {
  std::string socket;           // "unix:PATH", "inet:PORT@ADDRESS" or "inet6:PORT@ADDRESS"
  unsigned socket_mode = 0660;  // of a Unix socket
  std::string socket_owner;     // empty: as created
  std::string socket_group;
  policy::Role role = policy::Role::mx;
};

}  // namespace sekisho::milter
