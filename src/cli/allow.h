// cli/allow.h: `sekisho allow list|check|add`: lists the allowlist and the denylist, checks an
// address or a stored message against them, and adds entries: typed ones, or one that a held
// message can prove.
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
  bool yes = false;             // from_quarantine: do not ask
  bool dry_run = false;         // from_quarantine: print what would be added
};

int allow_add(const AddRequest& request);

// Adds them to a file of the list; an empty one means the first of the configuration.
int add_entries(const config::Settings& settings, policy::AccessKind kind, const std::string& file,
                const std::vector<policy::AccessEntry>& entries);

// The entry that a held message can prove is printed and added to the allowlist. At a terminal the
// person is asked first; without a terminal, nothing is added without `yes`.
struct Allowing {
  bool in_force = false;   // the entry is in the list now
  int code = 0;            // the exit code
  std::string added = {};  // the entry; empty if it was there already
};
Allowing allow_held(const config::Settings& settings, HeldDecision held, const AddRequest& request);

// To standard output.
void print_proposal(const policy::Proposal& proposal);

}  // namespace sekisho::cli
