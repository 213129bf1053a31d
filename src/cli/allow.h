// cli/allow.h: `sekisho allow list|check|add`: what the allowlist and the denylist hold, what they
// say of an address or a stored message, and how an entry is added: one that is typed, or one that
// a held message could prove.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <string>
#include <vector>

#include "cli/check.h"
#include "cli/held_decision.h"
#include "config/settings.h"
#include "policy/access_entry.h"
#include "policy/allow_proposal.h"

namespace sekisho::cli {

// `json`: one object.
int allow_list(const std::string& config, bool json);

// `request.file`: a stored message, which needs the options of `sekisho check`; or an address, a
// domain or an IP address, which needs none of them.
int allow_check(const CheckRequest& request);

struct AddRequest {
  std::vector<std::string> words;  // entries, each followed by its options
  std::string file;                // empty: the first of the configuration
  std::string note;
  std::string until;
  std::string config;
  bool deny = false;
  std::string from_quarantine;  // instead of words: the id of a held message
  bool yes = false;             // from_quarantine: ask nobody
  bool dry_run = false;         // from_quarantine: print what would be added
};

int allow_add(const AddRequest& request);

// Adds them to a file of the list; an empty one means the first of the configuration.
int add_entries(const config::Settings& settings, policy::AccessKind kind, const std::string& file,
                const std::vector<policy::AccessEntry>& entries);

// What a held message could prove is printed, and added to the allowlist; a person at a terminal is
// asked before, and where there is none nothing is added without `yes`.
struct Allowing {
  bool in_force = false;   // the entry stands in the list now
  int code = 0;            // what to end with
  std::string added = {};  // the entry; empty when it stood there already
};
Allowing allow_held(const config::Settings& settings, HeldDecision held, const AddRequest& request);

// To standard output.
void print_proposal(const policy::Proposal& proposal);

}  // namespace sekisho::cli
