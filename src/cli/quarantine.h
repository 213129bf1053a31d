// cli/quarantine.h: `sekisho quarantine …`: the verbs for held messages. They open the store
// themselves, so they work while the daemon is down; the store resolves simultaneous commands.
// Errors: sysexits codes, and sentences on stderr. Thread: the main one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/exit_code.h"
#include "config/settings.h"
#include "quarantine/store.h"

namespace CLI {
class App;
}

namespace sekisho::cli {

// As typed.
struct FilterOptions {
  std::string since;
  std::string until;
  std::string from;
  std::string to;
  std::string rule;
  std::string state;  // empty: held and released ones; "any"
  std::string text;
  std::optional<std::size_t> limit;  // 0: all
};

struct QuarantineOptions {
  std::string config;
  FilterOptions filter;
  std::vector<std::string> ids;  // ids, "-", "ALL"
  bool json = false;
};

struct ShowOptions : QuarantineOptions {
  bool headers = false;
  bool text = false;
  bool raw = false;
  bool why = false;
  bool force = false;  // --raw to a terminal
};

struct DeleteOptions : QuarantineOptions {
  bool yes = false;  // with ALL: do not ask
  bool now = false;  // for good
};

struct ReleaseOptions : QuarantineOptions {
  std::vector<std::string> deliver_to;
  bool notify = false;
  bool even_if_delivered = false;
  bool allow = false;  // add an entry for such messages, too
  bool yes = false;    // with `allow`, or ALL to another address: do not ask
};

struct KeepOptions : QuarantineOptions {
  std::string older;                // expire
  bool dry_run = false;             // expire
  std::optional<std::string> mail;  // stats: the address that the summary is for
  std::string file;                 // export
  bool defang = false;
  bool contents = false;  // verify
};

void add_quarantine(CLI::App& app, int& result);

int quarantine_list(const QuarantineOptions& options);
int quarantine_show(const ShowOptions& options);
int quarantine_release(const ReleaseOptions& options);
int quarantine_delete(const DeleteOptions& options);
int quarantine_undelete(const QuarantineOptions& options);
int quarantine_expire(const KeepOptions& options);
int quarantine_stats(const KeepOptions& options);
int quarantine_export(const KeepOptions& options);
int quarantine_verify(const KeepOptions& options);

}  // namespace sekisho::cli
