#include "crypto/digest.h"

#include <new>

#include <openssl/evp.h>

#include "base/unique_handle.h"
#include "crypto/openssl_sha256.h"

namespace sekisho::crypto {

namespace {

// Only a want of memory or a fault of OpenSSL fails here, never the input.
void require(bool succeeded) {
  if (!succeeded) throw std::bad_alloc();
}

void final(EVP_MD_CTX* context, Sha256Digest& digest) {
  require(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(digest.octets.data()),
                             nullptr) == 1);
}

}  // namespace

const EVP_MD* openssl_sha256() {
  using Fetched = UniqueHandle<EVP_MD, EVP_MD_free>;
  // If it throws, the next call tries again.
  static const Fetched sha256 = [] {
    Fetched fetched(EVP_MD_fetch(nullptr, "SHA256", nullptr));
    require(fetched != nullptr);
    return fetched;
  }();
  return sha256.get();
}

void Sha256::Free::operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr &&
          EVP_DigestInit_ex2(context_.get(), openssl_sha256(), nullptr) == 1);
}

void Sha256::update(std::string_view octets) {
  require(EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) == 1);
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  final(context_.get(), digest);
  require(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
  return digest;
}

Sha256Digest Sha256::so_far() const {
  const UniqueHandle<EVP_MD_CTX, EVP_MD_CTX_free> copy(EVP_MD_CTX_new());
  require(copy != nullptr && EVP_MD_CTX_copy_ex(copy.get(), context_.get()) == 1);
  Sha256Digest digest;
  final(copy.get(), digest);
  return digest;
}

Sha256Digest sha256(std::string_view octets) {
  Sha256Digest digest;
  require(EVP_Digest(octets.data(), octets.size(),
                     reinterpret_cast<unsigned char*>(digest.octets.data()), nullptr,
                     openssl_sha256(), nullptr) == 1);
  return digest;
}

}  // namespace sekisho::crypto
