// cli/records.h: the recorded decisions for a command, each with the configuration that made it.
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

// The place of the history: `dir`, or that of a configuration: the file `config`, the system's, or
// the one given with --with.
struct HistoryPlace {
  std::string dir;
  std::string config;
  std::string other;
};

// A configuration for decisions.
struct Rulebook {
  config::Settings settings;
  std::shared_ptr<const session::Snapshot> snapshot;
  std::map<std::string, std::string> places;  // of the keys that were given
  // Why decisions can be explained by it, but not made again; empty if they can.
  std::string lacks = {};
};

class Records {
 public:
  static OrComplaint<Records> open(const HistoryPlace& place);

  history::Archive& archive() { return archive_; }
  // The decision of an id or queue id; a sentence if none can be read.
  Expected<session::Decided, std::string> find(const std::string& id);
  Expected<session::Decided, std::string> read(std::int64_t number);
  // The recorded configuration with that digest; a sentence if there is none.
  using Book = Expected<std::shared_ptr<const Rulebook>, std::string>;
  Book rulebook(const std::string& digest);

 private:
  explicit Records(history::Archive archive) : archive_(std::move(archive)) {}

  history::Archive archive_;
  std::map<std::string, Book> rulebooks_;  // by digest
};

// The rulebook of a file; its errors go to stderr.
std::shared_ptr<const Rulebook> rulebook_of_file(const std::string& path);

}  // namespace sekisho::cli
