// config/key_rows.h: how the rows of the table of keys are written, and which file writes which.
// Only the keys_*.cc files and keys.cc include it. Thread: immutable.
#pragma once

#include <utility>
#include <vector>

#include "config/keys.h"

namespace sekisho::config {

using Rows = std::vector<KeyRow>;

// A type of value at a place in its owner; `member` is a generic lambda, for const and other
// owners.
template <class Owner, class T, class Member>
Slot<Owner> at(Type<T> type, Member member) {
  return {type.expects,
          [read = type.read, member](const std::string& key, const Value& value, Owner& owner,
                                     Reader& reader) { read(key, value, member(owner), reader); },
          [show = type.show, member](const Owner& owner) { return show(member(owner)); }};
}

// keys_house.cc
Rows include_keys();
Rows identity_keys();
Rows milter_keys();
Rows control_keys();
Rows dns_keys();
Rows trust_keys();
Rows log_keys();
Rows process_keys();

// keys_allow.cc
Rows allow_keys();

// keys_history.cc
Rows history_keys();

// keys_metrics.cc
Rows metrics_keys();

// keys_rules.cc
Rows spf_keys();
Rows dkim_keys();
Rows dmarc_discovery_keys();
Rows dmarc_keys();
Rows policy_default_keys();
Rows policy_keys();

// keys_quarantine.cc
Rows quarantine_keys();

// keys_lists.cc
Rows lists_keys();
Rows dnsbl_keys();
Rows rhsbl_keys();
Rows dnswl_keys();

}  // namespace sekisho::config
