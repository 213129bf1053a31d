#include "smtp/limits.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "base/ascii.h"

namespace sekisho::smtp {

namespace {

constexpr std::chrono::seconds one_minute(60);

std::string pair_key(const std::string& client, std::string_view login) {
  return client + ' ' + ascii::lower(login);
}

std::string line_of(WallTime at, const std::string& pair) {
  return std::to_string(at.time_since_epoch().count()) + ' ' + pair + '\n';
}

// Room for one more: forgets what is over, or everything when nothing is.
template <class Map, class Over>
void make_room(Map& map, std::size_t most, const Over& over) {
  if (map.size() < most) return;
  std::erase_if(map, [&](const auto& each) { return over(each.second); });
  if (map.size() >= most) map.clear();
}

}  // namespace

std::string client_key(const mail::IpAddress& address) {
  return address.is_v4() ? address.text() : mail::IpPrefix::around(address, 64).text();
}

ClientLimits::Minute* ClientLimits::Table::of(const std::string& client, SteadyTime now) {
  if (now - minute >= one_minute) {
    minute = now;
    used.clear();
  }
  if (const auto found = used.find(client); found != used.end()) return &found->second;
  return used.size() >= most_clients ? nullptr : &used[client];
}

bool ClientLimits::one_more(const std::string& client, std::uint32_t Minute::*what,
                            std::uint32_t most, SteadyTime now) {
  return table_.with([&](Table& table) {
    auto* const minute = table.of(client, now);
    return minute == nullptr || ++(minute->*what) <= most || most == 0;
  });
}

bool ClientLimits::connected(const std::string& client, const Limits& limits, SteadyTime now) {
  const bool in_time = one_more(client, &Minute::connections, limits.connections_per_minute, now);
  return table_.with([&](Table& table) {
    auto& open = table.open[client];
    const bool room = limits.connections == 0 || open < limits.connections;
    if (room && in_time) {
      ++open;
      return true;
    }
    if (open == 0) table.open.erase(client);
    return false;
  });
}

void ClientLimits::disconnected(const std::string& client) {
  table_.with([&](Table& table) {
    const auto found = table.open.find(client);
    if (found != table.open.end() && --found->second == 0) table.open.erase(found);
  });
}

bool ClientLimits::message(const std::string& client, const Limits& limits, SteadyTime now) {
  return one_more(client, &Minute::messages, limits.messages_per_minute, now);
}

bool ClientLimits::recipient(const std::string& client, const Limits& limits, SteadyTime now) {
  return one_more(client, &Minute::recipients, limits.recipients_per_minute, now);
}

LoginFailures::LoginFailures(std::string path, Log& log)
    : file_(std::make_unique<LineFile>(
          LineFile::Options{.path = std::move(path),
                            .lost = "the addresses from which logins have succeeded",
                            .all = [this] { return all_lines(); }},
          log)) {
  file_->read([this](const std::string& line) { read_line(line); });
}

void LoginFailures::count(Counts& counts, const std::string& key, SteadyTime now) {
  make_room(counts, most, [&](const Count& count) { return now - count.since > window; });
  auto& count = counts[key];
  if (count.failures == 0 || now - count.since > window) count = {now, 0};
  ++count.failures;
}

std::uint32_t LoginFailures::failures(const Counts& counts, const std::string& key,
                                      SteadyTime now) {
  const auto found = counts.find(key);
  if (found == counts.end() || now - found->second.since > window) return 0;
  return found->second.failures;
}

void LoginFailures::failed(const std::string& client, std::string_view login, SteadyTime now) {
  table_.with([&](Table& table) {
    count(table.by_pair, pair_key(client, login), now);
    count(table.by_client, client, now);
  });
}

void LoginFailures::succeeded(const std::string& client, std::string_view login, SteadyTime now) {
  const auto key = pair_key(client, login);
  const bool written = table_.with([&](Table& table) {
    table.by_pair.erase(key);
    make_room(table.known, most, [&](const Known& each) { return now - each.at > known_for; });
    const auto [found, is_new] = table.known.try_emplace(key);
    auto& known = found->second;
    known.at = now;
    if (!is_new && now - known.written < written_every) return false;
    known.written = now;
    return true;
  });
  if (written && file_) file_->append(line_of(wall_now(), key));
}

void LoginFailures::read_line(const std::string& line) {
  std::istringstream words(line);
  std::int64_t seconds = 0;
  std::string key;
  if (!(words >> seconds) || !std::getline(words >> std::ws, key)) return;
  const auto age = wall_now() - WallTime(std::chrono::seconds(seconds));
  const auto now = steady_now();
  if (age < age.zero() || age > known_for || key.find(' ') == std::string::npos) return;
  table_.with([&](Table& table) {
    if (table.known.size() >= most) return;
    auto& known = table.known[key];
    known.at = known.written = now - age;
  });
}

std::string LoginFailures::all_lines() {
  const auto now = steady_now();
  return table_.with([&](Table& table) {
    std::string text;
    std::erase_if(table.known, [&](const auto& each) { return now - each.second.at > known_for; });
    for (auto& [key, known] : table.known) {
      known.written = known.at;
      text += line_of(wall_now() - std::chrono::duration_cast<std::chrono::seconds>(now - known.at),
                      key);
    }
    return text;
  });
}

bool LoginFailures::blocked(const std::string& client, std::string_view login, std::uint32_t limit,
                            SteadyTime now) const {
  if (limit == 0) return false;
  return table_.with([&](const Table& table) {
    return failures(table.by_pair, pair_key(client, login), now) >= limit;
  });
}

std::chrono::seconds LoginFailures::delay(const std::string& client, std::string_view login,
                                          SteadyTime now) const {
  return table_.with([&](const Table& table) {
    if (failures(table.by_client, client, now) < slow_after) return std::chrono::seconds(0);
    const auto known = table.known.find(pair_key(client, login));
    const bool belongs = known != table.known.end() && now - known->second.at <= known_for;
    return belongs ? std::chrono::seconds(0) : slow_by;
  });
}

void BrokenTls::failed(const std::string& client, SteadyTime now) {
  until_.with([&](auto& until) {
    make_room(until, most, [&](SteadyTime at) { return at <= now; });
    until[client] = now + remembered;
  });
}

bool BrokenTls::is_broken(const std::string& client, SteadyTime now) const {
  return until_.with([&](const auto& until) {
    const auto found = until.find(client);
    return found != until.end() && found->second > now;
  });
}

}  // namespace sekisho::smtp
