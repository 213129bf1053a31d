// crypto/hmac.h: HMAC-SHA-256, to recognise what only this installation can have written, and
// HMAC-SHA-1 for SRS, whose programs know nothing else. RFC 2104, FIPS 180-4.
// Errors: none that input can cause; throws std::bad_alloc when OpenSSL has no memory. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "crypto/digest.h"

namespace sekisho::crypto {

Sha256Digest hmac_sha256(std::string_view key, std::string_view text);
// 20 octets.
std::string hmac_sha1(std::string_view key, std::string_view text);
// "Hi" of RFC 5802 §2.2: PBKDF2 with HMAC-SHA-256, 32 octets. Slow by intention.
std::string pbkdf2_sha256(std::string_view password, std::string_view salt, unsigned iterations);

// Takes the same time wherever the texts differ.
bool equal_secrets(std::string_view a, std::string_view b);

}  // namespace sekisho::crypto
