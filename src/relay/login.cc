#include "relay/login.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <new>

#include <gsasl.h>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/unique_handle.h"

namespace sekisho::relay {

namespace {

constexpr const char* scram = "SCRAM-SHA-256";
constexpr const char* token_mechanism = "XOAUTH2";

tl::unexpected<std::string> fault(std::string what) {
  return tl::unexpected<std::string>(std::move(what));
}

// These have something to say before the server's first challenge.
bool speaks_first(const std::string& mechanism) {
  return mechanism == scram || mechanism == "PLAIN" || mechanism == token_mechanism;
}

// The "i=" of the server's first message, `r=…,s=…,i=4096` (RFC 5802 §7).
bool asks_too_much(const std::string& challenge) {
  const auto at = challenge.find(",i=");
  if (at == std::string::npos) return false;
  unsigned long long iterations = 0;
  const char* begin = challenge.data() + at + 3;
  const auto [end, error] = std::from_chars(begin, challenge.data() + challenge.size(), iterations);
  return error != std::errc{} || end == begin || iterations > max_scram_iterations;
}

}  // namespace

struct Login::Session {
  UniqueHandle<Gsasl, gsasl_done> library;
  UniqueHandle<Gsasl_session, gsasl_finish> session;
  bool complete = false;

  Session(const std::string& mechanism, const Credentials& who) {
    Gsasl* made = nullptr;
    if (gsasl_init(&made) != GSASL_OK) throw std::bad_alloc();
    library.reset(made);
    Gsasl_session* begun = nullptr;
    if (gsasl_client_start(made, mechanism.c_str(), &begun) != GSASL_OK) return;
    session.reset(begun);
    gsasl_property_set(begun, GSASL_AUTHID, who.login.c_str());
    gsasl_property_set(begun, GSASL_PASSWORD, who.secret.c_str());
  }
};

Login::Login(Credentials credentials) : credentials_(std::move(credentials)) {}
Login::~Login() = default;

std::vector<std::string> Login::known() const {
  if (credentials_.is_token) return {token_mechanism};
  return {scram, "PLAIN", "LOGIN", "CRAM-MD5"};
}

bool Login::next(const std::vector<std::string>& offered) {
  const auto has = [](const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  session_.reset();
  for (const auto& mechanism : known()) {
    if (!has(offered, mechanism) || has(tried_, mechanism)) continue;
    mechanism_ = mechanism;
    tried_.push_back(mechanism);
    if (!credentials_.is_token) session_ = std::make_unique<Session>(mechanism, credentials_);
    return true;
  }
  return false;
}

// An initial response that is empty would be "=" (RFC 4954 §4); none of these has one.
Expected<std::string, std::string> Login::command() {
  const std::string begin = "AUTH " + mechanism_;
  if (!speaks_first(mechanism_)) return begin;
  if (credentials_.is_token) {
    return begin + " " +
           base64_encode("user=" + credentials_.login + "\1auth=Bearer " + credentials_.secret +
                         "\1\1");
  }
  auto first = step("");
  if (!first) return first;
  return begin + " " + *first;
}

Expected<std::string, std::string> Login::respond(std::string_view challenge) {
  // The server says why it refuses the token, and waits for an empty line before its 535.
  if (credentials_.is_token) return std::string();
  const auto octets = base64_decode(ascii::trim(challenge));
  if (!octets) return fault("the challenge of " + mechanism_ + " is not base64");
  if (mechanism_ == scram && asks_too_much(*octets)) {
    return fault("the server asks for more than " + std::to_string(max_scram_iterations) +
                 " iterations of " + mechanism_);
  }
  return step(*octets);
}

Expected<std::string, std::string> Login::step(const std::string& challenge) {
  if (!session_ || !session_->session) return fault("libgsasl does not know " + mechanism_);
  char* output = nullptr;
  std::size_t size = 0;
  const int code =
      gsasl_step(session_->session.get(), challenge.data(), challenge.size(), &output, &size);
  const UniqueHandle<char, gsasl_free> freed(output);
  if (code != GSASL_OK && code != GSASL_NEEDS_MORE)
    return fault(mechanism_ + ": " + gsasl_strerror(code));
  session_->complete = code == GSASL_OK;
  return base64_encode({output == nullptr ? "" : output, size});
}

// Only SCRAM proves the server's side too; the others are complete when the server says so.
bool Login::complete() const { return mechanism_ != scram || (session_ && session_->complete); }

}  // namespace sekisho::relay
