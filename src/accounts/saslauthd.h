// accounts/saslauthd.h: asks saslauthd of Cyrus SASL whether a login and its password are right:
// the service is "smtp", the whole login is the user, and there is no realm. A connection for each.
// Errors: a socket that is away, silence, garbage and saslauthd's own failures are unavailable.
// Thread: any.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "accounts/authenticator.h"
#include "accounts/password_checks.h"

namespace sekisho::accounts {

class Saslauthd final : public Authenticator {
 public:
  // PAM delays a refusal by some 2 seconds; mail programs wait for 30.
  static constexpr std::chrono::milliseconds usual_patience = std::chrono::seconds(10);
  // saslauthd has five processes by default; more connections only wait there.
  static constexpr std::size_t connections = 5;

  explicit Saslauthd(std::string socket_path, std::chrono::milliseconds patience = usual_patience);

  void check(LoginAttempt attempt, Done done) override;

  // nullopt: a text is too long for the protocol.
  static std::optional<std::string> request(const LoginAttempt& attempt);
  // "OK", "NO", or either with a reason.
  static LoginAnswer answer(std::string_view text, const std::string& login);

 private:
  LoginAnswer ask(const LoginAttempt& attempt) const;

  const std::string path_;
  const std::chrono::milliseconds patience_;
  PasswordChecks checks_;
};

}  // namespace sekisho::accounts
