// app/places.h: the files by which others find the daemon: its sockets and its log. Somebody who
// empties a folder takes them away under a daemon that goes on without noticing, and nobody can
// reach it, or reads what it says.
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
  // Now and then: an alarm for a socket that is gone, and a log file that is gone is begun anew.
  void look(const LogOptions& log);

 private:
  Log& log_;
  std::map<std::string, ino_t> sockets_;
  int looks_without_log_ = 0;
};

}  // namespace sekisho::app
