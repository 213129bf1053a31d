// policy/access_list.h: all entries of the allowlist, or of the denylist, and which of them a
// message matches. An entry names an identity and the proof it needs: without it the entry does
// nothing, and that is recorded. The most specific entry of each identity counts, whatever the
// order of lines. Hash lookups by name and parents, by prefix and length: the time does not depend
// on the number of entries. Pure: no I/O, no clock (Facts::received is now).
// Thread: immutable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/words.h"
#include "policy/access_file.h"
#include "policy/facts.h"

namespace sekisho::policy {

class AccessList {
 public:
  using Files = std::vector<std::shared_ptr<const AccessFile>>;
  using Entries = std::vector<const AccessEntry*>;

  AccessList(AccessKind kind, Files files);
  AccessList(const AccessList&) = delete;
  AccessList& operator=(const AccessList&) = delete;

  AccessKind kind() const { return kind_; }
  const Files& files() const { return files_; }
  std::size_t size() const { return size_; }
  std::size_t bad_lines() const;
  // All findings of the files, and entries that are given twice.
  std::vector<AccessFinding> findings() const;
  // Entries that expired in (after, now], in order of time.
  Entries expired_between(WallTime after, WallTime now) const;

  // The entries in force that name the identity most specifically: an address before its domain, a
  // domain before a wildcard, a longer wildcard or prefix before a shorter one. Several only when
  // the same identity is given several times. `local_part`: empty for a domain alone.
  Entries find(IdentityKind kind, std::string_view local_part, std::string_view domain,
               WallTime now) const;
  Entries find(const mail::IpAddress& address, WallTime now) const;

  // The entry of this denylist that always precedes `other`, an entry of the allowlist, at least as
  // long as that holds; nullptr: none. Such an entry of the allowlist never has an effect.
  const AccessEntry* always_before(const AccessEntry& other, WallTime now) const;

  // Whether any entry of this denylist rejects that kind of identity.
  bool rejects(IdentityKind kind) const { return rejects_.has(kind); }
  // Until when there are entries of that kind that skip such lists; WallTime::min() if none.
  WallTime skips_until(IdentityKind kind, client::DnsListKind lists) const {
    return skips_until_[kind][lists];
  }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct PrefixHash {
    std::size_t operator()(const mail::IpPrefix& prefix) const;
  };
  using Names = std::unordered_map<std::string, Entries, TextHash, std::equal_to<>>;

  void add(const AccessEntry& entry);
  Entries in_force(const Names& names, std::string_view key, WallTime now) const;

  AccessKind kind_;
  Files files_;
  std::size_t size_ = 0;
  By<IdentityKind, Names> names_;
  std::unordered_map<mail::IpPrefix, Entries, PrefixHash> prefixes_;
  By<mail::IpAddress::Family, std::vector<int>> lengths_;  // of the prefixes, the longest first
  Entries expiring_;                                       // by time
  SetOf<IdentityKind> rejects_;
  using UntilByKind = By<client::DnsListKind, WallTime>;
  By<IdentityKind, UntilByKind> skips_until_{UntilByKind(WallTime::min())};
};

// The entries that a message matches. Uses the facts known so far: an unknown fact matches nothing.
std::vector<AccessMatch> match_allowlist(const AccessList& list, const Facts& facts);
// A denied identity needs no proof: a forged one is denied too. `readable`:
// mail::readable_authors() of a malformed author; each of them counts as the author.
std::vector<AccessMatch> match_denylist(const AccessList& list, const Facts& facts,
                                        const std::vector<mail::Mailbox>& readable = {});

// At RCPT: whether a list may refuse already, or an entry that skips it could still be proven.
enum class DnsListProspect {
  none,     // nothing will skip it: it may refuse now
  lookups,  // join SPF and iprev, and ask again
  header,   // only the message will show: it must not refuse before
  skipped,  // an entry that skips it holds already
};
using DnsListProspects = By<client::DnsListKind, DnsListProspect>;
// Which of the facts are final.
struct KnownSoFar {
  bool iprev = false;
  bool spf = false;  // of the MAIL FROM
};
DnsListProspects could_still_skip_dns_lists(const AccessList& list, const Facts& facts,
                                            KnownSoFar known);

}  // namespace sekisho::policy
