#include "tls/certificate.h"

#include <ctime>
#include <new>
#include <optional>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/ascii.h"
#include "tls/openssl_error.h"

namespace sekisho::tls {

namespace {

using Bio = UniqueHandle<BIO, BIO_free>;
using Chain = std::vector<std::shared_ptr<X509>>;

Bio bio_over(std::string_view text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

// The last error is only that no further PEM block begins.
bool at_the_end() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// OpenSSL would ask at the terminal.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Expected<UniqueHandle<EVP_PKEY, EVP_PKEY_free>, std::string> parse_key(const PemFile& file) {
  ERR_clear_error();
  const Bio bio = bio_over(file.text);
  bool asked = false;
  UniqueHandle<EVP_PKEY, EVP_PKEY_free> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &asked));
  if (key) return key;
  if (asked) {
    return tl::unexpected(
        file.path +
        ": the key has a passphrase, and nobody is there to type it: write a copy "
        "without one (openssl pkey -in OLD -out NEW)");
  }
  ERR_clear_error();
  if (file.text.find("-----BEGIN ") == std::string::npos) {
    return tl::unexpected(file.path +
                          ": no private key; a PEM file is expected, with the lines -----BEGIN "
                          "PRIVATE KEY----- to -----END PRIVATE KEY-----");
  }
  if (file.text.find("PRIVATE KEY-----") == std::string::npos) {
    return tl::unexpected(file.path +
                          ": no private key among what it holds: is it the file of the "
                          "certificate?");
  }
  return tl::unexpected(file.path + ": the private key cannot be read: is the file complete?");
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::optional<std::string> name_of(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS) return text_of(name->d.dNSName);
  if (name->type != GEN_IPADD) return std::nullopt;
  const std::string octets = text_of(name->d.iPAddress);
  const int family = octets.size() == 4 ? AF_INET : AF_INET6;
  char text[INET6_ADDRSTRLEN];
  if ((octets.size() != 4 && octets.size() != 16) ||
      ::inet_ntop(family, octets.data(), text, sizeof text) == nullptr) {
    return std::nullopt;
  }
  return std::string(text);
}

std::vector<std::string> alternative_names_of(const X509* certificate) {
  using Names = UniqueHandle<GENERAL_NAMES, GENERAL_NAMES_free>;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    if (auto name = name_of(sk_GENERAL_NAME_value(names.get(), i))) out.push_back(std::move(*name));
  }
  return out;
}

std::optional<std::string> common_name_of(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return std::nullopt;
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm broken_down{};
  if (ASN1_TIME_to_tm(time, &broken_down) != 1) return {};
  return WallTime(std::chrono::seconds(::timegm(&broken_down)));
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

std::string does_not_fit(const PemFile& certificate, const PemFile& key, const Chain& chain,
                         EVP_PKEY* own) {
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (X509_check_private_key(chain[i].get(), own) != 1) continue;
    return certificate.path + ": the certificate that fits the key is number " +
           std::to_string(i + 1) + " in the file; it must be the first, and its authorities follow";
  }
  return certificate.path + " and " + key.path + ": the key is not that of the certificate (" +
         joined(names_of(chain.front().get())) + "); both files must be from the same renewal";
}

}  // namespace

Expected<Chain, std::string> parse_certificates(const PemFile& file) {
  ERR_clear_error();
  const Bio bio = bio_over(file.text);
  Chain chain;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    chain.emplace_back(next, X509_free);
  const bool ended = at_the_end();
  ERR_clear_error();
  if (!ended) {
    return tl::unexpected(file.path + ": certificate " + std::to_string(chain.size() + 1) +
                          " cannot be read: is the file complete?");
  }
  if (chain.empty()) {
    return tl::unexpected(file.path +
                          ": no certificate; a PEM file is expected, with the lines -----BEGIN "
                          "CERTIFICATE----- to -----END CERTIFICATE-----");
  }
  // PEM_read takes a block that lacks its end for the end of the file.
  if (file.text.rfind("-----BEGIN ") > file.text.rfind("-----END ") &&
      file.text.rfind("-----BEGIN ") != std::string::npos) {
    return tl::unexpected(file.path +
                          ": the last part has no -----END line: is the file complete?");
  }
  return chain;
}

std::vector<std::string> names_of(const X509* certificate) {
  auto names = alternative_names_of(certificate);
  if (names.empty()) {
    if (auto name = common_name_of(certificate)) names.push_back(std::move(*name));
  }
  return names;
}

struct Certificate::Parts {
  Chain chain;  // our own first
  UniqueHandle<EVP_PKEY, EVP_PKEY_free> key;
};

Certificate::~Certificate() = default;

Expected<std::shared_ptr<const Certificate>, std::string> Certificate::parse(
    const PemFile& certificate, const PemFile& key) {
  auto chain = parse_certificates(certificate);
  if (!chain) return tl::unexpected(std::move(chain.error()));
  auto own_key = parse_key(key);
  if (!own_key) return tl::unexpected(std::move(own_key.error()));
  const X509* own = chain->front().get();
  if (X509_check_private_key(own, own_key->get()) != 1) {
    ERR_clear_error();
    return tl::unexpected(does_not_fit(certificate, key, *chain, own_key->get()));
  }
  std::shared_ptr<Certificate> out(new Certificate);
  out->names_ = names_of(own);
  out->begins_ = time_of(X509_get0_notBefore(own));
  out->expires_ = time_of(X509_get0_notAfter(own));
  out->parts_ = std::make_unique<Parts>(Parts{std::move(*chain), std::move(*own_key)});
  const UniqueHandle<SSL_CTX, SSL_CTX_free> trial(SSL_CTX_new(TLS_server_method()));
  if (!trial) throw std::bad_alloc();
  if (auto why = out->use_in(trial.get()); !why.empty())
    return tl::unexpected(certificate.path + ": cannot be used: " + why);
  return out;
}

bool Certificate::holds_for(const std::string& name) const {
  return X509_check_host(parts_->chain.front().get(), name.data(), name.size(),
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

std::string Certificate::use_in(SSL_CTX* context) const {
  ERR_clear_error();
  const auto& chain = parts_->chain;
  bool done = SSL_CTX_use_certificate(context, chain.front().get()) == 1 &&
              SSL_CTX_use_PrivateKey(context, parts_->key.get()) == 1;
  for (std::size_t i = 1; done && i < chain.size(); ++i)
    done = SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
  return done ? std::string() : last_openssl_error();
}

}  // namespace sekisho::tls
