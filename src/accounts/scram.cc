#include "accounts/scram.h"

#include <algorithm>
#include <utility>

#include "accounts/password.h"
#include "accounts/random_octets.h"
#include "base/ascii.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"

namespace sekisho::accounts {

namespace {

using Kind = ScramServer::Step::Kind;

constexpr std::size_t salt_octets = 16;

// saslname (RFC 5802 §7): "=2C" is a comma, "=3D" an equals sign, and nothing else may follow "=".
std::optional<std::string> decode_name(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') return std::nullopt;
    if (text[i] != '=') {
      name += text[i];
      continue;
    }
    const auto code = text.substr(i + 1, 2);
    if (code != "2C" && code != "3D") return std::nullopt;
    name += code == "2C" ? ',' : '=';
    i += 2;
  }
  return name;
}

bool is_nonce(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > ' ' && c <= '~' && c != ','; });
}

// Takes "NAME=value" from the front, with the comma behind it.
std::optional<std::string_view> take(std::string_view& text, char name) {
  if (text.size() < 2 || text[0] != name || text[1] != '=') return std::nullopt;
  const auto comma = text.find(',');
  const auto value = text.substr(2, comma == std::string_view::npos ? comma : comma - 2);
  text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  return value;
}

// Extensions: "x=value", which we do not know and may leave out. "m" is one that must be known.
bool only_extensions(std::string_view text) {
  while (!text.empty()) {
    const char name = text.front();
    if (name == 'm' || !((name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z')))
      return false;
    if (!take(text, name)) return false;
  }
  return true;
}

struct Header {
  std::string text;  // "n,,"
  std::optional<std::string> authorization;
};

// gs2-header (RFC 5802 §7). The reason where it cannot be taken.
Expected<Header, std::string> take_header(std::string_view& message) {
  const std::string_view all = message;
  if (message.starts_with("p=")) {
    return tl::unexpected(std::string("the client demands a channel binding that was not offered"));
  }
  if (!message.starts_with("n,") && !message.starts_with("y,"))
    return tl::unexpected(std::string("no gs2 header"));
  message.remove_prefix(2);
  Header header;
  if (message.starts_with("a=")) {
    const auto comma = message.find(',');
    if (comma == std::string_view::npos) return tl::unexpected(std::string("no gs2 header"));
    header.authorization = decode_name(message.substr(2, comma - 2));
    if (!header.authorization) return tl::unexpected(std::string("a malformed authorization"));
    message.remove_prefix(comma);
  }
  if (!message.starts_with(",")) return tl::unexpected(std::string("no gs2 header"));
  message.remove_prefix(1);
  header.text = all.substr(0, all.size() - message.size());
  return header;
}

}  // namespace

ScramServer::ScramServer(FindKeys find_keys, std::string secret, std::string nonce)
    : find_keys_(std::move(find_keys)),
      secret_(std::move(secret)),
      nonce_(nonce.empty() ? base64_encode(random_octets(18)) : std::move(nonce)) {}

ScramServer::Step ScramServer::over(Step::Kind kind, std::string reason) {
  state_ = State::over;
  return {kind, {}, std::move(reason)};
}

ScramServer::Step ScramServer::step(std::string_view message) {
  if (message.size() > max_message) return over(Kind::malformed, "a message that is too long");
  switch (state_) {
    case State::first:
      return take_first(message);
    case State::proof:
      return take_proof(message);
    case State::end:
      if (!message.empty()) return over(Kind::malformed, "text after the server's proof");
      return over(Kind::accepted, {});
    case State::over:
      break;
  }
  return over(Kind::malformed, "a message after the end");
}

ScramServer::Step ScramServer::take_first(std::string_view message) {
  auto header = take_header(message);
  if (!header) return over(Kind::malformed, header.error());
  gs2_header_ = std::move(header->text);
  client_first_bare_ = message;
  const auto name = take(message, 'n');
  const auto login = name ? decode_name(*name) : std::nullopt;
  const auto client_nonce = take(message, 'r');
  if (!login || login->empty() || !client_nonce || !is_nonce(*client_nonce) ||
      !only_extensions(message)) {
    return over(Kind::malformed, "a malformed first message");
  }
  login_ = *login;
  if (header->authorization && *header->authorization != login_)
    return over(Kind::wrong, "a login that wants to be another one");
  auto keys = find_keys_(login_);
  exists_ = keys.has_value();
  if (!keys) {
    // Logins are found in any case: their false salts must not differ by it either.
    const auto made = crypto::hmac_sha256(secret_, ascii::lower(login_));
    const std::string octets(made.view());
    keys = ScramKeys{octets.substr(0, salt_octets), octets, octets, scram_iterations};
  }
  keys_ = std::move(*keys);
  nonce_ = std::string(*client_nonce) + nonce_;
  server_first_ =
      "r=" + nonce_ + ",s=" + base64_encode(keys_.salt) + ",i=" + std::to_string(keys_.iterations);
  state_ = State::proof;
  return {Kind::challenge, server_first_, {}};
}

ScramServer::Step ScramServer::take_proof(std::string_view message) {
  const auto at = message.rfind(",p=");
  if (at == std::string_view::npos) return over(Kind::malformed, "no proof");
  std::string_view without_proof = message.substr(0, at);
  const std::string auth_message =
      client_first_bare_ + "," + server_first_ + "," + std::string(without_proof);
  const auto proof = base64_decode(message.substr(at + 3));
  const auto binding = take(without_proof, 'c');
  const auto nonce = take(without_proof, 'r');
  if (!proof || !binding || !nonce || !only_extensions(without_proof))
    return over(Kind::malformed, "a malformed proof");
  if (base64_decode(*binding) != gs2_header_)
    return over(Kind::malformed, "another gs2 header than in the first message");
  if (!crypto::equal_secrets(*nonce, nonce_)) return over(Kind::malformed, "another nonce");
  return judge(*proof, auth_message);
}

ScramServer::Step ScramServer::judge(const std::string& proof, const std::string& auth_message) {
  std::string client_key(crypto::hmac_sha256(keys_.stored_key, auth_message).view());
  if (proof.size() != client_key.size()) return over(Kind::malformed, "a malformed proof");
  for (std::size_t i = 0; i < proof.size(); ++i)
    client_key[i] = static_cast<char>(client_key[i] ^ proof[i]);
  const bool fits = crypto::equal_secrets(crypto::sha256(client_key).view(), keys_.stored_key);
  if (!fits || !exists_) return over(Kind::wrong, exists_ ? "wrong password" : "no such login");
  state_ = State::end;
  const auto signature = crypto::hmac_sha256(keys_.server_key, auth_message);
  return {Kind::challenge, "v=" + base64_encode(signature.view()), {}};
}

}  // namespace sekisho::accounts
