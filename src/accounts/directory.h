// accounts/directory.h: who exists, other names of recipients, and as whom a login may send: what
// [users], [aliases] and the `recipients` of the routes say at this moment.
// Files are looked at every minute and at a reload; a file that cannot be read keeps its last
// content for aliases and senders, and is `unknown` for recipients.
// Thread: any; immutable (a new one replaces it).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/path.h"
#include "relay/map.h"

namespace sekisho::accounts {

enum class Existence {
  exists,
  missing,  // 550 5.1.1
  unknown,  // the list cannot be read: 451
  ask,      // the next hop must be asked (recipients = "ask")
};

// One final recipient of a message after aliases.
struct Expanded {
  mail::Path path;
  // The sender for this recipient; nullopt: the message's own. Set where mail is forwarded outside
  // (SRS), or to an alias with an owner.
  std::optional<mail::Path> sender;
  bool forwarded = false;  // leaves for a domain that is not ours
};

struct Expansion {
  std::vector<Expanded> recipients;
  std::string fault;  // a target that cannot be used ("|program"), a loop: 451; empty: none
};

class Directory {
 public:
  virtual ~Directory() = default;
  // An SRS address of ours is reversed first; else the path itself. nullopt: a forged or expired
  // one.
  virtual std::optional<mail::Path> reversed(const mail::Path& recipient) const = 0;
  virtual Existence exists(const mail::Path& recipient, const relay::Route* route) const = 0;
  virtual Expansion expand(const mail::Path& sender, const mail::Path& recipient) const = 0;
  virtual bool may_send_as(std::string_view login, const mail::Path& address) const = 0;
};

}  // namespace sekisho::accounts
