#include "crypto/public_key.h"

#include <new>
#include <optional>
#include <utility>
#include <vector>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/guarded.h"
#include "base/unique_handle.h"
#include "crypto/openssl_sha256.h"

namespace sekisho::crypto {

namespace {

using PKey = UniqueHandle<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = UniqueHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = UniqueHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using BigNumber = UniqueHandle<BIGNUM, BN_free>;

// OpenSSL queues an error for everything that it refuses. Nobody reads that queue, so it is emptied
// lest it grow.
struct ErrorsDropped {
  ErrorsDropped() { ERR_set_mark(); }
  ErrorsDropped(const ErrorsDropped&) = delete;
  ErrorsDropped& operator=(const ErrorsDropped&) = delete;
  ~ErrorsDropped() { ERR_pop_to_mark(); }
};

const unsigned char* bytes(std::string_view octets) {
  return reinterpret_cast<const unsigned char*>(octets.data());
}

// The largest public exponent: real keys have 3 or 65537, and verification takes time with its
// length.
constexpr int max_exponent_bits = 64;

// A 16,384 bit key takes 2.1 KB. A longer text is not parsed.
constexpr std::size_t max_rsa_octets = 4096;

// The content of a DER value with that tag, if the value is all of `octets`.
std::optional<std::string_view> der_content(std::string_view octets, int tag) {
  const unsigned char* at = bytes(octets);
  long length = 0;
  int found_tag = 0;
  int found_class = 0;
  const int form =
      ASN1_get_object(&at, &length, &found_tag, &found_class, static_cast<long>(octets.size()));
  const bool bad = (form & 0x80) != 0 || (form & 1) != 0;  // malformed, or of indefinite length
  if (bad || found_tag != tag || found_class != V_ASN1_UNIVERSAL) return std::nullopt;
  const auto header = static_cast<std::size_t>(at - bytes(octets));
  if (static_cast<std::size_t>(length) != octets.size() - header) return std::nullopt;
  return octets.substr(header);
}

// The RSAPublicKey in a SubjectPublicKeyInfo (RFC 5280 §4.1, RFC 3279 §2.3.1). OpenSSL's own
// decoder takes six times as long, most of it to find out which format this is.
std::optional<std::string_view> rsa_in_info(std::string_view octets) {
  // AlgorithmIdentifier { rsaEncryption, NULL }
  static constexpr std::string_view algorithm(
      "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15);
  const auto info = der_content(octets, V_ASN1_SEQUENCE);
  if (!info || !info->starts_with(algorithm)) return std::nullopt;
  const auto bits = der_content(info->substr(algorithm.size()), V_ASN1_BIT_STRING);
  if (!bits || !bits->starts_with('\0')) return std::nullopt;  // no unused bits
  return bits->substr(1);
}

// RSAPublicKey (RFC 8017 §A.1.1) with nothing after it.
PKey decode_rsa(std::string_view octets) {
  const unsigned char* next = bytes(octets);
  PKey key(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &next, static_cast<long>(octets.size())));
  return next == bytes(octets) + octets.size() ? std::move(key) : nullptr;
}

// RFC 8017 §3.1: n is a product of odd primes, e an odd integer from 3 to n - 1.
bool is_sound_rsa(const EVP_PKEY* key) {
  const auto parameter = [key](const char* name) {
    BIGNUM* number = nullptr;
    EVP_PKEY_get_bn_param(key, name, &number);
    return BigNumber(number);
  };
  const BigNumber n = parameter(OSSL_PKEY_PARAM_RSA_N);
  const BigNumber e = parameter(OSSL_PKEY_PARAM_RSA_E);
  return n && e && BN_is_odd(n.get()) && BN_is_odd(e.get()) && !BN_is_one(e.get()) &&
         BN_num_bits(e.get()) <= max_exponent_bits && BN_cmp(e.get(), n.get()) < 0;
}

Expected<PKey> parse_rsa(std::string_view octets) {
  if (octets.size() > max_rsa_octets) return parse_error("the RSA key is too large");
  PKey key = decode_rsa(rsa_in_info(octets).value_or(octets));
  if (!key) return parse_error("the key data is no RSA public key");
  if (!is_sound_rsa(key.get()))
    return parse_error("the RSA key has an impossible modulus or exponent");
  return key;
}

Expected<PKey> parse_ed25519(std::string_view octets) {
  // RFC 8410 §4: the octets before the 32 of the key in a SubjectPublicKeyInfo. RFC 8463 §4 asks
  // for the 32 octets alone, but some publish the output of their tool.
  static constexpr std::string_view info("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
  if (octets.size() == info.size() + 32 && octets.starts_with(info))
    octets.remove_prefix(info.size());
  if (octets.size() != 32) return parse_error("an Ed25519 key has 32 octets");
  PKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(octets), octets.size()));
  if (!key) return parse_error("the key data is no Ed25519 public key");
  return key;
}

// A failure for want of memory says nothing about the key or the signature: the message is
// deferred, not judged.
void unless_no_memory() {
  while (const auto error = ERR_get_error()) {
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) throw std::bad_alloc();
  }
}

