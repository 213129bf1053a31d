// crypto/hmac.h: HMAC-SHA-256, to recognise what only this installation can have written. RFC 2104,
// FIPS 180-4.
// Errors: none that input can cause; throws std::bad_alloc when OpenSSL has no memory. Thread: any.
#pragma once

#include <string_view>

#include "crypto/digest.h"

namespace sekisho::crypto {

Sha256Digest hmac_sha256(std::string_view key, std::string_view text);

// Takes the same time wherever the texts differ.
bool equal_secrets(std::string_view a, std::string_view b);

}  // namespace sekisho::crypto
