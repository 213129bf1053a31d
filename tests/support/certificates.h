// tests/support/certificates.h: certificates that a test makes for itself: an authority of its own,
// what it issues, and what is signed by nobody else. EC keys (P-256), which take a millisecond.
// Errors: std::runtime_error. Thread: any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"

namespace sekisho::test {

// PEM.
struct PemPair {
  std::string certificate;
  std::string key;
};

struct CertificateWish {
  std::vector<std::string> names;  // DNS names and IP addresses
  WallTime begins = wall_now() - std::chrono::hours(24);
  WallTime expires = wall_now() + std::chrono::hours(24 * 90);
  unsigned rsa_bits = 0;  // 0: EC
};

class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name = "Authority of a test");
  ~CertificateAuthority();
  const std::string& certificate() const;
  PemPair issue(const CertificateWish& wish) const;
  PemPair issue(const std::string& name) const { return issue(CertificateWish{.names = {name}}); }
  // An authority that this one has signed.
  CertificateAuthority subordinate(const std::string& name) const;
  CertificateAuthority(CertificateAuthority&&) noexcept;

 private:
  struct State;
  explicit CertificateAuthority(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

PemPair self_signed(const std::string& name);

// The private key, encrypted with a passphrase.
std::string with_passphrase(const std::string& key_pem, const std::string& passphrase);

}  // namespace sekisho::test
