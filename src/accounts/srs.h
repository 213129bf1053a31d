// accounts/srs.h: the Sender Rewriting Scheme: mail that is forwarded outside leaves with a sender
// of ours, from which a bounce finds its way back. The same octets as postsrsd 1.10 and libsrs2
// with the same secret (Shevek, "The Sender Rewriting Scheme", 2004):
//   a@x.example          SRS0=HHHH=TT=x.example=a@srs.example
//   SRS0=…@y.example     SRS1=HHHH=y.example==…@srs.example
// Errors: values. Thread: immutable; any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mail/path.h"

namespace sekisho::accounts {

class Srs {
 public:
  // Bounces come within days; postsrsd takes as many.
  static constexpr int valid_days = 21;

  // The first secret makes addresses, all of them are recognised.
  Srs(std::vector<std::string> secrets, std::string domain)
      : secrets_(std::move(secrets)), domain_(std::move(domain)) {}

  const std::string& domain() const { return domain_; }

  // nullopt: this sender cannot be rewritten: it is null, has no domain, or would be longer than
  // SMTP allows (RFC 5321 §4.5.3.1.1).
  std::optional<mail::Path> forward(const mail::Path& sender, WallTime now = wall_now()) const;
  // Whether this is an address of the scheme at our domain.
  bool is_ours(const mail::Path& recipient) const;
  // nullopt: forged, expired or malformed.
  std::optional<mail::Path> reverse(const mail::Path& recipient, WallTime now = wall_now()) const;

 private:
  std::string hash(const std::string& secret, std::string_view text) const;
  bool has_hash(std::string_view hash, std::string_view text) const;
  std::optional<std::string> reverse_first(std::string_view rest, WallTime now) const;
  std::optional<std::string> reverse_second(std::string_view rest) const;

  std::vector<std::string> secrets_;
  std::string domain_;
};

// The secrets of a file, a line each; where there is no file, one is made (mode 0600) with a new
// secret.
// Errors: a sentence for the admin.
Expected<std::vector<std::string>, std::string> srs_secrets(const std::string& path);

}  // namespace sekisho::accounts
