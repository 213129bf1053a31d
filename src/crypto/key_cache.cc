#include "crypto/key_cache.h"

#include <algorithm>

namespace sekisho::crypto {

KeyCache::KeyCache(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {}

Expected<std::shared_ptr<const PublicKey>> KeyCache::get(KeyType type, std::string_view octets) {
  // The type is part of the index: the same octets are a valid key of one type at most, and must
  // fail as the other.
  std::string index(1, type == KeyType::rsa ? 'r' : 'e');
  index += octets;
  auto known = entries_.with([&](Entries& entries) -> std::shared_ptr<const PublicKey> {
    const auto found = entries.by_index.find(index);
    if (found == entries.by_index.end()) {
      ++entries.misses;
      return nullptr;
    }
    ++entries.hits;
    entries.by_use.splice(entries.by_use.begin(), entries.by_use, found->second);
    return found->second->key;
  });
  if (known) return known;

  // Parsed outside the lock: two threads may each parse the same key, but no thread waits for
  // another.
  auto parsed = PublicKey::parse(type, octets);
  if (!parsed) return tl::unexpected<ParseError>(std::move(parsed.error()));
  auto key = std::make_shared<const PublicKey>(std::move(*parsed));
  entries_.with([&](Entries& entries) {
    if (entries.by_index.contains(index)) return;
    entries.by_use.push_front({std::move(index), key});
    try {
      entries.by_index.emplace(entries.by_use.front().index, entries.by_use.begin());
    } catch (...) {
      entries.by_use.pop_front();  // no lookup would find it
      throw;
    }
    if (entries.by_use.size() <= capacity_) return;
    entries.by_index.erase(entries.by_use.back().index);
    entries.by_use.pop_back();
  });
  return key;
}

KeyCache::Status KeyCache::status() const {
  return entries_.with([](const Entries& entries) {
    return Status{entries.by_use.size(), entries.hits, entries.misses};
  });
}

}  // namespace sekisho::crypto
