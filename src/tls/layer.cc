#include "tls/layer.h"

#include <new>
#include <stdexcept>
#include <vector>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/unique_handle.h"
#include "tls/certificate.h"
#include "tls/client_context.h"
#include "tls/openssl_error.h"
#include "tls/server_context.h"

namespace sekisho::tls {

namespace {

// A record holds at most 16 KB of plain text (RFC 8446 §5.1).
constexpr std::size_t record_octets = 16384;

std::string as_written(const ASN1_TIME* time) {
  std::tm broken_down{};
  if (ASN1_TIME_to_tm(time, &broken_down) != 1) return "an unknown time";
  return to_iso8601(WallTime(std::chrono::seconds(::timegm(&broken_down))));
}

std::string joined(const std::vector<std::string>& names) {
  // One certificate may have hundreds.
  constexpr std::size_t shown = 5;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i)
    out.append(i == 0 ? "" : ", ").append(names[i]);
  if (names.size() > shown) out += ", …";
  return out.empty() ? "no name" : out;
}

// What an admin needs to see of a certificate that is not accepted.
std::string describe(int error, const X509* certificate) {
  const std::string what = X509_verify_cert_error_string(error);
  if (certificate == nullptr) return what;
  if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
    return what + ": it holds for " + joined(names_of(certificate));
  if (error == X509_V_ERR_CERT_HAS_EXPIRED)
    return what + ": its own end is " + as_written(X509_get0_notAfter(certificate));
  return what;
}

}  // namespace

struct Layer::State {
  // The order matters: a connection refers to its context, and is gone first.
  std::shared_ptr<const void> context;
  UniqueHandle<SSL, SSL_free> connection;
  std::string plain;  // not taken yet
  std::optional<std::string> failure;
  bool complete = false;  // the handshake
  bool ended = false;
  bool closing = false;
  std::string why_unverified = "no certificate";  // empty: verified

  // Called by OpenSSL for each finding about a certificate; afterwards a refused one is gone.
  static int note(int good, X509_STORE_CTX* verification) noexcept;

  State(std::shared_ptr<const void> keep, SSL* made);
  BIO* in() const { return SSL_get_rbio(connection.get()); }
  BIO* out() const { return SSL_get_wbio(connection.get()); }
  void go_on();
  bool shake_hands();
  void read_plain();
  // After an OpenSSL call that returned `result`; true if there is only nothing more to read.
  bool only_waits(int result);
  void fail();
};

Layer::State::State(std::shared_ptr<const void> keep, SSL* made)
    : context(std::move(keep)), connection(made) {
  BIO* from_them = BIO_new(BIO_s_mem());
  BIO* to_them = BIO_new(BIO_s_mem());
  if (from_them == nullptr || to_them == nullptr) {
    BIO_free(from_them);
    BIO_free(to_them);
    throw std::bad_alloc();
  }
  SSL_set_bio(made, from_them, to_them);
  SSL_set_app_data(made, this);
  if (SSL_is_server(made) == 0) SSL_set_verify(made, SSL_get_verify_mode(made), note);
}

int Layer::State::note(int good, X509_STORE_CTX* verification) noexcept {
  try {
    auto* connection = static_cast<SSL*>(
        X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* state = static_cast<State*>(SSL_get_app_data(connection));
    state->why_unverified = good == 1 ? std::string()
                                      : describe(X509_STORE_CTX_get_error(verification),
                                                 X509_STORE_CTX_get0_cert(verification));
  } catch (...) {
    return 0;
  }
  return good;
}

void Layer::State::fail() {
  const bool refused = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  std::string why = last_openssl_error();
  if (refused) why = "the certificate is not accepted: " + why_unverified;
  failure = (complete ? "TLS: " : "TLS handshake: ") + why;
}

bool Layer::State::only_waits(int result) {
  const int error = SSL_get_error(connection.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
  if (error == SSL_ERROR_ZERO_RETURN) {
    ended = true;
    if (!complete) failure = "TLS handshake: the other side has ended it";
    return false;
  }
  fail();
  return false;
}

bool Layer::State::shake_hands() {
  if (complete) return true;
  ERR_clear_error();
  const int result = SSL_do_handshake(connection.get());
  complete = result == 1;
  if (!complete) only_waits(result);
  return complete;
}

void Layer::State::read_plain() {
  std::size_t got = 0;
  for (;;) {
    const std::size_t before = plain.size();
    plain.resize(before + record_octets);
    ERR_clear_error();
    const int result = SSL_read_ex(connection.get(), plain.data() + before, record_octets, &got);
    plain.resize(before + (result == 1 ? got : 0));
    if (result == 1) continue;
    only_waits(result);
    return;
  }
}

void Layer::State::go_on() {
  if (failure || ended) return;
  if (shake_hands()) read_plain();
}

Layer::Layer(std::shared_ptr<const ServerContext> context) {
  SSL* connection = context->connection();
  state_ = std::make_unique<State>(std::move(context), connection);
}

Layer::Layer(std::shared_ptr<const ClientContext> context, const std::string& name) {
  SSL* connection = context->connection(name);
  state_ = std::make_unique<State>(std::move(context), connection);
  state_->go_on();
}

Layer::Layer(Layer&&) noexcept = default;
Layer& Layer::operator=(Layer&&) noexcept = default;
Layer::~Layer() = default;

void Layer::receive(std::string_view octets) {
  if (state_->failure || state_->ended || octets.empty()) return;
  std::size_t written = 0;
  if (BIO_write_ex(state_->in(), octets.data(), octets.size(), &written) != 1 ||
      written != octets.size()) {
    throw std::bad_alloc();
  }
  state_->go_on();
}

void Layer::send(std::string_view plain) {
  if (!established() && !state_->failure) throw std::logic_error("TLS: sent before the handshake");
  if (state_->failure || state_->closing || plain.empty()) return;
  ERR_clear_error();
  std::size_t written = 0;
  if (SSL_write_ex(state_->connection.get(), plain.data(), plain.size(), &written) != 1)
    state_->fail();
}

void Layer::close() {
  if (state_->closing) return;
  state_->closing = true;
  if (state_->failure || !established()) return;
  ERR_clear_error();
  SSL_shutdown(state_->connection.get());
  ERR_clear_error();
}

std::string Layer::take_output() {
  std::string octets(BIO_ctrl_pending(state_->out()), '\0');
  if (octets.empty()) return octets;
  const int got = BIO_read(state_->out(), octets.data(), static_cast<int>(octets.size()));
  octets.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return octets;
}

std::string Layer::take_plain() { return std::exchange(state_->plain, {}); }

bool Layer::established() const { return state_->complete; }
bool Layer::ended() const { return state_->ended; }
const std::optional<std::string>& Layer::failure() const { return state_->failure; }

std::string Layer::version() const { return SSL_get_version(state_->connection.get()); }

std::string Layer::cipher() const {
  const char* name = SSL_get_cipher_name(state_->connection.get());
  return name == nullptr ? std::string() : name;
}

bool Layer::verified() const { return established() && why_unverified().empty(); }
std::string Layer::why_unverified() const { return state_->why_unverified; }

}  // namespace sekisho::tls
