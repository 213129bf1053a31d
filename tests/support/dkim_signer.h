// tests/support/dkim_signer.h: keys and DKIM signatures for tests. Its canonicalisation is its own,
// so that an error of the verifier's does not cancel out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/types.h>

#include "mail/header.h"

namespace sekisho::test {

class SigningKey {
 public:
  static SigningKey rsa(unsigned bits, unsigned long exponent = 65537);
  static SigningKey ed25519();

  bool is_rsa() const;
  std::string algorithm() const { return is_rsa() ? "rsa-sha256" : "ed25519-sha256"; }
  // RSA: SubjectPublicKeyInfo; Ed25519: 32 octets.
  std::string public_octets() const;
  std::string record() const;  // "v=DKIM1; k=…; p=…"
  std::string private_pem() const;
  // Over the SHA-256 digest of `data`.
  std::string sign(std::string_view data) const;
  // RSA of a block that has its padding already, right or not.
  std::string sign_block(std::string_view block) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const noexcept;
  };
  explicit SigningKey(EVP_PKEY* key);
  std::shared_ptr<EVP_PKEY> key_;
};

struct SignatureTags {
  bool relaxed_header = true;
  bool relaxed_body = true;
  std::string domain = "a.example";
  std::string selector = "sel";
  std::string fields = "from:to:subject";
  std::string more;                   // further tags, each with its semicolon: "t=1; i=@a.example;"
  std::optional<std::size_t> length;  // l=, and how much of the canonical body is hashed
};

// A DKIM-Signature field for that header and body.
mail::HeaderField sign(const SigningKey& key, const SignatureTags& tags, const mail::Header& header,
                       std::string_view body);

}  // namespace sekisho::test
