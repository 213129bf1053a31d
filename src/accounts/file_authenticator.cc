#include "accounts/file_authenticator.h"

#include <utility>

namespace sekisho::accounts {

FileAuthenticator::FileAuthenticator(const std::string& path, std::size_t threads)
    : state_(State{WatchedFile(path, WatchedFile::Secrecy::not_for_others), nullptr, {}}),
      checks_(threads) {
  look();
}

bool FileAuthenticator::look() {
  // The file is read without the lock. Two looks at the same moment see the same.
  auto file = state_.with([](const State& state) { return state.file; });
  if (!file.look()) return false;
  std::shared_ptr<const UserFile> users;
  if (file.current()) users = std::make_shared<UserFile>(UserFile::parse(file.text(), file.path()));
  state_.with([&](State& state) {
    if (users) state.users.swap(users);
    state.fault = file.fault();
    std::swap(state.file, file);
  });
  return true;
}

void FileAuthenticator::check(LoginAttempt attempt, Done done) {
  using Code = LoginAnswer::Code;
  auto [users, fault] =
      state_.with([](const State& state) { return std::pair(state.users, state.fault); });
  if (!users) return done({Code::unavailable, {}, fault});
  checks_.post(
      [users = std::move(users), attempt = std::move(attempt), done = std::move(done)](bool run) {
        if (!run) return done({Code::unavailable, {}, "too many passwords wait to be checked"});
        if (!users->verify(attempt.login, attempt.password))
          return done(
              {Code::wrong, {}, users->find(attempt.login) ? "wrong password" : "no such login"});
        done({Code::accepted, users->find(attempt.login)->login, {}});
      });
}

bool FileAuthenticator::has_scram() const {
  return state_.with(
      [](const State& state) { return state.users && state.users->all_have_scram(); });
}

std::optional<ScramKeys> FileAuthenticator::scram_keys(const std::string& login) const {
  const auto users = state_.with([](const State& state) { return state.users; });
  const User* user = users ? users->find(login) : nullptr;
  return user == nullptr ? std::nullopt : user->scram;
}

std::vector<std::string> FileAuthenticator::findings() const {
  return state_.with([](const State& state) {
    auto findings = state.users ? state.users->findings() : std::vector<std::string>();
    if (!state.fault.empty()) findings.insert(findings.begin(), state.fault);
    return findings;
  });
}

}  // namespace sekisho::accounts
