// accounts/authenticator.h: whether a login and its password are right. RFC 4954, 4616.
// A source that does not answer is never a wrong password.
// Errors: Code::unavailable with a reason. Thread: any; `done` is called once, on any thread, or
// before the call returns.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mail/ip_address.h"

namespace sekisho::accounts {

struct LoginAttempt {
  std::string login;
  std::string password;
  std::optional<mail::IpAddress> client;
  std::string mechanism;  // "PLAIN", "LOGIN"
};

struct LoginAnswer {
  enum class Code { accepted, wrong, unavailable };
  Code code = Code::unavailable;
  std::string login;   // accepted: as the source writes it
  std::string reason;  // for the log; no secrets
};

// What SCRAM-SHA-256 (RFC 5802, 7677) needs of a login.
struct ScramKeys {
  std::string salt;        // octets
  std::string stored_key;  // octets
  std::string server_key;  // octets
  unsigned iterations = 0;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  using Done = std::function<void(LoginAnswer)>;
  virtual void check(LoginAttempt attempt, Done done) = 0;
  // Whether logins may use SCRAM-SHA-256, and the keys of one of them (nullopt: it has none).
  virtual bool has_scram() const { return false; }
  virtual std::optional<ScramKeys> scram_keys(const std::string& /*login*/) const { return {}; }
  // Reads its file again, if it has one: every minute, and at a reload. Whether something changed.
  virtual bool look() { return false; }
  // What an admin must mend: sentences with file and line.
  virtual std::vector<std::string> findings() const { return {}; }
};

}  // namespace sekisho::accounts
