#include "session/deferrals.h"

#include <algorithm>

#include "base/ascii.h"
#include "crypto/digest.h"

namespace sekisho::session {

namespace {

// A digest: of fixed length for any sender, and a file of these does not reveal who wrote to us.
std::string key_of(const std::string& mail_from, const std::string& author) {
  constexpr std::size_t octets = 16;
  const auto digest = crypto::sha256(ascii::lower(mail_from) + '\n' + author);
  return std::string(digest.view().substr(0, octets));
}

std::string author_of(const policy::Facts& facts) {
  return facts.author.well_formed() ? facts.author.domain().text() : "";
}

// The network that counts as one sender.
std::string network_of(const policy::Facts& facts) {
  if (!facts.client.address) return "local";
  const int length = facts.client.address->is_v4() ? 24 : 48;
  return mail::IpPrefix::around(*facts.client.address, length).text();
}

std::chrono::seconds whole_seconds(SteadyTime::duration time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time);
}

}  // namespace

std::optional<std::chrono::seconds> Deferrals::deferred_for(const policy::Facts& facts,
                                                            SteadyTime now) const {
  const bool none = table_.with([](const Table& table) { return table.entries.empty(); });
  if (none) return std::nullopt;
  const auto of_author = key_of(facts.mail_from.raw(), author_of(facts));
  const auto of_sender = key_of(facts.mail_from.raw(), "");
  return table_.with([&](const Table& table) {
    std::optional<std::chrono::seconds> longest;
    for (const auto& key : {of_author, of_sender}) {
      const auto found = table.entries.find(key);
      if (found == table.entries.end() || now - found->second.since > keep) continue;
      longest = std::max(longest.value_or(std::chrono::seconds(0)),
                         whole_seconds(now - found->second.since));
    }
    return longest;
  });
}

void Deferrals::deferred(const policy::Facts& facts, SteadyTime now, WallTime wall) {
  const auto key = key_of(facts.mail_from.raw(), author_of(facts));
  auto network = network_of(facts);
  const bool added = table_.with([&](Table& table) {
    const auto known = table.entries.find(key);
    if (known != table.entries.end() && now - known->second.since <= keep) {
      table.see(key, now);
      return false;
    }
    if (known != table.entries.end()) table.remove(key);
    table.make_room(now);
    table.add(key, {now, now, network});
    return true;
  });
  // Not under the lock: the keeper may ask for all().
  DeferralKeeper* const keeper = keeper_;
  if (added && keeper != nullptr) keeper->add({key, std::move(network), wall});
}

std::size_t Deferrals::size() const {
  return table_.with([](const Table& table) { return table.entries.size(); });
}

void Deferrals::remember(const std::vector<Deferral>& kept, WallTime wall, SteadyTime now) {
  table_.with([&](Table& table) {
    for (const auto& each : kept) {
      const auto age = wall - each.first;
      if (age < std::chrono::seconds(0) || age > keep) continue;
      const auto known = table.entries.find(each.key);
      if (known != table.entries.end() && known->second.since <= now - age) continue;
      if (known != table.entries.end()) table.remove(each.key);
      table.make_room(now);
      table.add(each.key, {now - age, now, each.network});
    }
  });
}

std::vector<Deferral> Deferrals::all(WallTime wall, SteadyTime now) const {
  return table_.with([&](const Table& table) {
    std::vector<Deferral> all;
    all.reserve(table.entries.size());
    for (const auto& [key, entry] : table.entries) {
      if (now - entry.since > keep) continue;
      all.push_back({key, entry.network, wall - whole_seconds(now - entry.since)});
    }
    return all;
  });
}

void Deferrals::Table::resize(const std::string& network, std::size_t from, std::size_t to) {
  if (from > 0) by_size.erase({from, network});
  if (to > 0) by_size.emplace(to, network);
}

void Deferrals::Table::add(const std::string& key, Entry entry) {
  auto& neighbours = by_network[entry.network];
  resize(entry.network, neighbours.size(), neighbours.size() + 1);
  neighbours.emplace(entry.since, key);
  by_seen.emplace(entry.seen, key);
  entries.emplace(key, std::move(entry));
}

void Deferrals::Table::remove(const std::string& key) {
  const auto node = entries.extract(key);
  const Entry& entry = node.mapped();
  auto& neighbours = by_network[entry.network];
  resize(entry.network, neighbours.size(), neighbours.size() - 1);
  neighbours.erase({entry.since, key});
  if (neighbours.empty()) by_network.erase(entry.network);
  by_seen.erase({entry.seen, key});
}

void Deferrals::Table::see(const std::string& key, SteadyTime now) {
  Entry& entry = entries.at(key);
  by_seen.erase({entry.seen, key});
  entry.seen = now;
  by_seen.emplace(now, key);
}

void Deferrals::Table::make_room(SteadyTime now) {
  while (entries.size() >= capacity) {
    if (by_seen.begin()->first + unseen < now) {
      remove(std::string(by_seen.begin()->second));
    } else {
      remove(std::string(by_network.at(by_size.rbegin()->second).rbegin()->second));
    }
  }
}

}  // namespace sekisho::session
