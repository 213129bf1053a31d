// smtp/login.h: the exchange of one AUTH command, in decoded octets: what is asked of the client,
// and the login and password that come out. RFC 4954, RFC 4616 (PLAIN), RFC 5802 and 7677
// (SCRAM-SHA-256), draft-murchison-sasl-login (LOGIN).
// Errors: steps. Thread: one owner.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/authenticator.h"

namespace sekisho::smtp {

struct LoginStep {
  enum class Kind {
    challenge,  // `challenge` goes to the client, and its answer to take()
    check,      // `login` and `password` are to be checked
    accepted,   // the exchange itself has proved the login
    wrong,      // it has proved that the password is not right, or that there is no such login
    malformed,  // no answer of this mechanism
  };
  Kind kind = Kind::malformed;
  std::string challenge = {};
  std::string login = {};
  std::string password = {};
};

class LoginExchange {
 public:
  virtual ~LoginExchange() = default;
  // What the server says first; nothing, where the client begins.
  virtual std::string first_challenge() const { return {}; }
  virtual LoginStep take(std::string_view response) = 0;
};

// As EHLO lists them: "PLAIN", "LOGIN", "SCRAM-SHA-256".
std::vector<std::string_view> mechanisms(const accounts::Authenticator& authenticator);
// nullptr: there is no such mechanism here. The authenticator must outlive the exchange. `secret`:
// accounts/scram.h.
std::unique_ptr<LoginExchange> begin_login(std::string_view mechanism,
                                           const accounts::Authenticator& authenticator,
                                           const std::string& secret);

}  // namespace sekisho::smtp
