// dns/cache.h: answers kept for their TTL, negative ones and short-lived failures too (RFC 2308 §5,
// §7). Bounded in entries and in octets; the least recently used entry is removed first.
// Thread: one owner.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>

#include "base/clock.h"
#include "dns/answers.h"

namespace sekisho::dns {

class Cache {
 public:
  // `max_octets`: a sender chooses the size of its answers, up to 64 KB each, so counting entries
  // is not enough.
  Cache(std::size_t max_entries, std::size_t max_octets)
      : max_entries_(max_entries), max_octets_(max_octets) {}

  // nullptr if the answer is not known or has expired.
  AnswerPtr find(const Question& question, SteadyTime now);
  // Keeps the answer for its ttl; does nothing if that is zero.
  void insert(const Question& question, AnswerPtr answer, SteadyTime now);
  std::size_t size() const { return index_.size(); }
  std::size_t octets() const { return octets_; }

 private:
  struct Entry {
    const Question* question;  // the key in index_
    AnswerPtr answer;
    SteadyTime expires;
    std::size_t octets;
  };
  using Order = std::list<Entry>;  // most recently used first

  void erase(Order::iterator entry);

  std::size_t max_entries_;
  std::size_t max_octets_;
  std::size_t octets_ = 0;
  Order order_;
  std::unordered_map<Question, Order::iterator, QuestionHash> index_;
};

}  // namespace sekisho::dns
