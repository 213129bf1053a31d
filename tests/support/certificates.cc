#include "support/certificates.h"

#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/unique_handle.h"
#include "mail/ip_address.h"

namespace sekisho::test {

namespace {

using Key = UniqueHandle<EVP_PKEY, EVP_PKEY_free>;
using Cert = UniqueHandle<X509, X509_free>;
using Bio = UniqueHandle<BIO, BIO_free>;

void require(bool succeeded) {
  if (!succeeded) throw std::runtime_error("OpenSSL made no certificate");
}

std::string text_of(const Bio& bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return text_of(bio);
}

std::string pem_of(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(bio);
}

Key new_key(unsigned rsa_bits) {
  Key key(rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(rsa_bits));
  require(key != nullptr);
  return key;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const UniqueHandle<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

Cert new_certificate(const std::string& name, EVP_PKEY* key, const CertificateWish& wish) {
  Cert certificate(X509_new());
  X509* made = certificate.get();
  require(made != nullptr && X509_set_version(made, 2) == 1);
  std::uint32_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(made), static_cast<long>(serial >> 1));
  require(
      ASN1_TIME_set(X509_getm_notBefore(made), wish.begins.time_since_epoch().count()) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(made), wish.expires.time_since_epoch().count()) != nullptr);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  require(X509_set_pubkey(made, key) == 1);
  return certificate;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* issuer_key) {
  require(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1);
  require(X509_sign(certificate, issuer_key, EVP_sha256()) != 0);
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    out += out.empty() ? "" : ",";
    out += (mail::IpAddress::parse(name) ? "IP:" : "DNS:") + name;
  }
  return out;
}

}  // namespace

struct CertificateAuthority::State {
  Key key;
  Cert own;
  std::string pem;
  std::string chain;  // of those that issued this one, without the root
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority::~CertificateAuthority() = default;

CertificateAuthority::CertificateAuthority(const std::string& name)
    : state_(std::make_unique<State>()) {
  state_->key = new_key(0);
  state_->own = new_certificate(name, state_->key.get(), {});
  X509* own = state_->own.get();
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  sign(own, own, state_->key.get());
  state_->pem = pem_of(own);
}

const std::string& CertificateAuthority::certificate() const { return state_->pem; }

PemPair CertificateAuthority::issue(const CertificateWish& wish) const {
  const Key key = new_key(wish.rsa_bits);
  const Cert made = new_certificate(wish.names.front(), key.get(), wish);
  add_extension(made.get(), state_->own.get(), NID_subject_alt_name, alternative_names(wish.names));
  sign(made.get(), state_->own.get(), state_->key.get());
  return {pem_of(made.get()) + state_->chain, pem_of(key.get())};
}

CertificateAuthority CertificateAuthority::subordinate(const std::string& name) const {
  auto state = std::make_unique<State>();
  state->key = new_key(0);
  state->own = new_certificate(name, state->key.get(), {});
  add_extension(state->own.get(), state_->own.get(), NID_basic_constraints, "critical,CA:TRUE");
  sign(state->own.get(), state_->own.get(), state_->key.get());
  state->pem = pem_of(state->own.get());
  state->chain = state->pem + state_->chain;
  return CertificateAuthority(std::move(state));
}

PemPair self_signed(const std::string& name) {
  const Key key = new_key(0);
  const Cert made = new_certificate(name, key.get(), {});
  add_extension(made.get(), made.get(), NID_subject_alt_name, "DNS:" + name);
  sign(made.get(), made.get(), key.get());
  return {pem_of(made.get()), pem_of(key.get())};
}

std::string with_passphrase(const std::string& key_pem, const std::string& passphrase) {
  const Bio in(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  const Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  require(key != nullptr);
  const Bio out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PrivateKey(out.get(), key.get(), EVP_aes_256_cbc(),
                                   reinterpret_cast<const unsigned char*>(passphrase.data()),
                                   static_cast<int>(passphrase.size()), nullptr, nullptr) == 1);
  return text_of(out);
}

}  // namespace sekisho::test
