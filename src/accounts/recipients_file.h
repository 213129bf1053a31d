// accounts/recipients_file.h: who exists behind a route with recipients = "file:PATH": a line each.
//   alice@example.jp
//   @shop.example           everybody there,
//   !spam@shop.example      but this one
// `#` begins a comment line. A word behind the address (a Postfix map's OK) is left out.
// Errors: findings with file and line; other lines count. Thread: immutable; any.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mail/path.h"

namespace sekisho::accounts {

class RecipientsFile {
 public:
  static RecipientsFile parse(std::string_view text, const std::string& path);

  // Also without the extension behind `delimiter`. An exclusion wins.
  bool contains(const mail::Path& recipient, const std::string& delimiter) const;
  // The address alone, and not because the whole domain is.
  bool names(const mail::Path& recipient, const std::string& delimiter) const;
  std::size_t size() const { return included_.size(); }
  const std::vector<std::string>& findings() const { return findings_; }

 private:
  void add_line(std::string_view line, const std::string& where);

  std::set<std::string> included_;  // in lower case; "@domain" for all of one
  std::set<std::string> excluded_;
  std::vector<std::string> findings_;
};

}  // namespace sekisho::accounts
