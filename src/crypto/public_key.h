// crypto/public_key.h: RSA and Ed25519 public keys over OpenSSL, and signatures made with them. RFC
// 8017 §8.2.2 (RSASSA-PKCS1-v1_5 with SHA-256), RFC 8032 (Ed25519).
// Errors: ParseError for an invalid key; never throws. Thread: any; the contexts kept between
// verifications are internally locked.
#pragma once

#include <memory>
#include <string_view>

#include <openssl/types.h>

#include "base/result.h"

namespace sekisho::crypto {

enum class KeyType { rsa, ed25519 };

class PublicKey {
 public:
  // RSA: SubjectPublicKeyInfo or RSAPublicKey (PKCS#1), DER. Ed25519: 32 octets, or
  // SubjectPublicKeyInfo.
  static Expected<PublicKey> parse(KeyType type, std::string_view octets);
  ~PublicKey();
  PublicKey(PublicKey&&) noexcept;
  PublicKey& operator=(PublicKey&&) noexcept;

  KeyType type() const { return type_; }
  unsigned bits() const { return bits_; }
  // `digest`: the SHA-256 digest that was signed. RSA checks its PKCS#1 v1.5 signature; Ed25519
  // signs the digest itself (RFC 8463 §3).
  bool verify_sha256(std::string_view digest, std::string_view signature) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const noexcept;
  };
  class Contexts;
  PublicKey(KeyType type, std::unique_ptr<EVP_PKEY, Free> key);
  KeyType type_;
  unsigned bits_ = 0;
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace sekisho::crypto
