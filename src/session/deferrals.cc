#include "session/deferrals.h"

#include "base/ascii.h"

namespace sekisho::session {

namespace {

std::string index_of(const policy::Facts& facts) {
  std::string network = "local";
  if (facts.client.address) {
    const int length = facts.client.address->is_v4() ? 24 : 64;
    network = mail::IpPrefix::around(*facts.client.address, length).text();
  }
  const std::string author = facts.author.well_formed() ? facts.author.domain().text() : "";
  return network + '\n' + ascii::lower(facts.mail_from) + '\n' + author;
}

}  // namespace

std::optional<std::chrono::seconds> Deferrals::deferred_for(const policy::Facts& facts,
                                                            SteadyTime now) const {
  return table_.with([&](const Table& table) -> std::optional<std::chrono::seconds> {
    const auto found = table.first.find(index_of(facts));
    if (found == table.first.end() || now - found->second > keep) return std::nullopt;
    return std::chrono::duration_cast<std::chrono::seconds>(now - found->second);
  });
}

void Deferrals::deferred(const policy::Facts& facts, SteadyTime now) {
  table_.with([&](Table& table) {
    while (!table.by_age.empty() &&
           (table.by_age.begin()->first + keep < now || table.first.size() >= capacity)) {
      table.first.erase(table.by_age.begin()->second);
      table.by_age.erase(table.by_age.begin());
    }
    const auto [entry, added] = table.first.try_emplace(index_of(facts), now);
    if (added) table.by_age.emplace(now, entry->first);
  });
}

std::size_t Deferrals::size() const {
  return table_.with([](const Table& table) { return table.first.size(); });
}

}  // namespace sekisho::session
