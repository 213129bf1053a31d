// relay/transaction.h: one message's envelope as a server is told it, with regard to the extensions
// that the server offers. RFC 5321 §4.1.1, 1870 (SIZE), 3461 (DSN), 6152 (8BITMIME), 6531
// (SMTPUTF8). Pure. Errors: none. Thread: immutable values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/letter.h"
#include "relay/reply.h"

namespace sekisho::relay {

struct Transaction {
  std::string sender;                   // without angle brackets; empty: the null reverse-path
  std::vector<std::string> parameters;  // "RET=HDRS", "ENVID=x"; BODY, SIZE and SMTPUTF8 follow
  std::vector<LetterRecipient> recipients;
  std::uint64_t size = 0;
  bool eight_bit = false;  // the content has octets above 127
  // Only whether the recipients would be accepted: RSET instead of DATA.
  bool probe = false;
};

// The keywords of an EHLO reply with their arguments, upper-case.
class Extensions {
 public:
  static Extensions of(const Reply& ehlo);

  bool has(std::string_view keyword) const { return offered_.find(keyword) != offered_.end(); }
  // The mechanisms of AUTH; also from the "AUTH=…" of old servers.
  std::vector<std::string> mechanisms() const;
  // The most octets of a message; nullopt: none is said (RFC 1870 §3: 0 says none).
  std::optional<std::uint64_t> size() const;

 private:
  std::map<std::string, std::string, std::less<>> offered_;
};

bool is_ascii(std::string_view text);
// Whether the address may stand between the angle brackets of a command.
bool is_sendable(std::string_view address);

// Without line ends.
std::string mail_command(const Transaction& transaction, const Extensions& offered);
std::string rcpt_command(const LetterRecipient& to, const Extensions& offered);

}  // namespace sekisho::relay
