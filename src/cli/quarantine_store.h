// cli/quarantine_store.h: common parts of the verbs of `sekisho quarantine`: the store, the filter,
// the ids.
// Errors: a complaint. Thread: the main one.
#pragma once

#include <functional>
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
// The complaint for a failure of the store; `about` is put before it: "K7Q2-4DMX".
Complaint complaint_of(const spool::Failure& failure, const std::string& about = {});

struct OpenStore {
  config::Settings settings;
  std::unique_ptr<quarantine::Store> store;
  std::shared_ptr<spool::Store> spool;  // with a listener: where the queue is too
};
// With a listener all messages lie in the folder of the queue, held ones too.
const std::string& folder_of_held(const config::Settings& settings);
struct OpenHeld {
  std::unique_ptr<quarantine::Store> store;
  std::shared_ptr<spool::Store> spool;  // with a listener
};
spool::Outcome<OpenHeld> open_held(const config::Settings& settings,
                                   const std::function<void(const std::string&)>& tell);
// Where quarantined messages go, and how to look at them there, line by line; empty if it is our
// store.
std::vector<std::string> held_elsewhere(const config::Settings& settings);
OrComplaint<OpenStore> open_store(const std::string& config,
                                  config::ValueFiles lists = config::ValueFiles::skip);

// Without a state: messages that are held or being released.
OrComplaint<quarantine::Filter> make_filter(const FilterOptions& options, WallTime now);
// The messages that match.
OrComplaint<std::vector<quarantine::HeldRow>> find_held(quarantine::Store& store,
                                                        const FilterOptions& options, WallTime now);

// The selected ids, each once, in the given order. "-" reads them from standard input; "ALL" stands
// for all that the filter matches. A filter without ALL is an error, for it would have no effect;
// no id at all is an error too.
OrComplaint<std::vector<std::string>> selected_ids(quarantine::Store& store,
                                                   const QuarantineOptions& options, WallTime now);
bool names_all(const QuarantineOptions& options);

// The store and the selected ids, for the verbs that change something.
struct Selection {
  OpenStore open;
  std::vector<std::string> ids;
};
OrComplaint<Selection> open_selected(const QuarantineOptions& options,
                                     config::ValueFiles lists = config::ValueFiles::skip);

// "1 message", "3 messages".
std::string messages(std::size_t count);

// All of it, within a limit: ids for "-".
std::string standard_input();
// Parses words as ids; the error is the first word that is not one.
Expected<std::vector<std::string>, std::string> parse_ids(std::string_view words);

}  // namespace sekisho::cli
