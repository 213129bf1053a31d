#include "support/dkim_signer.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>
#include <vector>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/unique_handle.h"

namespace sekisho::test {

namespace {

using KeyContext = UniqueHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

void require(bool succeeded) {
  if (!succeeded) throw std::runtime_error("OpenSSL refused to make or use a test key");
}

unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string sha256(std::string_view data) {
  std::string digest(32, '\0');
  require(EVP_Digest(data.data(), data.size(), bytes(digest), nullptr, EVP_sha256(), nullptr) == 1);
  return digest;
}

std::string sign_with(EVP_PKEY* key, int padding, const EVP_MD* hash, std::string_view block) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  require(context && EVP_PKEY_sign_init(context.get()) == 1 &&
          EVP_PKEY_CTX_set_rsa_padding(context.get(), padding) == 1);
  if (hash != nullptr) require(EVP_PKEY_CTX_set_signature_md(context.get(), hash) == 1);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t size = signature.size();
  require(EVP_PKEY_sign(context.get(), bytes(signature), &size, bytes(block), block.size()) == 1);
  signature.resize(size);
  return signature;
}

// Each run of blanks one space, none at the end.
std::string squeeze(std::string_view line) {
  std::string out;
  for (const char c : line) {
    if (!ascii::is_wsp(c)) {
      out += c;
    } else if (out.empty() || out.back() != ' ') {
      out += ' ';
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string canonical_body(bool relaxed, std::string_view body) {
  std::vector<std::string> lines;
  while (!body.empty()) {
    const auto end = body.find("\r\n");
    const auto line = body.substr(0, end);
    lines.push_back(relaxed ? squeeze(line) : std::string(line));
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 2);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  std::string out;
  for (const auto& line : lines) out += line + "\r\n";
  return out.empty() && !relaxed ? "\r\n" : out;
}

std::string canonical_field(bool relaxed, const mail::HeaderField& field) {
  if (!relaxed) return field.name + ":" + field.value + "\r\n";
  std::string value = squeeze(field.unfolded());
  if (value.starts_with(' ')) value.erase(0, 1);
  return ascii::lower(field.trimmed_name()) + ":" + value + "\r\n";
}

std::string signed_fields(bool relaxed, const mail::Header& header, const std::string& names) {
  std::string out;
  std::set<const mail::HeaderField*> used;
  std::istringstream in(names);
  for (std::string name; std::getline(in, name, ':');) {
    const auto fields = header.all(ascii::trim(name));
    const auto free = std::find_if(fields.rbegin(), fields.rend(),
                                   [&](const auto* field) { return !used.contains(field); });
    if (free == fields.rend()) continue;
    used.insert(*free);
    out += canonical_field(relaxed, **free);
  }
  return out;
}

}  // namespace

void SigningKey::Free::operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }

SigningKey::SigningKey(EVP_PKEY* key) : key_(key, Free{}) { require(key != nullptr); }

SigningKey SigningKey::rsa(unsigned bits, unsigned long exponent) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  const UniqueHandle<BIGNUM, BN_free> e(BN_new());
  EVP_PKEY* key = nullptr;
  require(context && e && BN_set_word(e.get(), exponent) == 1 &&
          EVP_PKEY_keygen_init(context.get()) == 1 &&
          EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) == 1 &&
          EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), e.get()) == 1 &&
          EVP_PKEY_keygen(context.get(), &key) == 1);
  return SigningKey(key);
}

SigningKey SigningKey::ed25519() {
  return SigningKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

bool SigningKey::is_rsa() const { return EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_RSA; }

std::string SigningKey::public_octets() const {
  if (is_rsa()) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key_.get(), &der);
    require(size > 0);
    const UniqueHandle<unsigned char, [](unsigned char* p) { OPENSSL_free(p); }> owned(der);
    return {reinterpret_cast<char*>(der), static_cast<std::size_t>(size)};
  }
  std::string raw(32, '\0');
  std::size_t size = raw.size();
  require(EVP_PKEY_get_raw_public_key(key_.get(), bytes(raw), &size) == 1);
  return raw;
}

std::string SigningKey::record() const {
  return std::string("v=DKIM1; k=") + (is_rsa() ? "rsa" : "ed25519") +
         "; p=" + base64_encode(public_octets());
}

std::string SigningKey::private_pem() const {
  const UniqueHandle<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  require(out && PEM_write_bio_PrivateKey_traditional(out.get(), key_.get(), nullptr, nullptr, 0,
                                                      nullptr, nullptr) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string SigningKey::sign(std::string_view data) const {
  const std::string digest = sha256(data);
  if (is_rsa()) return sign_with(key_.get(), RSA_PKCS1_PADDING, EVP_sha256(), digest);
  const UniqueHandle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  require(context &&
          EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
          EVP_DigestSign(context.get(), bytes(signature), &size, bytes(std::string_view(digest)),
                         digest.size()) == 1);
  return signature;
}

std::string SigningKey::sign_block(std::string_view block) const {
  return sign_with(key_.get(), RSA_NO_PADDING, nullptr, block);
}

mail::HeaderField sign(const SigningKey& key, const SignatureTags& tags, const mail::Header& header,
                       std::string_view body) {
  std::string hashed = canonical_body(tags.relaxed_body, body);
  std::string more = tags.more;
  if (tags.length) {
    hashed.resize(std::min(hashed.size(), *tags.length));
    more += " l=" + std::to_string(*tags.length) + ";";
  }
  const auto form = [](bool relaxed) { return std::string(relaxed ? "relaxed" : "simple"); };
  mail::HeaderField field;
  field.name = "DKIM-Signature";
  field.value = " v=1; a=" + key.algorithm() + "; c=" + form(tags.relaxed_header) + "/" +
                form(tags.relaxed_body) + "; d=" + tags.domain + "; s=" + tags.selector +
                ";\r\n\th=" + tags.fields + "; " + more +
                "\r\n\tbh=" + base64_encode(sha256(hashed)) + "; b=";
  std::string data = signed_fields(tags.relaxed_header, header, tags.fields) +
                     canonical_field(tags.relaxed_header, field);
  data.resize(data.size() - 2);
  field.value += base64_encode(key.sign(data));
  return field;
}

}  // namespace sekisho::test
