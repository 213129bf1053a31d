#include "history/archive.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "history/schema.h"
#include "record/codec.h"
#include "spool/columns.h"

namespace sekisho::history {

namespace {

using spool::Outcome;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool contains(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) { return ascii::to_lower(a) == ascii::to_lower(b); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

std::vector<Row::Refused> refused_of(std::string_view text) {
  std::vector<Row::Refused> refused;
  for (const auto& line : lines_of(text)) {
    const auto first = std::min(line.find(' '), line.size());
    const auto second = std::min(line.find(' ', first + 1), line.size());
    Row::Refused each{line.substr(0, first), {}, {}};
    if (first < line.size()) each.rule = line.substr(first + 1, second - first - 1);
    if (second < line.size()) each.reason = line.substr(second + 1);
    refused.push_back(std::move(each));
  }
  return refused;
}

bool any_contains(const std::vector<std::string>& texts, std::string_view part) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return contains(text, part); });
}

bool is_client(const Filter& filter, const Row& row) {
  if (!filter.client.is_any() && !filter.client.matches(row.client_name)) return false;
  if (!filter.network) return true;
  const auto address = mail::IpAddress::parse(row.client);
  return address && filter.network->contains(*address);
}

#define SEKISHO_DECISION_COLUMNS                                                            \
  "SELECT number, id, queue_id, time, client, client_name, mail_from, recipients, author, " \
  "subject, action, rule, reason, "
#define SEKISHO_DECISIONS_OF_A_TIME \
  " FROM decisions WHERE time BETWEEN ?1 AND ?2 ORDER BY time DESC, number DESC"

constexpr spool::Sql select_rows(SEKISHO_DECISION_COLUMNS
                                 "refused, monitored" SEKISHO_DECISIONS_OF_A_TIME);
// For a file from before these columns, which no newer daemon has opened yet.
constexpr spool::Sql select_rows_without_monitored(SEKISHO_DECISION_COLUMNS
                                                   "refused, ''" SEKISHO_DECISIONS_OF_A_TIME);
constexpr spool::Sql select_old_rows(SEKISHO_DECISION_COLUMNS "'', ''" SEKISHO_DECISIONS_OF_A_TIME);

Row row_of(const spool::Row& from) {
  const auto text = [&](int column) { return std::string(from.text(column)); };
  return {.number = from.integer(0),
          .id = text(1),
          .queue_id = text(2),
          .time = WallTime(std::chrono::seconds(from.integer(3))),
          .client = text(4),
          .client_name = text(5),
          .mail_from = text(6),
          .recipients = lines_of(from.text(7)),
          .author = text(8),
          .subject = text(9),
          .action = text(10),
          .would = text(14),
          .rule = text(11),
          .reason = text(12),
          .refused = refused_of(from.text(13))};
}

// Whether the message, or a recipient refused at RCPT, matches the filter's rule and action
// together.
bool is_decided_so(const Filter& filter, const Row& row) {
  const auto is = [&](const auto& each) {
    const bool rule =
        filter.rule.empty() || each.rule == filter.rule || each.rule.starts_with(filter.rule + ":");
    return rule && (filter.action.empty() || each.action == filter.action);
  };
  return is(row) || std::any_of(row.refused.begin(), row.refused.end(), is);
}

}  // namespace

bool Filter::matches(const Row& row) const {
  const auto says = [&](const std::string& part) {
    return contains(row.mail_from, part) || contains(row.author, part) ||
           contains(row.subject, part) || contains(row.reason, part) ||
           contains(row.client_name, part) || contains(row.client, part) ||
           any_contains(row.recipients, part) ||
           std::any_of(row.refused.begin(), row.refused.end(),
                       [&](const auto& each) { return contains(each.reason, part); });
  };
  const auto is_recipient = [&] {
    return std::any_of(row.recipients.begin(), row.recipients.end(),
                       [&](const std::string& address) { return to.matches(address); });
  };
  const bool by_author = !row.author.empty() && from.matches(row.author);
  return (by_author || from.matches(row.mail_from)) && (to.is_any() || is_recipient()) &&
         is_decided_so(*this, row) && (would.empty() || row.would == would) &&
         is_client(*this, row) && (text.empty() || says(text));
}

