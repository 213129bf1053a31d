#include "mail/prefix_set.h"

#include <algorithm>

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

const PrefixSet::Entry* PrefixSet::deciding(const IpAddress& address) const {
  const Entry* best = nullptr;
  for (const Entry& entry : entries_) {
    if (!entry.prefix.contains(address)) continue;
    const bool wins =
        best == nullptr || entry.prefix.length() > best->prefix.length() ||
        (entry.prefix.length() == best->prefix.length() && entry.excluded && !best->excluded);
    if (wins) best = &entry;
  }
  return best == nullptr || best->excluded ? nullptr : best;
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
