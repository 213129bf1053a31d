// accounts/senders.h: as whom a login may send. Without a file that is its own address, with any
// extension; a file adds to it:
//   alice@example.jp: sales@example.jp, @shop.example
//   scanner: *
// A login without "@" owns that name at each of our domains.
// Errors: findings with file and line; other lines count. Thread: immutable; any.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mail/path.h"

namespace sekisho::accounts {

class Senders {
 public:
  struct House {
    std::vector<std::string> domains;  // identity.domains
    std::string delimiter;             // before an extension; empty: none
  };

  explicit Senders(House house) : house_(std::move(house)) {}
  void add(std::string_view text, const std::string& path);

  // The null reverse-path is everybody's: it names nobody, and mail programs use it for receipts
  // (RFC 8098 §3).
  bool may_send_as(std::string_view login, const mail::Path& address) const;
  const std::vector<std::string>& findings() const { return findings_; }

 private:
  void add_line(std::string_view line, const std::string& where);
  bool owns(std::string_view login, const std::string& address) const;

  const House house_;
  std::map<std::string, std::vector<std::string>> granted_;  // all in lower case
  std::vector<std::string> findings_;
};

// "alice+list@example.jp" to "alice@example.jp"; other addresses stay. A delimiter at the begin of
// the local part is none.
std::string without_extension(const std::string& address, const std::string& delimiter);

// `local@domain` as names are compared: lower case, the domain in A-labels. Only the local part for
// a path without a domain.
std::string comparable(const mail::Path& path);

}  // namespace sekisho::accounts
