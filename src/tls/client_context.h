// tls/client_context.h: whom we trust as the client of a next hop: the authorities of the system
// and those of `ca_file`. A certificate is always compared with the name; only `demand_verified`
// makes the outcome matter: else Layer::verified() reports it.
// Errors: a sentence for the admin. Thread: immutable; any.
#pragma once

#include <memory>
#include <string>

#include <openssl/types.h>

#include "base/result.h"

namespace sekisho::tls {

struct ClientOptions {
  // A handshake with a certificate that is not verified fails: tls = "verified". For
  // "opportunistic" and "required" also old algorithms of the other side are accepted, for they are
  // better than clear text.
  bool demand_verified = false;
  std::string ca_file{};   // PEM; empty: none. A certificate in it is trusted itself too.
  bool system_cas = true;  // the authorities of this system
};

class ClientContext {
 public:
  static Expected<std::shared_ptr<const ClientContext>, std::string> make(
      const ClientOptions& options);
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;
  ~ClientContext();

  bool demands_verified() const { return demand_verified_; }
  // For Layer. One connection's state, for a host name or an IP address; throws std::bad_alloc.
  SSL* connection(const std::string& name) const;

 private:
  ClientContext() = default;
  struct State;
  std::unique_ptr<State> state_;
  bool demand_verified_ = false;
};

}  // namespace sekisho::tls
