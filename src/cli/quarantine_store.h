// cli/quarantine_store.h: what the verbs of `sekisho quarantine` have in common: the store, the
// filter, the ids.
// Errors: a complaint. Thread: the main one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cli/complain.h"
#include "cli/quarantine.h"
#include "config/load.h"
#include "config/settings.h"
#include "quarantine/store.h"

namespace sekisho::cli {

ExitCode exit_code_of(spool::Failure::Kind kind);
// What a failure of the store comes to; `about` stands before it, as "K7Q2-4DMX".
Complaint complaint_of(const spool::Failure& failure, const std::string& about = {});

struct OpenStore {
  config::Settings settings;
  std::unique_ptr<quarantine::Store> store;
};
// Where what is quarantined goes, and how to look at it there, line by line; empty when it is our
// store.
std::vector<std::string> held_elsewhere(const config::Settings& settings);
OrComplaint<OpenStore> open_store(const std::string& config,
                                  config::ValueFiles lists = config::ValueFiles::skip);

// Without a state named, what is held or being released.
OrComplaint<quarantine::Filter> make_filter(const FilterOptions& options, WallTime now);
// What it matches.
OrComplaint<std::vector<quarantine::HeldRow>> find_held(quarantine::Store& store,
                                                        const FilterOptions& options, WallTime now);

// The ids that are meant, each once, in the order given. "-" reads them from standard input; "ALL"
// stands for what the filter matches. A filter without ALL is an error: it would be silently
// without effect. So is no id at all.
OrComplaint<std::vector<std::string>> selected_ids(quarantine::Store& store,
                                                   const QuarantineOptions& options, WallTime now);
bool names_all(const QuarantineOptions& options);

// The store and the ids that are meant, for the verbs that change something.
struct Selection {
  OpenStore open;
  std::vector<std::string> ids;
};
OrComplaint<Selection> open_selected(const QuarantineOptions& options,
                                     config::ValueFiles lists = config::ValueFiles::skip);

// "1 message", "3 messages".
std::string messages(std::size_t count);

// Words that have the shape of an id; the first that has not is the error.
Expected<std::vector<std::string>, std::string> parse_ids(std::string_view words);

}  // namespace sekisho::cli
