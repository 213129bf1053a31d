#include "accounts/password.h"

#include <crypt.h>
#include <string.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/unique_handle.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"

namespace sekisho::accounts {

namespace {

constexpr std::string_view scram_scheme = "{SCRAM-SHA-256}";
constexpr std::size_t key_octets = 32;
// A line with a huge number would keep a thread busy for minutes at each login.
constexpr unsigned most_iterations = 1000000;

std::string crypt_text(const std::string& password, const std::string& setting) {
  const auto data = std::make_unique<crypt_data>();  // 32 KB; zero, as crypt_r wants it
  const char* made = ::crypt_r(password.c_str(), setting.c_str(), data.get());
  std::string text = made == nullptr ? std::string() : made;
  ::explicit_bzero(data.get(), sizeof *data);
  return text;
}

bool could_be_password(const std::string& password) {
  return !password.empty() && password.size() < max_password &&
         password.find('\0') == std::string::npos;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at != std::string_view::npos;) {
    const std::size_t comma = text.find(',', at);
    parts.push_back(text.substr(at, comma == std::string_view::npos ? comma : comma - at));
    at = comma == std::string_view::npos ? comma : comma + 1;
  }
  return parts;
}

std::optional<unsigned> parse_iterations(std::string_view text) {
  if (text.empty() || text.size() > 7) return std::nullopt;
  unsigned number = 0;
  for (const char digit : text) {
    if (!ascii::is_digit(digit)) return std::nullopt;
    number = number * 10 + static_cast<unsigned>(digit - '0');
  }
  if (number == 0 || number > most_iterations) return std::nullopt;
  return number;
}

}  // namespace

Expected<std::string, std::string> hash_password(const std::string& password) {
  if (!could_be_password(password)) {
    return tl::unexpected("a password has 1 to " + std::to_string(max_password - 1) +
                          " octets, none of which is NUL");
  }
  const UniqueHandle<char, std::free> setting(::crypt_gensalt_ra("$y$", 0, nullptr, 0));
  if (!setting) throw std::bad_alloc();
  std::string hash = crypt_text(password, setting.get());
  if (hash.empty() || hash.front() == '*')
    return tl::unexpected(std::string("crypt(3) of this system does not know yescrypt"));
  return hash;
}

bool is_hash(const std::string& hash) {
  const int kind = ::crypt_checksalt(hash.c_str());
  if (kind != CRYPT_SALT_OK && kind != CRYPT_SALT_METHOD_LEGACY) return false;
  // "$6$salt" alone is a setting: the octets of the digest are what makes it a hash. DES has 13 and
  // no "$"; almost any other text would do as a setting of it.
  const auto last = hash.rfind('$');
  return last == std::string::npos ? hash.size() == 13 : hash.size() - last > 22;
}

bool fits_hash(const std::string& password, const std::string& hash) {
  if (!could_be_password(password) || hash.empty()) return false;
  const std::string made = crypt_text(password, hash);
  // A failure of crypt(3) begins with "*", which no hash does.
  return !made.empty() && made.front() != '*' && crypto::equal_secrets(made, hash);
}

ScramKeys scram_keys_of(const std::string& password, const std::string& salt, unsigned iterations) {
  const std::string salted = crypto::pbkdf2_sha256(password, salt, iterations);
  const auto client_key = crypto::hmac_sha256(salted, "Client Key");
  return {.salt = salt,
          .stored_key = std::string(crypto::sha256(client_key.view()).view()),
          .server_key = std::string(crypto::hmac_sha256(salted, "Server Key").view()),
          .iterations = iterations};
}

std::string to_text(const ScramKeys& keys) {
  return std::string(scram_scheme) + std::to_string(keys.iterations) + "," +
         base64_encode(keys.salt) + "," + base64_encode(keys.stored_key) + "," +
         base64_encode(keys.server_key);
}

std::optional<ScramKeys> parse_scram_keys(std::string_view text) {
  if (!text.starts_with(scram_scheme)) return std::nullopt;
  const auto parts = split(text.substr(scram_scheme.size()));
  if (parts.size() != 4) return std::nullopt;
  const auto iterations = parse_iterations(parts[0]);
  auto salt = base64_decode(parts[1]);
  auto stored = base64_decode(parts[2]);
  auto server = base64_decode(parts[3]);
  if (!iterations || !salt || !stored || !server) return std::nullopt;
  if (salt->empty() || stored->size() != key_octets || server->size() != key_octets)
    return std::nullopt;
  return ScramKeys{std::move(*salt), std::move(*stored), std::move(*server), *iterations};
}

bool fits_keys(const std::string& password, const ScramKeys& keys) {
  if (!could_be_password(password)) return false;
  const ScramKeys made = scram_keys_of(password, keys.salt, keys.iterations);
  return crypto::equal_secrets(made.stored_key, keys.stored_key);
}

}  // namespace sekisho::accounts
