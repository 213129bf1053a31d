// cli/quarantine_store.h: what the verbs of `sekisho quarantine` have in common: the store, the
// filter, the ids.
// Errors: an exit code with its sentence, already printed. Thread: the main one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/complain.h"
#include "cli/exit_code.h"
#include "cli/quarantine.h"
#include "config/load.h"
#include "config/settings.h"
#include "quarantine/store.h"

namespace sekisho::cli {

template <class T>
using OrExit = Expected<T, int>;

ExitCode exit_code_of(spool::Failure::Kind kind);

struct OpenStore {
  config::Settings settings;
  std::unique_ptr<quarantine::Store> store;
};
// Where what is quarantined goes, and how to look at it there, line by line; empty when it is our
// store.
std::vector<std::string> held_elsewhere(const config::Settings& settings);
OrExit<OpenStore> open_store(const std::string& config,
                             config::ValueFiles lists = config::ValueFiles::skip);

// "2026-11-21", "2026-11-21T09:30:00Z", seconds since 1970, or how long ago: "36h", "2d".
std::optional<WallTime> parse_when(std::string_view text, WallTime now);
// Without a state named, what is held or being released.
OrExit<quarantine::Filter> make_filter(const FilterOptions& options, WallTime now);
// What it matches.
OrExit<std::vector<quarantine::HeldRow>> find_held(quarantine::Store& store,
                                                   const FilterOptions& options, WallTime now);

// The ids that are meant, each once, in the order given. "-" reads them from standard input; "ALL"
// stands for what the filter matches. A filter without ALL is an error: it would be silently
// without effect. So is no id at all.
OrExit<std::vector<std::string>> selected_ids(quarantine::Store& store,
                                              const QuarantineOptions& options, WallTime now);

// Words that have the shape of an id; the first that has not is the error.
Expected<std::vector<std::string>, std::string> parse_ids(std::string_view words);

}  // namespace sekisho::cli
