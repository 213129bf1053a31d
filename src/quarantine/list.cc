// The list of held messages.
#include <algorithm>
#include <limits>

#include "quarantine/row.h"
#include "quarantine/store.h"
#include "quarantine/tables.h"

namespace sekisho::quarantine {

namespace {

// A search text; SQLite itself stops at 50,000 octets.
constexpr std::size_t filter_octets = 1000;

// Rows that are read at once. Between portions no statement is open: otherwise a list in a pager
// would keep SQLite from restarting its WAL as long as it is read.
constexpr std::size_t portion = 500;

std::string like(std::string_view part) {
  if (part.empty()) return {};
  std::string pattern = "%";
  for (const char c : part) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

// The last row before the next portion.
struct Place {
  std::int64_t time = 0;
  std::int64_t number = 0;
};

struct Conditions {
  explicit Conditions(const Filter& filter)
      : since(filter.since ? seconds(*filter.since) : std::numeric_limits<std::int64_t>::min()),
        from(like(filter.from.certain_part())),
        to(like(filter.to.certain_part())),
        rule(filter.rule),
        text(like(filter.text)),
        state(filter.state ? to_string(*filter.state) : std::string_view()),
        waiting(filter.waiting ? 1 : 0) {}

  std::int64_t since;
  std::string from;
  std::string to;
  std::string_view rule;
  std::string text;
  std::string_view state;
  std::int64_t waiting;
};

Place begin_of(const Filter& filter) {
  return {filter.before ? seconds(*filter.before) : std::numeric_limits<std::int64_t>::max(), 0};
}

Outcome<void> check(const Filter& filter) {
  for (const std::string_view text :
       {filter.from.certain_part(), filter.to.certain_part(), std::string_view(filter.rule),
        std::string_view(filter.text)}) {
    if (text.size() > filter_octets)
      return failed(Failure::Kind::refused, "a search text of more than 1000 octets");
  }
  return {};
}

// SQL finds rows with the certain part of a pattern; the full match is made here.
bool matches(const Filter& filter, const HeldRow& held) {
  const bool by_author = !held.author.empty() && filter.from.matches(held.author);
  if (!by_author && !filter.from.matches(held.mail_from)) return false;
  return filter.to.is_any() ||
         std::any_of(held.recipients.begin(), held.recipients.end(),
                     [&](const std::string& to) { return filter.to.matches(to); });
}

// The parameters are those of both statements below.
#define SEKISHO_HELD_MATCHES                                                       \
  " FROM held"                                                                     \
  " WHERE time >= ?1 AND (time, number) < (?2, ?3)"                                \
  "  AND (?4 = '' OR mail_from LIKE ?4 ESCAPE '\\' OR author LIKE ?4 ESCAPE '\\')" \
  "  AND (?5 = '' OR recipients LIKE ?5 ESCAPE '\\')"                              \
  "  AND (?6 = '' OR rule = ?6 COLLATE NOCASE OR"                                  \
  "    substr(rule, 1, length(?6) + 1) = ?6 || ':' COLLATE NOCASE)"                \
  "  AND (?7 = '' OR subject LIKE ?7 ESCAPE '\\' OR author LIKE ?7 ESCAPE '\\'"    \
  "    OR mail_from LIKE ?7 ESCAPE '\\' OR recipients LIKE ?7 ESCAPE '\\'"         \
  "    OR client LIKE ?7 ESCAPE '\\' OR reason LIKE ?7 ESCAPE '\\'"                \
  "    OR message_id LIKE ?7 ESCAPE '\\')"                                         \
  "  AND (?8 = '' OR state = ?8) AND (?9 = 0 OR state IN ('held', 'released'))"

// Reads the portion after `place` into `rows`, reusing their strings; returns how many.
Outcome<std::size_t> read_portion(Database& database, const Conditions& which, Place& place,
                                  std::vector<HeldRow>& rows, std::size_t most) {
  std::size_t count = 0;
  auto read =
      database.query("SELECT " SEKISHO_HELD_COLUMNS ", number" SEKISHO_HELD_MATCHES
                     " ORDER BY time DESC, number DESC LIMIT ?10",
                     {which.since, place.time, place.number, which.from, which.to, which.rule,
                      which.text, which.state, which.waiting, static_cast<std::int64_t>(most)},
                     [&](const Row& row) {
                       if (count == rows.size()) rows.emplace_back();
                       read_row(row, rows[count]);
                       place = {seconds(rows[count].time), row.integer(20)};
                       ++count;
                       return true;
                     });
  if (!read) return failed(read.error());
  return count;
}

}  // namespace

Outcome<void> Store::list(const Filter& filter, const Each& each) {
  if (auto good = check(filter); !good) return good;
  const Conditions which(filter);
  Place place = begin_of(filter);
  std::vector<HeldRow> rows;
  std::size_t left = filter.limit == 0 ? std::numeric_limits<std::size_t>::max() : filter.limit;
  const bool by_name = !filter.from.is_any() || !filter.to.is_any();
  for (std::size_t got = portion; got == portion && left > 0;) {
    const std::size_t most = by_name ? portion : std::min(portion, left);
    auto read = spool_->read([&](Database& database) -> Outcome<void> {
      auto count = read_portion(database, which, place, rows, most);
      if (!count) return failed(count.error());
      got = *count;
      return {};
    });
    if (!read) return read;
    for (std::size_t i = 0; i < got && left > 0; ++i) {
      if (!matches(filter, rows[i])) continue;
      --left;
      rows[i].expires = rows[i].time + options_.keep;
      if (!each(rows[i])) return {};
    }
  }
  return {};
}

Outcome<std::vector<HeldRow>> Store::list(const Filter& filter) {
  std::vector<HeldRow> rows;
  auto listed = list(filter, [&](const HeldRow& held) {
    rows.push_back(held);
    return true;
  });
  if (!listed) return failed(listed.error());
  return rows;
}

Outcome<std::uint64_t> Store::count(const Filter& filter) {
  if (auto good = check(filter); !good) return failed(good.error());
  std::uint64_t count = 0;
  if (!filter.from.is_any() || !filter.to.is_any()) {
    Filter all = filter;
    all.limit = 0;
    auto listed = list(all, [&](const HeldRow&) { return ++count > 0; });
    if (!listed) return failed(listed.error());
    return count;
  }
  const Conditions which(filter);
  const Place place = begin_of(filter);
  auto read = spool_->read([&](Database& database) {
    return database.query("SELECT count(*)" SEKISHO_HELD_MATCHES,
                          {which.since, place.time, place.number, which.from, which.to, which.rule,
                           which.text, which.state, which.waiting},
                          [&](const Row& row) {
                            count = static_cast<std::uint64_t>(row.integer(0));
                            return true;
                          });
  });
  if (!read) return failed(read.error());
  return count;
}

}  // namespace sekisho::quarantine
