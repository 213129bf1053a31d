// cli/records.h: the recorded decisions as a command reads them, each with the configuration that
// made it.
// Errors: a complaint, or a sentence. Thread: the main one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/complain.h"
#include "config/load.h"
#include "history/archive.h"
#include "session/engine.h"

namespace sekisho::cli {

// Where the history is: `dir`, or what the configuration says: the file `config`, the system's, or
// the one that is asked about.
struct HistoryPlace {
  std::string dir;
  std::string config;
  std::string other;
};

// A configuration to decide by.
struct Rulebook {
  config::Settings settings;
  std::shared_ptr<const session::Snapshot> snapshot;
  std::map<std::string, std::string> places;  // of the keys that were given
  // Why nothing can be decided again by it, though it can be explained; empty when there is
  // nothing.
  std::string lacks = {};
};

class Records {
 public:
  static OrComplaint<Records> open(const HistoryPlace& place);

  history::Archive& archive() { return archive_; }
  // The decision of an id or queue id; a sentence when there is none that can be read.
  Expected<session::Decided, std::string> find(const std::string& id);
  Expected<session::Decided, std::string> read(std::int64_t number);
  // The configuration of that digest as it was; a sentence when it is not recorded.
  using Book = Expected<std::shared_ptr<const Rulebook>, std::string>;
  Book rulebook(const std::string& digest);

 private:
  explicit Records(history::Archive archive) : archive_(std::move(archive)) {}

  history::Archive archive_;
  std::map<std::string, Book> rulebooks_;  // by digest
};

// The rulebook of a file, whose errors go to stderr.
std::shared_ptr<const Rulebook> rulebook_of_file(const std::string& path);

}  // namespace sekisho::cli
