// smtp/header_watch.h: what the front itself must know of a message's header: how far it has come,
// whether its author belongs to the login, and which fields are added or taken away for our own
// users. RFC 6409 §8, RFC 5322 §3.6, RFC 5321 §6.3.
// Thread: one owner.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "mail/author.h"
#include "mail/header.h"
#include "policy/verdict.h"

namespace sekisho::smtp {

class HeaderWatch {
 public:
  // `own_name`: by which this host writes its Received fields.
  explicit HeaderWatch(std::string own_name) : own_name_(std::move(own_name)) {}

  void see(const mail::HeaderField& field);
  void malformed_line(const std::string& line);

  std::size_t received() const { return received_; }
  std::size_t received_by_us() const { return received_by_us_; }
  mail::Author author() const { return mail::find_author(from_, malformed_); }
  // For mail of a login or of this host: a missing Date and Message-ID are added, Bcc, Resent-Bcc
  // and Return-Path are removed. Removals from the last to the first.
  std::vector<policy::Edit> completion(const std::string& id, WallTime now) const;

 private:
  std::string own_name_;
  std::size_t received_ = 0;
  std::size_t received_by_us_ = 0;
  bool dated_ = false;
  bool named_ = false;
  mail::Header from_;                   // its From fields, and those that may hide one
  std::vector<std::string> malformed_;  // as many as the session looks at
  std::map<std::string_view, std::size_t> seen_;
  std::vector<policy::Edit> removals_;
};

// Whether every mailbox of the author may be used by `owns`.
bool author_belongs(const mail::Author& author,
                    const std::function<bool(const mail::Mailbox&)>& owns);

}  // namespace sekisho::smtp