// A context that can verify RSASSA-PKCS1-v1_5 with SHA-256; empty if there is no memory.
KeyContext rsa_context(EVP_PKEY* key) {
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  const bool ready = context && EVP_PKEY_verify_init(context.get()) == 1 &&
                     EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                     EVP_PKEY_CTX_set_signature_md(context.get(), openssl_sha256()) == 1;
  return ready ? std::move(context) : nullptr;
}

bool verify_ed25519(EVP_PKEY* key, std::string_view digest, std::string_view signature) {
  const DigestContext context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) != 1) {
    throw std::bad_alloc();
  }
  return EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(digest),
                          digest.size()) == 1;
}

}  // namespace

// Idle RSA contexts: to make one takes a tenth of the time of a verification. By EVP_PKEY_verify(3)
// each can be used again, by one thread at a time.
class PublicKey::Contexts {
 public:
  bool verify(EVP_PKEY* key, std::string_view digest, std::string_view signature) {
    KeyContext context = take();
    if (!context) context = rsa_context(key);
    if (!context) throw std::bad_alloc();
    const bool good = EVP_PKEY_verify(context.get(), bytes(signature), signature.size(),
                                      bytes(digest), digest.size()) == 1;
    idle_.with([&](Idle& idle) { idle.push_back(std::move(context)); });
    return good;
  }

 private:
  using Idle = std::vector<KeyContext>;  // at most one for each thread
  KeyContext take() {
    return idle_.with([](Idle& idle) -> KeyContext {
      if (idle.empty()) return nullptr;
      KeyContext context = std::move(idle.back());
      idle.pop_back();
      return context;
    });
  }
  Guarded<Idle> idle_;
};

void PublicKey::Free::operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }

PublicKey::PublicKey(KeyType type, std::unique_ptr<EVP_PKEY, Free> key)
    : type_(type),
      bits_(static_cast<unsigned>(EVP_PKEY_get_bits(key.get()))),
      key_(std::move(key)),
      contexts_(std::make_unique<Contexts>()) {}
PublicKey::~PublicKey() = default;
PublicKey::PublicKey(PublicKey&&) noexcept = default;
PublicKey& PublicKey::operator=(PublicKey&&) noexcept = default;

Expected<PublicKey> PublicKey::parse(KeyType type, std::string_view octets) {
  const ErrorsDropped errors_dropped;
  auto key = type == KeyType::rsa ? parse_rsa(octets) : parse_ed25519(octets);
  if (!key) {
    unless_no_memory();
    return tl::unexpected<ParseError>(std::move(key.error()));
  }
  return PublicKey(type, std::unique_ptr<EVP_PKEY, Free>(key->release()));
}

bool PublicKey::verify_sha256(std::string_view digest, std::string_view signature) const {
  const ErrorsDropped errors_dropped;
  bool good = false;
  switch (type_) {
    case KeyType::rsa:
      good = contexts_->verify(key_.get(), digest, signature);
      break;
    case KeyType::ed25519:
      good = verify_ed25519(key_.get(), digest, signature);
      break;
  }
  if (!good) unless_no_memory();
  return good;
}

}  // namespace sekisho::crypto
