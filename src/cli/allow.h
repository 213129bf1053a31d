// cli/allow.h: `sekisho allow list|check|add`: what the allowlist and the denylist hold, what they say of an address or a
// stored message, and how an entry is added.
// Errors: an exit code, and a sentence on stderr. Thread: the main one.
#pragma once

#include <string>
#include <vector>

#include "cli/check.h"

namespace sekisho::cli {

// `json`: one object.
int allow_list(const std::string& config, bool json);

// `request.file`: a stored message, which needs the options of `sekisho check`; or an address, a domain or an IP address,
// which needs none of them.
int allow_check(const CheckRequest& request);

struct AddRequest {
  std::vector<std::string> words;  // entries, each followed by its options
  std::string file;                // empty: the first of the configuration
  std::string note;
  std::string until;
  std::string config;
  bool deny = false;
};

int allow_add(const AddRequest& request);

}  // namespace sekisho::cli
