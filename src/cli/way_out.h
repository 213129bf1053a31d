// cli/way_out.h: how mail for a domain would leave this host now: its MX and what becomes of each,
// the next hops with their addresses, and what a connection to each comes from. Asks the DNS; no
// server is spoken with.
// Errors: are lines of what is found. Thread: the main one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "relay/map.h"

namespace sekisho::cli {

// What is printed: names and values, in this order. A name may come again.
using Rows = std::vector<std::pair<std::string, std::string>>;

// The names of rows of which there may be any number.
inline constexpr const char* mx_row = "mx";
inline constexpr const char* hop_row = "next hop";

// `route`: nullptr: by MX. `domain`: lower-case A-labels.
Rows way_out(const config::Settings& settings, const relay::Map& map, const relay::Route* route,
             const std::string& domain);

}  // namespace sekisho::cli
