// accounts/file_authenticator.h: logins of the users' file (accounts/user_file.h).
// Errors: a file that was never read is unavailable; later the last content holds. Thread: any,
// internally locked; look() waits for the disk.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accounts/authenticator.h"
#include "accounts/password_checks.h"
#include "accounts/user_file.h"
#include "accounts/watched_file.h"
#include "base/guarded.h"

namespace sekisho::accounts {

class FileAuthenticator final : public Authenticator {
 public:
  // Reads the file.
  explicit FileAuthenticator(const std::string& path,
                             std::size_t threads = PasswordChecks::usual_threads());

  void check(LoginAttempt attempt, Done done) override;
  bool has_scram() const override;
  std::optional<ScramKeys> scram_keys(const std::string& login) const override;
  bool look() override;
  std::vector<std::string> findings() const override;

 private:
  struct State {
    WatchedFile file;
    std::shared_ptr<const UserFile> users;  // nullptr: the file was never read
    std::string fault;
  };
  Guarded<State> state_;
  PasswordChecks checks_;
};

}  // namespace sekisho::accounts
