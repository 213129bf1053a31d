// mail/path.h: the reverse-path of MAIL FROM or a forward-path of RCPT TO, taken apart once when
// the command arrives. RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.2. The client's text is always kept as it
// was. An address that can be read in several ways has no mailbox; its domain is then only the most
// likely one.
// Errors: none. Thread: immutable values.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/mailbox.h"

namespace sekisho::mail {

class Path {
 public:
  // The null reverse-path `<>`.
  Path() = default;
  // Without angle brackets; a source route (`@x,@y:user@domain`, RFC 5321 appendix C) may be there.
  Path(std::string raw);
  Path(std::string_view raw) : Path(std::string(raw)) {}
  Path(const char* raw) : Path(std::string(raw)) {}

  bool is_null() const { return raw_.empty(); }
  // As the client wrote it.
  const std::string& raw() const { return raw_; }
  // Before and behind the last "@", without the source route, as written. A path without an "@" is
  // all local part: "postmaster" (RFC 5321 §2.3.5).
  std::string_view local_part() const;
  std::string_view domain() const;
  bool has_domain() const { return at_ != std::string::npos; }
  // Read strictly; nullopt for the null reverse-path and for a text that is no address.
  const std::optional<Mailbox>& mailbox() const { return mailbox_; }

  // The same text is the same path.
  bool operator==(const Path& other) const { return raw_ == other.raw_; }

 private:
  std::string raw_;
  std::size_t start_ = 0;               // behind the source route
  std::size_t at_ = std::string::npos;  // the last "@" behind it
  std::optional<Mailbox> mailbox_;
};

// The texts of several, as the client wrote them.
std::vector<std::string> raw_texts(const std::vector<Path>& paths);

}  // namespace sekisho::mail
