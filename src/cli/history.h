// cli/history.h: `sekisho history`: the recorded decisions as a table, and what another
// configuration would have decided.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <string>

#include "cli/records.h"

namespace sekisho::cli {

struct HistoryRequest {
  HistoryPlace place;
  history::Filter filter;
  std::string since;  // as cli/when.h reads it
  std::string until;
  std::string from;         // mail::NamePattern
  std::string to;           // mail::NamePattern
  std::string client;       // an address, a network, or a mail::NamePattern
  std::size_t limit = 100;  // 0: all
  bool json = false;
};

int history(HistoryRequest request);

}  // namespace sekisho::cli
