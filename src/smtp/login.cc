#include "smtp/login.h"

#include <utility>

#include "accounts/scram.h"

namespace sekisho::smtp {

namespace {

using Kind = LoginStep::Kind;

constexpr std::string_view plain = "PLAIN";
constexpr std::string_view login = "LOGIN";
constexpr std::string_view scram = "SCRAM-SHA-256";

// RFC 4616 §2: [authzid] NUL authcid NUL passwd.
class Plain final : public LoginExchange {
 public:
  LoginStep take(std::string_view response) override {
    const auto first = response.find('\0');
    if (first == std::string_view::npos) return {Kind::malformed};
    const auto as_whom = response.substr(0, first);
    const auto rest = response.substr(first + 1);
    const auto second = rest.find('\0');
    if (second == std::string_view::npos) return {Kind::malformed};
    const auto who = rest.substr(0, second);
    const auto password = rest.substr(second + 1);
    if (who.empty() || password.empty() || password.find('\0') != std::string_view::npos) {
      return {Kind::malformed};
    }
    // Nobody may act for another one.
    if (!as_whom.empty() && as_whom != who) return {Kind::wrong, "", std::string(who), ""};
    return {Kind::check, "", std::string(who), std::string(password)};
  }
};

// Two questions; the name may come with the command.
class Login final : public LoginExchange {
 public:
  std::string first_challenge() const override { return "Username:"; }
  LoginStep take(std::string_view response) override {
    if (response.empty() || response.find('\0') != std::string_view::npos) {
      return {Kind::malformed};
    }
    if (name_.empty()) {
      name_ = response;
      return {Kind::challenge, "Password:"};
    }
    return {Kind::check, "", name_, std::string(response)};
  }

 private:
  std::string name_;
};

class Scram final : public LoginExchange {
 public:
  Scram(const accounts::Authenticator& authenticator, const std::string& secret)
      : server_(
            [&authenticator](const std::string& name) { return authenticator.scram_keys(name); },
            secret) {}

  LoginStep take(std::string_view response) override {
    auto step = server_.step(response);
    using ScramKind = accounts::ScramServer::Step::Kind;
    switch (step.kind) {
      case ScramKind::challenge:
        return {Kind::challenge, std::move(step.text), server_.login()};
      case ScramKind::accepted:
        return {Kind::accepted, "", server_.login()};
      case ScramKind::wrong:
        return {Kind::wrong, "", server_.login()};
      case ScramKind::malformed:
        return {Kind::malformed, "", server_.login()};
    }
    return {};
  }

 private:
  accounts::ScramServer server_;
};

}  // namespace

std::vector<std::string_view> mechanisms(const accounts::Authenticator& authenticator) {
  if (authenticator.has_scram()) return {plain, login, scram};
  return {plain, login};
}

std::unique_ptr<LoginExchange> begin_login(std::string_view mechanism,
                                           const accounts::Authenticator& authenticator,
                                           const std::string& secret) {
  if (mechanism == plain) return std::make_unique<Plain>();
  if (mechanism == login) return std::make_unique<Login>();
  if (mechanism == scram && authenticator.has_scram()) {
    return std::make_unique<Scram>(authenticator, secret);
  }
  return nullptr;
}

}  // namespace sekisho::smtp
