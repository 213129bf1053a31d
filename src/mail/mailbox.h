// mail/mailbox.h: mailboxes and the reverse-path.
// RFC 5321 §4.1.2 (Mailbox, Reverse-path), RFC 6531 (UTF-8 local parts).
// Errors: ParseError; never throws. Thread: immutable values.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mail/domain_name.h"

namespace sekisho::mail {

// A local part (unquoted: `"a b"@x` has `a b`) at a domain.
struct Mailbox {
  std::string local_part;
  DomainName domain;

  // `local@domain`, without angle brackets. The local part is a dot-string (lenient: dots anywhere,
  // as real mail has them) or a quoted string; control octets, spaces outside quotes and a second
  // `@` are errors.
  static Expected<Mailbox> parse(std::string_view text);
  // As SMTP writes it: the local part quoted where it must be.
  std::string text() const;

  auto operator<=>(const Mailbox&) const = default;
};

// The MAIL FROM argument: a mailbox, or the null reverse-path `<>` of a bounce.
class ReversePath {
 public:
  static ReversePath null() { return ReversePath(std::nullopt); }
  // `<a@b>`, `a@b`, `<>` or nothing. A source route (`<@x:a@b>`, RFC 5321 appendix C) is dropped.
  static Expected<ReversePath> parse(std::string_view text);
  explicit ReversePath(std::optional<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}

  bool is_null() const { return !mailbox_.has_value(); }
  const std::optional<Mailbox>& mailbox() const { return mailbox_; }
  std::string text() const { return mailbox_ ? mailbox_->text() : std::string(); }

  bool operator==(const ReversePath&) const = default;

 private:
  std::optional<Mailbox> mailbox_;
};

}  // namespace sekisho::mail
