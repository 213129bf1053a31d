#include "smtp/login_dialogue.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/encoding.h"

namespace sekisho::smtp {

namespace {

// More than any source has; and a login is a word of a line in the log.
constexpr std::size_t most_login_name = 255;

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), ascii::to_upper);
  return out;
}

}  // namespace

void LoginDialogue::begin(std::string_view argument) {
  const auto blank = argument.find_first_of(" \t");
  mechanism_ = upper(argument.substr(0, blank));
  authenticator_ = talk_.site->authenticator;
  if (!authenticator_) return over({454, "4.7.0", "Logins are not configured"});
  exchange_ = begin_login(mechanism_, *authenticator_, talk_.services.scram_secret);
  if (!exchange_) {
    mechanism_ = "mechanism";
    log_failure("Invalid authentication mechanism", "");
    return over({504, "5.5.4", "Unrecognized authentication type"});
  }
  talk_.state = State::login;
  slowed_ = false;
  if (blank == std::string_view::npos) {
    return talk_.answer({334, "", base64_encode(exchange_->first_challenge())});
  }
  auto initial = ascii::trim(argument.substr(blank));
  // RFC 4954 §4: "=" is an initial response without octets.
  take_base64(initial == "=" ? "" : initial);
}

void LoginDialogue::take(std::string_view line) {
  // RFC 4954 §4: the client cancels.
  if (line == "*") return over({501, "5.7.0", "Authentication aborted"});
  take_base64(line);
}

void LoginDialogue::take_base64(std::string_view text) {
  const auto octets = base64_decode(text);
  if (!octets) return over({501, "5.5.2", "The line is not base64"});
  step(exchange_->take(*octets));
}

void LoginDialogue::step(LoginStep step) {
  switch (step.kind) {
    case LoginStep::Kind::challenge:
      return challenge(step);
    case LoginStep::Kind::check:
      return check(std::move(step));
    case LoginStep::Kind::accepted:
      if (is_blocked(step.login)) return;
      return accept(step.login);
    case LoginStep::Kind::wrong:
      if (is_blocked(step.login)) return;
      return wrong(step.login, "authentication failure");
    case LoginStep::Kind::malformed:
      return over({501, "5.5.2", "Malformed authentication data"});
  }
}

// Too many failures of this login from there: it is refused unasked.
bool LoginDialogue::is_blocked(const std::string& login) {
  const auto most = talk_.limits().login_failures;
  if (!talk_.services.failures.blocked(talk_.client.key(), login, most)) return false;
  log_failure("too many failures", login);
  over({454, "4.7.0", "Too many failures; try again later"});
  return true;
}

// An exchange that proves the login by itself names it before it says anything about its password:
// a guesser must not learn from the server's proof what the block or the delay withhold.
void LoginDialogue::challenge(const LoginStep& step) {
  if (step.login.size() > most_login_name) {
    return wrong(step.login.substr(0, most_login_name), "authentication failure");
  }
  auto say = [this, text = base64_encode(step.challenge)] { talk_.answer({334, "", text}); };
  if (step.login.empty()) return say();
  if (is_blocked(step.login)) return;
  const auto delay = talk_.services.failures.delay(talk_.client.key(), step.login);
  if (delay.count() == 0 || std::exchange(slowed_, true)) return say();
  talk_.wait();
  talk_.later(delay, std::move(say));
}

void LoginDialogue::check(LoginStep step) {
  const auto client = talk_.client.key();
  if (step.login.empty() || step.login.size() > most_login_name) {
    return wrong(step.login.substr(0, most_login_name), "authentication failure");
  }
  if (is_blocked(step.login)) return;
  const auto delay = talk_.services.failures.delay(client, step.login);
  talk_.wait();
  if (delay.count() == 0) return ask(step.login, step.password);
  talk_.later(delay, [this, step = std::move(step)] { ask(step.login, step.password); });
}

void LoginDialogue::ask(const std::string& login, const std::string& password) {
  auto done = talk_.back<accounts::LoginAnswer>(
      [this, login](const accounts::LoginAnswer& answer) { answered(login, answer); });
  authenticator_->check({login, password, talk_.client.address, mechanism_}, std::move(done));
}

void LoginDialogue::answered(const std::string& login, const accounts::LoginAnswer& answer) {
  switch (answer.code) {
    case accounts::LoginAnswer::Code::accepted:
      return accept(answer.login.empty() ? login : answer.login);
    case accounts::LoginAnswer::Code::wrong:
      return wrong(login, answer.reason.empty() ? "authentication failure" : answer.reason);
    case accounts::LoginAnswer::Code::unavailable:
      return unavailable(login, answer.reason);
  }
}

void LoginDialogue::accept(const std::string& login) {
  ++talk_.services.counters.logins;
  talk_.services.failures.succeeded(talk_.client.key(), login);
  talk_.client.login = login;
  talk_.client.mechanism = mechanism_;
  over({235, "2.7.0", "Authentication successful"});
}

void LoginDialogue::wrong(const std::string& login, std::string_view reason) {
  ++talk_.services.counters.login_failures;
  talk_.services.failures.failed(talk_.client.key(), login);
  log_failure(reason, login);
  over({535, "5.7.8", "Error: authentication failed"});
}

// A source that does not answer is nobody's failure: fail2ban's filters leave out these words.
void LoginDialogue::unavailable(const std::string& login, const std::string& reason) {
  ++talk_.services.counters.login_unavailable;
  log_failure("Connection lost to authentication server: " + escape_for_log(reason, 200), login);
  over({454, "4.7.0", "Temporary authentication failure"});
}

void LoginDialogue::over(const Reply& reply) {
  exchange_.reset();
  authenticator_.reset();
  if (talk_.state == State::login) talk_.state = State::ready;
  talk_.answer(reply);
}

void LoginDialogue::log_failure(std::string_view reason, const std::string& login) {
  std::string line = talk_.client.text() + ": SASL " + mechanism_ + " authentication failed: ";
  line.append(reason);
  if (!login.empty()) line += ", sasl_username=" + escape_as_word(login, most_login_name);
  talk_.log(LogLevel::warning, "warning: " + line);
}

}  // namespace sekisho::smtp
