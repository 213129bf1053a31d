// mail/prefix_set.h: networks as an admin lists them: addresses and prefixes, each of which may be
// excluded by "!". The most specific entry that covers an address decides; of two equal ones the
// exclusion.
// Errors: a sentence for the admin. Thread: immutable values.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/ip_address.h"

namespace sekisho::mail {

class PrefixSet {
 public:
  struct Entry {
    IpPrefix prefix;
    bool excluded = false;

    std::string text() const;  // "!192.0.2.1/32"
    bool operator==(const Entry&) const = default;
  };

  PrefixSet() = default;
  PrefixSet(const std::vector<IpPrefix>& prefixes);
  PrefixSet(std::initializer_list<IpPrefix> prefixes);
  // "192.0.2.0/24", "!192.0.2.1".
  static Expected<Entry, std::string> parse_entry(std::string_view text);

  void add(Entry entry) { entries_.push_back(entry); }
  bool contains(const IpAddress& address) const { return deciding(address) != nullptr; }
  // The entry by which the address is in the set; nullptr if it is not.
  const Entry* deciding(const IpAddress& address) const;
  // Whether the most specific entry that covers all of the prefix includes it.
  bool covers(const IpPrefix& prefix) const;
  // Contains what any of the sets contains.
  static PrefixSet any_of(const std::vector<PrefixSet>& sets);
  bool empty() const { return entries_.empty(); }
  // Takes the address out, unless an entry names it singly.
  void exclude_unless_named(const IpAddress& address);
  // In the order in which they were added.
  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<std::string> texts() const;
  bool operator==(const PrefixSet&) const = default;

 private:
  std::vector<Entry> entries_;
};

}  // namespace sekisho::mail
