// crypto/digest.h: SHA-256 over octets that arrive in pieces. FIPS 180-4.
// Errors: none that input can cause; throws std::bad_alloc when OpenSSL has no memory.
// Thread: one owner.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include <openssl/types.h>

namespace sekisho::crypto {

struct Sha256Digest {
  std::array<char, 32> octets{};

  std::string_view view() const { return {octets.data(), octets.size()}; }
  bool operator==(const Sha256Digest&) const = default;
};

class Sha256 {
 public:
  Sha256();

  void update(std::string_view octets);
  // The digest of everything since the start or the last finish(); begins anew.
  Sha256Digest finish();
  // The digest of everything so far; hashing goes on.
  Sha256Digest so_far() const;

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept;
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

// All at once.
Sha256Digest sha256(std::string_view octets);

}  // namespace sekisho::crypto
