#include "tls/protocol.h"

#include <new>
#include <stdexcept>

#include <openssl/ssl.h>

namespace sekisho::tls {

namespace {

// TLS 1.2, best first. Key exchange without forward secrecy comes last: some appliances know
// nothing else, and mail would go there in clear text. TLS 1.3 has OpenSSL's own list, all of which
// is good.
constexpr const char* ciphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:RSA+AESGCM:RSA+AES"
    ":!aNULL:!eNULL:!PSK:!SRP:!DSS:!MD5:!3DES";

// 80 bits: keys of 1024 bits are accepted. The default of Debian (2, 112 bits) would end handshakes
// with old appliances, which then send in clear text.
constexpr int security_level = 1;

int number_of(Version version) {
  switch (version) {
    case Version::v1_2:
      return TLS1_2_VERSION;
    case Version::v1_3:
      return TLS1_3_VERSION;
  }
  return TLS1_3_VERSION;
}

}  // namespace

SSL_CTX* new_context(const SSL_METHOD* method, Version min_version) {
  SSL_CTX* context = SSL_CTX_new(method);
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX_set_security_level(context, security_level);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // A quiet connection needs no buffers; an admin may have thousands of them.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(context, number_of(min_version)) != 1 ||
      SSL_CTX_set_max_proto_version(context, 0) != 1 ||
      SSL_CTX_set_cipher_list(context, ciphers) != 1) {
    SSL_CTX_free(context);
    throw std::logic_error("OpenSSL knows none of our versions or ciphers");
  }
  return context;
}

}  // namespace sekisho::tls
