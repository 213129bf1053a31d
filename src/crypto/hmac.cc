#include "crypto/hmac.h"

#include <new>

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "crypto/openssl_sha256.h"

namespace sekisho::crypto {

Sha256Digest hmac_sha256(std::string_view key, std::string_view text) {
  Sha256Digest digest;
  const auto* done = HMAC(openssl_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          reinterpret_cast<unsigned char*>(digest.octets.data()), nullptr);
  if (done == nullptr) throw std::bad_alloc();
  return digest;
}

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sekisho::crypto
