#include "dns/cache.h"

namespace sekisho::dns {

namespace {

// The approximate size of an entry: the nodes of the containers, and the texts.
std::size_t weight(const Question& question, const Answer& answer) {
  constexpr std::size_t node = 400;
  std::size_t octets =
      node + question.name.text().size() + answer.error.size() + answer.canonical.size();
  octets += answer.addresses.size() * sizeof(mail::IpAddress);
  for (const auto& text : answer.texts) octets += sizeof(text) + text.size();
  for (const auto& text : answer.pointers) octets += sizeof(text) + text.size();
  for (const auto& mx : answer.exchanges) octets += sizeof(mx) + mx.exchange.size();
  return octets;
}

}  // namespace

AnswerPtr Cache::find(const Question& question, SteadyTime now) {
  const auto found = index_.find(question);
  if (found == index_.end()) return nullptr;
  if (found->second->expires <= now) {
    erase(found->second);
    return nullptr;
  }
  order_.splice(order_.begin(), order_, found->second);
  return found->second->answer;
}

void Cache::insert(const Question& question, AnswerPtr answer, SteadyTime now) {
  const auto [slot, is_new] = index_.try_emplace(question);
  if (!is_new) {
    octets_ -= slot->second->octets;
    order_.erase(slot->second);
  }
  const std::size_t octets = weight(question, *answer);
  if (answer->ttl <= std::chrono::seconds::zero() || octets > max_octets_) {
    index_.erase(slot);
    return;
  }
  const SteadyTime expires = now + answer->ttl;
  try {
    order_.push_front({&slot->first, std::move(answer), expires, octets});
  } catch (...) {
    index_.erase(slot);  // it would lead nowhere
    throw;
  }
  slot->second = order_.begin();
  octets_ += octets;
  while (index_.size() > max_entries_ || octets_ > max_octets_) erase(std::prev(order_.end()));
}

void Cache::erase(Order::iterator entry) {
  octets_ -= entry->octets;
  index_.erase(*entry->question);
  order_.erase(entry);
}

}  // namespace sekisho::dns
