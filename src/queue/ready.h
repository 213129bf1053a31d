// queue/ready.h: messages whose turn has come, by next hop. Hops take turns, and none has more than
// its share of what is under way: a slow one delays no other. How much one gets grows while it
// works and falls when it does not.
// Thread: one owner.
#pragma once

#include <algorithm>
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
  // … to one hop: more than any route's `concurrency`, so that connections are reused.
  static constexpr std::size_t most_of_hop = 200;
  // … to one of which nothing is known yet.
  static constexpr std::size_t first_of_hop = 20;
  // … to one that does not work, and to all of these together.
  static constexpr std::size_t least_of_hop = 2;
  static constexpr std::size_t most_failing = most / 2;

  struct Item {
    std::string hop;     // relay::destination_of
    std::string domain;  // of its recipients
    std::string id;
  };

  // `fails`: its last attempts have failed.
  void push(Item item, bool fails = false) {
    known(item.hop, fails).waiting.push_back(std::move(item));
    ++waiting_;
  }

  // The next one for which there is room; it counts as under way.
  std::optional<Item> pop() {
    if (under_way_ >= most) return std::nullopt;
    auto at = hops_.upper_bound(last_);
    for (std::size_t i = 0; i < hops_.size(); ++i, ++at) {
      if (at == hops_.end()) at = hops_.begin();
      auto& hop = at->second;
      if (hop.waiting.empty() || hop.under_way >= hop.room) continue;
      if (hop.fails() && failing_ >= most_failing) continue;
      Item item = std::move(hop.waiting.front());
      hop.waiting.pop_front();
      --waiting_;
      last_ = at->first;
      begin(item.hop);
      return item;
    }
    return std::nullopt;
  }
  void begin(const std::string& name) {
    auto& hop = known(name, false);
    if (hop.fails()) ++failing_;
    ++hop.under_way;
    ++under_way_;
  }
  // `works`: whether the hop itself did.
  void end(const std::string& name, bool works) {
    auto& hop = hops_.find(name)->second;
    set_room(hop,
             works ? std::min(hop.room + 1, most_of_hop) : std::max(hop.room / 2, least_of_hop));
    give_back(name);
  }
  // Begun, and there was nothing to send.
  void give_back(const std::string& name) {
    const auto found = hops_.find(name);
    auto& hop = found->second;
    if (hop.fails()) --failing_;
    --hop.under_way;
    --under_way_;
    if (hop.under_way == 0 && hop.waiting.empty()) hops_.erase(found);
  }
  std::size_t under_way() const { return under_way_; }
  std::size_t waiting() const { return waiting_; }

 private:
  struct Hop {
    std::deque<Item> waiting;
    std::size_t under_way = 0;
    std::size_t room = first_of_hop;
    bool fails() const { return room <= least_of_hop; }
  };
  Hop& known(const std::string& name, bool fails) {
    const auto [at, fresh] = hops_.try_emplace(name);
    if (fresh && fails) at->second.room = least_of_hop;
    return at->second;
  }
  void set_room(Hop& hop, std::size_t room) {
    const bool failed = hop.fails();
    hop.room = room;
    if (failed && !hop.fails()) failing_ -= hop.under_way;
    if (!failed && hop.fails()) failing_ += hop.under_way;
  }

  std::map<std::string, Hop> hops_;
  std::string last_;
  std::size_t under_way_ = 0;
  std::size_t failing_ = 0;  // of those under way
  std::size_t waiting_ = 0;
};

}  // namespace sekisho::queue
