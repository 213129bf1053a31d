// tls/certificate.h: a certificate of this host with its chain and its key, read from PEM. It
// exists only if all parts are complete and fit each other: a file that is just being copied is an
// error.
// RFC 5280, 7468.
// Errors: a sentence for the admin, with what to do. Thread: immutable; any.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_handle.h"

namespace sekisho::tls {

// A PEM file as it was read; the path is for errors.
struct PemFile {
  std::string path;
  std::string text;
};

class Certificate {
 public:
  static Expected<std::shared_ptr<const Certificate>, std::string> parse(const PemFile& certificate,
                                                                         const PemFile& key);
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate();

  // The names and addresses for which it holds, as it writes them.
  const std::vector<std::string>& names() const { return names_; }
  // Whether it holds for this host name (RFC 9525 §6.3; also wildcards).
  bool holds_for(const std::string& name) const;
  WallTime begins() const { return begins_; }
  WallTime expires() const { return expires_; }
  // For this room: makes `context` present it. Empty: done; else why OpenSSL refuses it.
  std::string use_in(SSL_CTX* context) const;

 private:
  Certificate() = default;
  struct Parts;
  std::unique_ptr<Parts> parts_;
  std::vector<std::string> names_;
  WallTime begins_{};
  WallTime expires_{};
};

// All certificates of a PEM text, one after the other: those of `ca_file`.
// Errors: a sentence that begins with the path.
Expected<std::vector<std::shared_ptr<X509>>, std::string> parse_certificates(const PemFile& file);

// The DNS names and IP addresses of subjectAltName; the common name where there are none.
std::vector<std::string> names_of(const X509* certificate);

}  // namespace sekisho::tls
