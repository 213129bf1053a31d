#include "policy/access_list.h"

#include <algorithm>
#include <functional>

#include "base/ascii.h"
#include "base/fnv.h"

namespace sekisho::policy {

namespace {

// "user@example.com"; for a domain alone its name.
std::string key_of(std::string_view local_part, std::string_view domain) {
  std::string key = ascii::lower(local_part);
  if (!key.empty()) key += '@';
  return key.append(domain);
}

}  // namespace

std::size_t AccessList::PrefixHash::operator()(const mail::IpPrefix& prefix) const {
  Fnv hash(static_cast<std::uint64_t>(prefix.length()));
  for (const auto octet : prefix.address().octets()) hash.add(octet);
  return static_cast<std::size_t>(hash.value());
}

AccessList::AccessList(AccessKind kind, Files files) : kind_(kind), files_(std::move(files)) {
  for (const auto& file : files_) {
    for (const auto& entry : file->entries) add(entry);
  }
  for (auto& lengths : lengths_) {
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
    lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  }
  std::stable_sort(expiring_.begin(), expiring_.end(),
                   [](const auto* a, const auto* b) { return *a->until < *b->until; });
}

void AccessList::add(const AccessEntry& entry) {
  ++size_;
  if (entry.prefix) {
    prefixes_[*entry.prefix].push_back(&entry);
    lengths_[entry.prefix->address().family()].push_back(entry.prefix->length());
  } else {
    names_[entry.kind][key_of(entry.local_part, entry.domain)].push_back(&entry);
  }
  if (entry.until) expiring_.push_back(&entry);
  if (kind_ == AccessKind::deny && entry.deny == Action::reject) rejects_.add(entry.kind);
  for (const auto lists : all_values<client::DnsListKind>()) {
    if (!entry.effect.skip_lists.has(lists)) continue;
    WallTime& until = skips_until_[entry.kind][lists];
    until = std::max(until, entry.until.value_or(WallTime::max()));
  }
}

std::size_t AccessList::bad_lines() const {
  std::size_t count = 0;
  for (const auto& file : files_) count += file->bad_lines;
  return count;
}

std::vector<AccessFinding> AccessList::findings() const {
  std::vector<AccessFinding> all;
  std::unordered_map<std::string, const AccessEntry*> seen;
  for (const auto& file : files_) {
    all.insert(all.end(), file->findings.begin(), file->findings.end());
    for (const auto& entry : file->entries) {
      // The same identity with another proof is another entry.
      std::string same = entry.identity();
      if (kind_ == AccessKind::allow)
        same.append(" ").append(proof_text(entry.proof, entry.proof_of));
      const auto [first, fresh] = seen.emplace(std::move(same), &entry);
      if (fresh) continue;
      all.push_back({false, file->path, entry.line,
                     entry.identity() + " is given twice; the first is at " +
                         first->second->place() + ": both hold, remove one of them"});
    }
  }
  return all;
}

AccessList::Entries AccessList::expired_between(WallTime after, WallTime now) const {
  Entries expired;
  for (const auto* entry : expiring_) {
    if (*entry->until > now) break;
    if (*entry->until > after) expired.push_back(entry);
  }
  return expired;
}

AccessList::Entries AccessList::in_force(const Names& names, std::string_view key,
                                         WallTime now) const {
  const auto found = names.find(key);
  if (found == names.end()) return {};
  Entries live = found->second;
  std::erase_if(live, [now](const AccessEntry* entry) { return entry->expired(now); });
  return live;
}

AccessList::Entries AccessList::find(IdentityKind kind, std::string_view local_part,
                                     std::string_view domain, WallTime now) const {
  const Names& names = names_[kind];
  if (names.empty() || domain.empty()) return {};
  if (!local_part.empty()) {
    if (auto entries = in_force(names, key_of(local_part, domain), now); !entries.empty()) {
      return entries;
    }
  }
  if (auto entries = in_force(names, domain, now); !entries.empty()) return entries;
  for (auto dot = domain.find('.'); dot != std::string_view::npos;
       dot = domain.find('.', dot + 1)) {
    if (auto entries = in_force(names, domain.substr(dot), now); !entries.empty()) return entries;
  }
  return {};
}

const AccessEntry* AccessList::always_before(const AccessEntry& other, WallTime now) const {
  // Malformed authors come before the denylist.
  if (other.effect.skip_author) return nullptr;
  const auto candidates = other.prefix ? find(other.prefix->address(), now)
                                       : find(other.kind, other.local_part, other.domain, now);
  for (const auto* entry : candidates) {
    const bool narrower = other.prefix && entry->prefix->length() > other.prefix->length();
    const bool ends_first = entry->until && (!other.until || *entry->until < *other.until);
    if (!narrower && !ends_first) return entry;
  }
  return nullptr;
}

AccessList::Entries AccessList::find(const mail::IpAddress& address, WallTime now) const {
  for (const int length : lengths_[address.family()]) {
    const auto found = prefixes_.find(mail::IpPrefix::around(address, length));
    if (found == prefixes_.end()) continue;
    Entries live = found->second;
    std::erase_if(live, [now](const AccessEntry* entry) { return entry->expired(now); });
    if (!live.empty()) return live;
  }
  return {};
}

}  // namespace sekisho::policy
