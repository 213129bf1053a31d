// queue/ready.h: messages whose turn has come, by domain. Domains take turns, and none has more
// than its share of what is under way: a slow one delays no other.
// Thread: one owner.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::queue {

class Ready {
 public:
  // Jobs under way: each is a descriptor or two at most.
  static constexpr std::size_t most = 1000;
  // … to one domain: more than any route's `concurrency`, so that connections are reused.
  static constexpr std::size_t most_of_domain = 200;

  struct Item {
    std::string domain;
    std::string id;
  };

  void push(const std::string& domain, std::string id) {
    domains_[domain].waiting.push_back(std::move(id));
  }

  // The next one for which there is room; it counts as under way.
  std::optional<Item> pop() {
    if (under_way_ >= most) return std::nullopt;
    auto at = domains_.upper_bound(last_);
    for (std::size_t i = 0; i < domains_.size(); ++i, ++at) {
      if (at == domains_.end()) at = domains_.begin();
      auto& domain = at->second;
      if (domain.waiting.empty() || domain.under_way >= most_of_domain) continue;
      Item item{at->first, std::move(domain.waiting.front())};
      domain.waiting.pop_front();
      last_ = at->first;
      begin(item.domain);
      return item;
    }
    return std::nullopt;
  }
  void begin(const std::string& domain) {
    ++domains_[domain].under_way;
    ++under_way_;
  }
  void end(const std::string& domain) {
    const auto found = domains_.find(domain);
    --found->second.under_way;
    --under_way_;
    if (found->second.under_way == 0 && found->second.waiting.empty()) domains_.erase(found);
  }
  std::size_t under_way() const { return under_way_; }

 private:
  struct Domain {
    std::deque<std::string> waiting;
    std::size_t under_way = 0;
  };
  std::map<std::string, Domain> domains_;
  std::string last_;
  std::size_t under_way_ = 0;
};

}  // namespace sekisho::queue
