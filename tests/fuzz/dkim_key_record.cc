// A key record and the key in it; with a first octet that chooses, only the key.
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/public_key.h"
#include "dkim/key_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sekisho;
  using crypto::KeyType;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string signature(256, 's');
  const std::string digest(32, 'd');
  const auto try_key = [&](KeyType type, std::string_view octets) {
    const auto key = crypto::PublicKey::parse(type, octets);
    if (key && key->bits() <= 4096) (void)key->verify_sha256(digest, signature);
  };
  if (!text.empty() && (text.front() == '\1' || text.front() == '\2')) {
    try_key(text.front() == '\1' ? KeyType::rsa : KeyType::ed25519, text.substr(1));
    return 0;
  }
  const auto record = dkim::KeyRecord::parse(text);
  if (record && record->key_type) try_key(*record->key_type, record->key);
  return 0;
}
