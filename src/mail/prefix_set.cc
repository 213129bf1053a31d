#include "mail/prefix_set.h"

#include <algorithm>
#include <set>

namespace sekisho::mail {

PrefixSet::PrefixSet(const std::vector<IpPrefix>& prefixes) {
  for (const IpPrefix& prefix : prefixes) add({prefix});
}

PrefixSet::PrefixSet(std::initializer_list<IpPrefix> prefixes)
    : PrefixSet(std::vector<IpPrefix>(prefixes)) {}

Expected<PrefixSet::Entry, std::string> PrefixSet::parse_entry(std::string_view text) {
  const bool excluded = text.starts_with('!');
  const auto prefix = IpPrefix::parse(text.substr(excluded ? 1 : 0));
  if (!prefix) return tl::unexpected<std::string>(prefix.error().what);
  return Entry{*prefix, excluded};
}

std::string PrefixSet::Entry::text() const { return (excluded ? "!" : "") + prefix.text(); }

namespace {

// The entry that decides on all of the prefix, whatever it decides.
const PrefixSet::Entry* most_specific(const std::vector<PrefixSet::Entry>& entries,
                                      const IpPrefix& prefix) {
  const PrefixSet::Entry* best = nullptr;
  for (const auto& entry : entries) {
    if (entry.prefix.length() > prefix.length() || !entry.prefix.contains(prefix.address())) {
      continue;
    }
    const bool wins =
        best == nullptr || entry.prefix.length() > best->prefix.length() ||
        (entry.prefix.length() == best->prefix.length() && entry.excluded && !best->excluded);
    if (wins) best = &entry;
  }
  return best;
}

}  // namespace

const PrefixSet::Entry* PrefixSet::deciding(const IpAddress& address) const {
  const Entry* entry = most_specific(entries_, IpPrefix::around(address, address.bits()));
  return entry == nullptr || entry->excluded ? nullptr : entry;
}

bool PrefixSet::covers(const IpPrefix& prefix) const {
  const Entry* entry = most_specific(entries_, prefix);
  return entry != nullptr && !entry->excluded;
}

// An address is decided by the most specific prefix of all sets that covers it, and each set has no
// entry between the two: what it says of the prefix, it says of the address.
PrefixSet PrefixSet::any_of(const std::vector<PrefixSet>& sets) {
  PrefixSet out;
  std::set<IpPrefix> seen;
  for (const PrefixSet& set : sets) {
    for (const Entry& entry : set.entries_) {
      if (!seen.insert(entry.prefix).second) continue;
      const bool included = std::any_of(sets.begin(), sets.end(), [&](const PrefixSet& each) {
        return each.covers(entry.prefix);
      });
      out.add({entry.prefix, !included});
    }
  }
  return out;
}

void PrefixSet::exclude_unless_named(const IpAddress& address) {
  const IpPrefix single = IpPrefix::around(address, address.bits());
  const bool named = std::any_of(entries_.begin(), entries_.end(),
                                 [&](const Entry& entry) { return entry.prefix == single; });
  if (!named) add({single, true});
}

std::vector<std::string> PrefixSet::texts() const {
  std::vector<std::string> out;
  out.reserve(entries_.size());
  for (const Entry& entry : entries_) out.push_back(entry.text());
  return out;
}

}  // namespace sekisho::mail
