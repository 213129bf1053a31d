// accounts/password.h: a password as the users' file keeps it: a hash of crypt(5), and the keys of
// SCRAM-SHA-256 as Dovecot writes them:
//   $y$j9T$SALT$HASH
//   {SCRAM-SHA-256}4096,SALT,STORED,SERVER     (base64; `doveadm pw -s SCRAM-SHA-256`)
// RFC 5802, 7677.
// Errors: none; an unusable text verifies nothing. Thread: any; a check takes some 50 ms by
// intention.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "accounts/authenticator.h"
#include "base/result.h"

namespace sekisho::accounts {

// RFC 7677 §4 asks for at least so many, and Dovecot takes as many: unknown logins, for which keys
// are invented, must not differ from the others.
inline constexpr unsigned scram_iterations = 4096;

// crypt(3) reads no more, and a line of SMTP has hardly room for it.
inline constexpr std::size_t max_password = 512;

// A yescrypt hash with a new salt. Errors: a password that is empty, too long, or has a NUL.
Expected<std::string, std::string> hash_password(const std::string& password);
// Whether crypt(5) knows this method, and the text is a complete hash of it.
bool is_hash(const std::string& hash);
// Never returns early for a wrong password.
bool fits_hash(const std::string& password, const std::string& hash);

ScramKeys scram_keys_of(const std::string& password, const std::string& salt, unsigned iterations);
std::string to_text(const ScramKeys& keys);
std::optional<ScramKeys> parse_scram_keys(std::string_view text);
bool fits_keys(const std::string& password, const ScramKeys& keys);

}  // namespace sekisho::accounts