std::string normal_id(std::string text) {
  std::erase(text, '-');
  for (char& c : text) {
    c = ascii::to_upper(c);
    if (c == 'I' || c == 'L') c = '1';
    if (c == 'O') c = '0';
  }
  return text.size() == 8 ? text.substr(0, 4) + "-" + text.substr(4) : text;
}

Outcome<Archive> Archive::open(const std::string& dir) {
  auto database = spool::Database::open(database_path(dir), spool::Database::Open::existing);
  if (!database) return spool::failed(database.error());
  if (auto done = database->script("PRAGMA query_only = ON"); !done) {
    return spool::failed(done.error());
  }
  Archive archive(std::move(*database));
  const auto refused = spool::has_column(archive.database_, "decisions", "refused");
  if (!refused) return spool::failed(refused.error());
  archive.has_refused_ = *refused;
  const auto monitored = spool::has_column(archive.database_, "decisions", "monitored");
  if (!monitored) return spool::failed(monitored.error());
  archive.has_monitored_ = *monitored;
  return archive;
}

Outcome<void> Archive::list(const Filter& filter, const std::function<bool(const Row&)>& each) {
  const auto seconds = [](const std::optional<WallTime>& time, std::int64_t otherwise) {
    return time ? static_cast<std::int64_t>(time->time_since_epoch().count()) : otherwise;
  };
  return database_.query(has_refused_ && has_monitored_ ? select_rows
                         : has_refused_                 ? select_rows_without_monitored
                                                        : select_old_rows,
                         {seconds(filter.since, 0), seconds(filter.until, INT64_MAX)},
                         [&](const spool::Row& found) {
                           const Row row = row_of(found);
                           return !filter.matches(row) || each(row);
                         });
}

Outcome<std::optional<std::int64_t>> Archive::find(const std::string& id) {
  std::optional<std::int64_t> number;
  const auto take = [&](const spool::Row& row) {
    number = row.integer(0);
    return false;
  };
  const auto normal = normal_id(id);
  auto done = database_.query("SELECT number FROM decisions WHERE id = ?1 ORDER BY number DESC",
                              {normal}, take);
  if (done && !number && !id.empty()) {
    done = database_.query(
        "SELECT number FROM decisions WHERE queue_id = ?1 AND queue_id <> '' ORDER BY number DESC",
        {id}, take);
  }
  if (!done) return spool::failed(done.error());
  return number;
}

Outcome<Expected<session::Decided>> Archive::read(std::int64_t number) {
  Expected<session::Decided> decided = parse_error("the record has been removed");
  auto done = database_.query(
      "SELECT record, octets FROM records LEFT JOIN dictionaries"
      " ON dictionaries.number = records.dictionary WHERE records.number = ?1",
      {number}, [&](const spool::Row& row) {
        decided = record::decode(row.text(0), row.text(1));
        return false;
      });
  if (!done) return spool::failed(done.error());
  return decided;
}

Outcome<std::optional<Configuration>> Archive::configuration(const std::string& digest) {
  std::optional<Configuration> found;
  auto done = database_.query("SELECT text, places FROM configurations WHERE digest = ?1", {digest},
                              [&](const spool::Row& row) {
                                Configuration configuration{digest, std::string(row.text(0)), {}};
                                const auto places =
                                    nlohmann::json::parse(row.text(1), nullptr, false);
                                for (const auto& [key, place] : places.items()) {
                                  if (place.is_string())
                                    configuration.places[key] = place.get<std::string>();
                                }
                                found = std::move(configuration);
                                return false;
                              });
  if (!done) return spool::failed(done.error());
  return found;
}

}  // namespace sekisho::history
