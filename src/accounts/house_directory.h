// accounts/house_directory.h: the names of this house, from what its files said when it was made.
// Errors: Existence::unknown and Expansion::fault where a list could not be read. Thread:
// immutable; any.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "accounts/aliases.h"
#include "accounts/directory.h"
#include "accounts/recipients_file.h"
#include "accounts/senders.h"
#include "accounts/srs.h"
#include "accounts/user_file.h"

namespace sekisho::accounts {

class HouseDirectory final : public Directory {
 public:
  // A chain of aliases is longer only by mistake.
  static constexpr int deepest_alias = 20;
  // As many as Postfix (virtual_alias_expansion_limit).
  static constexpr std::size_t most_recipients = 1000;

  struct Parts {
    std::shared_ptr<const relay::Map> routes;
    std::string origin;  // completes bare targets
    std::string delimiter;
    std::set<std::string> alias_domains;  // where bare names of aliases hold; lower case
    Aliases aliases;
    std::string aliases_fault;  // a file of aliases was never read; empty: none
    Senders senders;
    std::shared_ptr<const UserFile> users;  // nullptr: cannot be read
    // By their paths; nullptr: cannot be read.
    std::map<std::string, std::shared_ptr<const RecipientsFile>> recipients;
    Srs srs;
  };

  explicit HouseDirectory(Parts parts) : parts_(std::move(parts)) {}

  std::optional<mail::Path> reversed(const mail::Path& recipient) const override;
  Existence exists(const mail::Path& recipient, const relay::Route* route) const override;
  Expansion expand(const mail::Path& sender, const mail::Path& recipient) const override;
  bool may_send_as(std::string_view login, const mail::Path& address) const override;

 private:
  // One name that is an alias, as its line writes it.
  struct Alias {
    std::string name;  // "sales", "sales@example.jp", "@example.jp"
    const AliasTargets* targets;
  };
  class Walk;

  // Aliases but "@domain". `bare`: the name was written without a domain.
  std::optional<Alias> named_alias(const std::string& address, bool bare) const;
  std::optional<Alias> alias_of(const mail::Path& path, bool bare = false) const;
  // Whether a user or a recipients' file names it.
  bool is_listed(const mail::Path& recipient) const;
  Existence among_users(const mail::Path& recipient) const;
  Existence in_file(const mail::Path& recipient, const std::string& path) const;
  bool holds_bare_names(std::string_view domain) const;
  bool is_ours(std::string_view domain) const;

  const Parts parts_;
};

}  // namespace sekisho::accounts
