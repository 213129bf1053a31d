// app/places.h: watches the daemon's sockets and its log file. If somebody removes them, the daemon
// would go on without noticing, but nobody could reach it, or read its log.
// Errors: the log. Thread: the main one.
#pragma once

#include <map>
#include <string>

#include <sys/types.h>

#include "base/log.h"
#include "config/settings.h"

namespace sekisho::app {

class Places {
 public:
  explicit Places(Log& log) : log_(log) {}

  // The sockets as they were opened.
  void opened(const config::Settings& settings);
  // Called now and then: gives an alarm for a missing socket, and begins a missing log file anew.
  void look(const LogOptions& log);

 private:
  Log& log_;
  std::map<std::string, ino_t> sockets_;
  int looks_without_log_ = 0;
};

}  // namespace sekisho::app
