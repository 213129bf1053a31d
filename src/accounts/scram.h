// accounts/scram.h: the server's side of SCRAM-SHA-256, message by message. RFC 5802, 7677. Without
// channel binding: a client that demands it is refused.
//   ScramServer scram(find_keys, secret);
//   auto step = scram.step(client_first);   // challenge: send step.text, give the answer to step()
// A login that does not exist gets a salt of its own, the same each time, and fails at the end like
// a wrong password.
// Errors: Kind::failed with a reason for the log. Thread: one owner; no I/O.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "accounts/authenticator.h"

namespace sekisho::accounts {

class ScramServer {
 public:
  using FindKeys = std::function<std::optional<ScramKeys>(const std::string& login)>;

  // Names and nonces of real clients have some 100 octets.
  static constexpr std::size_t max_message = 4096;

  struct Step {
    enum class Kind {
      challenge,  // `text` goes to the client
      accepted,   // the password is right
      wrong,      // the password is not, or there is no such login
      malformed,  // the client broke the protocol
    };
    Kind kind = Kind::malformed;
    std::string text;
    std::string reason;  // for the log
  };

  // `secret`: the same for the life of the daemon. `nonce`: for tests; empty: a random one.
  ScramServer(FindKeys find_keys, std::string secret, std::string nonce = {});

  // The next message of the client, decoded from base64. The last one is empty: SMTP has no place
  // for the server's proof but a challenge (RFC 4954 §4).
  Step step(std::string_view message);
  // As the client wrote it; known after the first message.
  const std::string& login() const { return login_; }

 private:
  enum class State { first, proof, end, over };
  Step take_first(std::string_view message);
  Step take_proof(std::string_view message);
  Step judge(const std::string& proof, const std::string& auth_message);
  Step over(Step::Kind kind, std::string reason);

  const FindKeys find_keys_;
  const std::string secret_;
  std::string nonce_;  // ours; then both
  State state_ = State::first;
  std::string login_;
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string server_first_;
  bool exists_ = false;
  ScramKeys keys_;
};

}  // namespace sekisho::accounts
