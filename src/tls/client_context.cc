#include "tls/client_context.h"

#include <new>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/read_file.h"
#include "base/unique_handle.h"
#include "tls/certificate.h"
#include "tls/openssl_error.h"
#include "tls/options.h"
#include "tls/protocol.h"

namespace sekisho::tls {

namespace {

// The authorities of a system are some 300 KB.
constexpr std::size_t max_ca_file = std::size_t{4} * 1024 * 1024;

// Empty: done.
std::string trust(SSL_CTX* context, const std::string& path) {
  auto text = read_file(path, max_ca_file);
  if (!text) return path + ": " + text.error().what;
  const auto certificates = parse_certificates({path, std::move(*text)});
  if (!certificates) return certificates.error();
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& certificate : *certificates) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1)
      return path + ": " + last_openssl_error();
  }
  return {};
}

bool is_address(const std::string& name) {
  unsigned char octets[16];
  return ::inet_pton(AF_INET, name.c_str(), octets) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), octets) == 1;
}

// As certificates and SNI write it: a host name without the final dot of DNS (RFC 6066 §3), an
// address without its zone.
std::string written(const std::string& name) {
  if (name.find('\0') != std::string::npos) return {};
  const std::string address = name.substr(0, name.find('%'));
  if (is_address(address)) return address;
  return name.size() > 1 && name.back() == '.' ? name.substr(0, name.size() - 1) : name;
}

// What the certificate must hold for, and what is asked for.
void expect(SSL* connection, const std::string& name) {
  // No certificate holds for it (RFC 2606 §2). Without any name OpenSSL would be content with each.
  bool set = SSL_set1_host(connection, "name.invalid") == 1;
  SSL_set_hostflags(connection, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (is_address(name)) {
    X509_VERIFY_PARAM* expected = SSL_get0_param(connection);
    set = set && X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) == 1 &&
          X509_VERIFY_PARAM_set1_host(expected, nullptr, 0) == 1;
  } else if (!name.empty() && SSL_set_tlsext_host_name(connection, name.c_str()) == 1) {
    set = set && SSL_set1_host(connection, name.c_str()) == 1;
  }
  if (!set) throw std::bad_alloc();
}

}  // namespace

struct ClientContext::State {
  UniqueHandle<SSL_CTX, SSL_CTX_free> context;
};

ClientContext::~ClientContext() = default;

Expected<std::shared_ptr<const ClientContext>, std::string> ClientContext::make(
    const ClientOptions& options) {
  std::shared_ptr<ClientContext> out(new ClientContext);
  out->demand_verified_ = options.demand_verified;
  out->state_ = std::make_unique<State>();
  out->state_->context.reset(new_context(TLS_client_method(), Version::v1_2));
  SSL_CTX* context = out->state_->context.get();
  // Without the demand the outcome is only reported, and SHA-1 or short keys end no handshake.
  SSL_CTX_set_verify(context, options.demand_verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_security_level(context, options.demand_verified ? 2 : 0);
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  // A system without authorities is not an error before something must be verified.
  if (options.system_cas) SSL_CTX_set_default_verify_paths(context);
  ERR_clear_error();
  if (!options.ca_file.empty()) {
    if (auto why = trust(context, options.ca_file); !why.empty())
      return tl::unexpected(std::move(why));
  }
  return out;
}

SSL* ClientContext::connection(const std::string& name) const {
  UniqueHandle<SSL, SSL_free> connection(SSL_new(state_->context.get()));
  if (!connection) throw std::bad_alloc();
  expect(connection.get(), written(name));
  ERR_clear_error();  // a name that is none, or longer than any
  SSL_set_connect_state(connection.get());
  return connection.release();
}

}  // namespace sekisho::tls
