// relay/login.h: the client's side of AUTH on one connection: SCRAM-SHA-256, PLAIN, LOGIN and
// CRAM-MD5 by libgsasl, or XOAUTH2 with a token. Each mechanism is tried once; the strongest first.
// RFC 4954, 4422, 5802, 7677, 4616, 2195.
// Errors: a sentence without the secret. Thread: one owner.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sekisho::relay {

struct Credentials {
  std::string login;
  std::string secret;
  bool is_token = false;  // the secret is an access token for XOAUTH2
};

// A server names the iterations of SCRAM. So many take some 0.1 s, during which the loop of the
// connection does nothing else; Dovecot uses 4,096.
inline constexpr unsigned max_scram_iterations = 100'000;

class Login {
 public:
  explicit Login(Credentials credentials);
  ~Login();

  // Begins the next mechanism that is offered and was not tried; false: none is left.
  bool next(const std::vector<std::string>& offered);
  // "AUTH PLAIN AGEAYg==": the command that begins it.
  Expected<std::string, std::string> command();
  // What answers a 334, without the line end; the challenge is the text behind the code.
  Expected<std::string, std::string> respond(std::string_view challenge);
  // Whether the mechanism has all that it needs: with SCRAM the server has proved that it knows the
  // password too.
  bool complete() const;
  const std::string& mechanism() const { return mechanism_; }
  const std::string& name() const { return credentials_.login; }
  // Those that we know, strongest first.
  std::vector<std::string> known() const;

 private:
  struct Session;
  Expected<std::string, std::string> step(const std::string& challenge);

  Credentials credentials_;
  std::vector<std::string> tried_;
  std::string mechanism_;
  std::unique_ptr<Session> session_;  // of libgsasl
};

}  // namespace sekisho::relay
