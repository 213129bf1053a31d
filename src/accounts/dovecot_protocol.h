// accounts/dovecot_protocol.h: what a client says to Dovecot's authentication service, and what it
// hears: lines of fields between tabs. Dovecot's "Authentication Protocol", version 1.
// Errors: broken() with a reason; then the connection must be closed, and what waits is
// unavailable.
// Thread: one owner; no I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/authenticator.h"

namespace sekisho::accounts {

class DovecotConversation {
 public:
  // Dovecot's own limit for a line.
  static constexpr std::size_t max_line = 8192;

  using Answer = std::pair<unsigned, LoginAnswer>;  // with the id of its request

  // The first octets that we send. `client`: a number that no other client of the service has.
  static std::string greeting(unsigned client);
  // nullopt: this cannot be asked, for it has a NUL or is too long; no password is like that.
  static std::optional<std::string> request(unsigned id, const LoginAttempt& attempt);

  // Octets from Dovecot; the answers they complete.
  std::vector<Answer> take(std::string_view octets);
  // The service is ready for requests.
  bool ready() const { return ready_; }
  const std::optional<std::string>& broken() const { return broken_; }

 private:
  void take_line(std::string_view line, std::vector<Answer>& answers);
  void take_version(const std::vector<std::string_view>& fields);
  void take_answer(const std::vector<std::string_view>& fields, std::vector<Answer>& answers);
  void finish_greeting();

  std::string input_;  // the beginning of a line
  bool version_seen_ = false;
  bool plain_seen_ = false;
  bool ready_ = false;
  std::optional<std::string> broken_;
};

}  // namespace sekisho::accounts
