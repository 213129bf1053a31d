// tests/support/tls_pair.h: both sides of a TLS connection in memory, and octets carried between
// them in pieces of any size.
// Thread: one owner.
#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/certificates.h"
#include "support/temporary_folder.h"
#include "tls/client_context.h"
#include "tls/layer.h"
#include "tls/server_context.h"

namespace sekisho::test {

inline std::shared_ptr<const tls::Certificate> certificate_of(const PemPair& pair) {
  auto parsed = tls::Certificate::parse({"certificate", pair.certificate}, {"key", pair.key});
  EXPECT_TRUE(parsed) << parsed.error();
  return parsed ? *parsed : nullptr;
}

inline std::shared_ptr<const tls::ServerContext> server_of(const PemPair& pair,
                                                           const tls::ServerOptions& options = {}) {
  auto made = tls::ServerContext::make({certificate_of(pair)}, options);
  EXPECT_TRUE(made) << made.error();
  return made ? *made : nullptr;
}

// Trusts this authority alone.
inline std::shared_ptr<const tls::ClientContext> client_of(const CertificateAuthority& authority,
                                                           tls::ClientOptions options = {}) {
  const TemporaryFolder folder;
  options.ca_file = folder.file("ca");
  options.system_cas = false;
  std::ofstream(options.ca_file) << authority.certificate();
  auto made = tls::ClientContext::make(options);
  EXPECT_TRUE(made) << made.error();
  return made ? *made : nullptr;
}

// What `from` has to say, to the other in pieces of `piece` octets. Whether there was anything.
inline bool carry(tls::Layer& from, tls::Layer& to, std::size_t piece = 100000) {
  const std::string octets = from.take_output();
  for (std::size_t at = 0; at < octets.size(); at += piece)
    to.receive(std::string_view(octets).substr(at, piece));
  return !octets.empty();
}

// Until both are silent.
inline void exchange(tls::Layer& a, tls::Layer& b, std::size_t piece = 100000) {
  while (carry(a, b, piece) | carry(b, a, piece)) {
  }
}

}  // namespace sekisho::test
