// crypto/key_cache.h: parsed public keys. Parsing an RSA key costs as much as a verification with
// it, and a few senders sign most of the mail. Bounded; the key octets are the index, so an entry
// never goes stale.
// Thread: any, internally locked.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/guarded.h"
#include "crypto/public_key.h"

namespace sekisho::crypto {

class KeyCache {
 public:
  explicit KeyCache(std::size_t capacity = 1024);  // about 2 KB each

  // The parsed key, from the cache or parsed now; parse errors are not cached.
  Expected<std::shared_ptr<const PublicKey>> get(KeyType type, std::string_view octets);

  struct Status {
    std::size_t entries = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };
  Status status() const;

 private:
  struct Entry {
    std::string index;
    std::shared_ptr<const PublicKey> key;
  };
  struct Entries {
    std::list<Entry> by_use;  // most recent first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_index;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };
  std::size_t capacity_;
  mutable Guarded<Entries> entries_;
};

}  // namespace sekisho::crypto
