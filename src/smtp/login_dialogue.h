// smtp/login_dialogue.h: AUTH on a submission port: lines of base64 into an exchange, the source's
// answer into a reply, and the lines in the log that fail2ban's postfix filters find. No line has a
// secret. RFC 4954.
// Thread: one owner.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "smtp/login.h"
#include "smtp/talk.h"

namespace sekisho::smtp {

class LoginDialogue {
 public:
  explicit LoginDialogue(Talk& talk) : talk_(talk) {}

  // AUTH and its argument: "PLAIN AGEAYg==".
  void begin(std::string_view argument);
  // A line of the exchange.
  void take(std::string_view line);

 private:
  void take_base64(std::string_view text);
  void step(LoginStep step);
  void challenge(const LoginStep& step);
  void check(LoginStep step);
  bool is_blocked(const std::string& login);
  void ask(const std::string& login, const std::string& password);
  void answered(const std::string& login, const accounts::LoginAnswer& answer);
  void accept(const std::string& login);
  void wrong(const std::string& login, std::string_view reason);
  void unavailable(const std::string& login, const std::string& reason);
  void over(const Reply& reply);
  void log_failure(std::string_view reason, const std::string& login);

  Talk& talk_;
  // The source of this exchange: a reload may bring another one.
  std::shared_ptr<accounts::Authenticator> authenticator_;
  std::unique_ptr<LoginExchange> exchange_;
  std::string mechanism_;
  bool slowed_ = false;  // the answer to this exchange was late enough
};

}  // namespace sekisho::smtp
