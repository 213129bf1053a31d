#include "crypto/hmac.h"

#include <new>

#include <openssl/crypto.h>
#include <openssl/evp.h>
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

std::string hmac_sha1(std::string_view key, std::string_view text) {
  std::string octets(20, '\0');
  const auto* done = HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          reinterpret_cast<unsigned char*>(octets.data()), nullptr);
  if (done == nullptr) throw std::bad_alloc();
  return octets;
}

std::string pbkdf2_sha256(std::string_view password, std::string_view salt, unsigned iterations) {
  std::string octets(32, '\0');
  const int done = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                                     reinterpret_cast<const unsigned char*>(salt.data()),
                                     static_cast<int>(salt.size()), static_cast<int>(iterations),
                                     openssl_sha256(), static_cast<int>(octets.size()),
                                     reinterpret_cast<unsigned char*>(octets.data()));
  if (done != 1) throw std::bad_alloc();
  return octets;
}

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sekisho::crypto
