#include "tls/server_context.h"

#include <new>

#include <openssl/sha.h>
#include <openssl/ssl.h>

#include "base/unique_handle.h"
#include "tls/protocol.h"

namespace sekisho::tls {

namespace {

using Context = UniqueHandle<SSL_CTX, SSL_CTX_free>;

// Sessions are kept in tickets, by the client; nothing is kept here.
void allow_resumption(SSL_CTX* context, const std::string& name) {
  unsigned char id[SHA256_DIGEST_LENGTH];  // at most 32 octets are allowed
  SHA256(reinterpret_cast<const unsigned char*>(name.data()), name.size(), id);
  SSL_CTX_set_session_id_context(context, id, sizeof id);
}

void forbid_resumption(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
}

Context context_for(const ServerOptions& options) {
  Context context(new_context(TLS_server_method(), options.min_version));
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_dh_auto(context.get(), 1);
  if (options.resumption.empty()) {
    forbid_resumption(context.get());
  } else {
    allow_resumption(context.get(), options.resumption);
  }
  return context;
}

}  // namespace

struct ServerContext::State {
  struct Named {
    std::shared_ptr<const Certificate> certificate;
    Context context;
  };
  std::vector<Named> all;  // at least one

  // Called by OpenSSL when the client has said which name it wants.
  static int choose(SSL* connection, int*, void* state) noexcept;
};

int ServerContext::State::choose(SSL* connection, int*, void* state) noexcept {
  const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  try {
    const std::string wanted(name);
    for (const auto& each : static_cast<const State*>(state)->all) {
      if (!each.certificate->holds_for(wanted)) continue;
      const bool set = SSL_set_SSL_CTX(connection, each.context.get()) != nullptr;
      return set ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
    }
  } catch (...) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  // An MTA that asks for a name of its own making still gets a certificate: most verify none.
  return SSL_TLSEXT_ERR_NOACK;
}

ServerContext::~ServerContext() = default;

Expected<std::shared_ptr<const ServerContext>, std::string> ServerContext::make(
    std::vector<std::shared_ptr<const Certificate>> certificates, const ServerOptions& options) {
  if (certificates.empty()) return tl::unexpected(std::string("no certificate"));
  std::shared_ptr<ServerContext> out(new ServerContext);
  out->state_ = std::make_unique<State>();
  for (auto& certificate : certificates) {
    Context context = context_for(options);
    if (auto why = certificate->use_in(context.get()); !why.empty()) {
      return tl::unexpected("the certificate cannot be used: " + why);
    }
    out->state_->all.push_back({std::move(certificate), std::move(context)});
  }
  SSL_CTX* first = out->state_->all.front().context.get();
  SSL_CTX_set_tlsext_servername_callback(first, State::choose);
  SSL_CTX_set_tlsext_servername_arg(first, out->state_.get());
  return out;
}

SSL* ServerContext::connection() const {
  SSL* connection = SSL_new(state_->all.front().context.get());
  if (connection == nullptr) throw std::bad_alloc();
  SSL_set_accept_state(connection);
  return connection;
}

}  // namespace sekisho::tls
