// tls/server_context.h: what the servers of this host present and accept in TLS: certificates, one
// of which is chosen by SNI (RFC 6066 §3), TLS 1.2 and 1.3, no renegotiation, no compression.
// Errors: a sentence for the admin. Thread: immutable; any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/types.h>

#include "base/result.h"
#include "tls/certificate.h"
#include "tls/options.h"

namespace sekisho::tls {

struct ServerOptions {
  Version min_version = Version::v1_2;
  // Sessions that a client may resume: the name of the listener, for a session of one must not be
  // taken by another (RFC 8446 §4.2.11, RFC 5077). Empty: none, as on mx, where clients rarely come
  // back in time and a ticket would only give away its key's age.
  std::string resumption{};
};

class ServerContext {
 public:
  // The first certificate is for names that none holds for, and for clients without SNI.
  static Expected<std::shared_ptr<const ServerContext>, std::string> make(
      std::vector<std::shared_ptr<const Certificate>> certificates, const ServerOptions& options);
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;
  ~ServerContext();

  // For Layer. One connection's state; throws std::bad_alloc.
  SSL* connection() const;

 private:
  ServerContext() = default;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sekisho::tls
