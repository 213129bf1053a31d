// accounts/user_file.h: the users' file. A line is one login; what verifies its password follows,
// in any order: a hash of crypt(5), keys for SCRAM-SHA-256, or both (accounts/password.h):
//   alice@example.jp:$y$j9T$…
//   bob@example.jp:$6$…:{SCRAM-SHA-256}4096,…,…,…
// A scheme of Dovecot before a hash of crypt(5) ({BLF-CRYPT}$2y$…) is allowed. `#` begins a comment
// line. Logins are compared without regard to case.
// Errors: findings with file and line; other lines count. Thread: immutable; any.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/authenticator.h"

namespace sekisho::accounts {

struct User {
  std::string login;  // as it is written
  std::string hash;   // empty: none
  std::optional<ScramKeys> scram;
};

class UserFile {
 public:
  // `path`: for the findings.
  static UserFile parse(std::string_view text, const std::string& path);

  // nullptr: there is no such login.
  const User* find(std::string_view login) const;
  std::size_t size() const { return users_.size(); }
  // Sorted by the login.
  std::vector<User> all() const;
  // All logins have keys: a mail program that is offered SCRAM takes nothing else.
  bool all_have_scram() const { return !users_.empty() && with_scram_ == users_.size(); }
  // Takes as long for a login that does not exist as for one of the others.
  bool verify(const std::string& login, const std::string& password) const;
  const std::vector<std::string>& findings() const { return findings_; }

 private:
  void read_line(std::string_view line, const std::string& where);

  std::map<std::string, User> users_;  // by the login in lower case
  std::size_t with_scram_ = 0;
  std::vector<std::string> findings_;
  User nobody_;  // what is verified for a login that does not exist: hashed like one of the others
};

}  // namespace sekisho::accounts
