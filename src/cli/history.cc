#include "cli/history.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>

#include <nlohmann/json.hpp>

#include "base/terminal_text.h"
#include "cli/complain.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "cli/when.h"
#include "mail/ip_address.h"
#include "replay/replay.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;

std::string dumped(const json& value) {
  return value.dump(2, ' ', true, json::error_handler_t::replace);
}

// "11-25 19:01": enough for a year of history.
std::string short_time(WallTime time) {
  auto text = to_iso8601(time).substr(5, 11);
  text[5] = ' ';
  return text;
}

std::string sender(const history::Row& row) { return row.mail_from.empty() ? "<>" : row.mail_from; }

std::string receiver(const history::Row& row) {
  if (row.recipients.empty()) return "-";
  const auto others = row.recipients.size() - 1;
  return row.recipients.front() + (others > 0 ? " +" + std::to_string(others) : "");
}

std::string all_receivers(const history::Row& row) {
  std::string all;
  for (const auto& to : row.recipients) all.append(all.empty() ? "" : ",").append(to);
  return all.empty() ? "-" : all;
}

// The action that monitor mode prevented has a column if it is asked for, or if there is room.
class Table {
 public:
  Table(const Terminal& terminal, bool would)
      : charset_(terminal.charset),
        uncut_(terminal.columns == uncut_columns),
        would_(would || terminal.columns >= 100) {
    const std::size_t columns = uncut_ ? 120 : terminal.columns;
    const std::size_t fixed = 42 + (would_ ? 11 : 0);
    const std::size_t left = columns - std::min(columns, fixed);
    from_ = std::max<std::size_t>((left + 3) * 20 / 40, 8);
    to_ = left > from_ + 8 ? left - from_ - 1 : 8;
  }

  void title() const {
    row({"TIME (UTC)", "ID", "ACTION", "WOULD", "RULE", "ENVELOPE FROM", "TO"});
  }
  // "accept*": others of its recipients were refused at RCPT.
  void add(const history::Row& decided) const {
    row({short_time(decided.time), decided.id,
         decided.action + (decided.refused.empty() ? "" : "*"),
         decided.would.empty() ? "-" : decided.would, decided.rule, sender(decided),
         uncut_ ? all_receivers(decided) : receiver(decided)});
  }

 private:
  void row(const std::array<std::string, 7>& cells) const {
    const std::array<std::size_t, 7> widths = {11, 9, 10, 10, 8, from_, to_};
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i == 3 && !would_) continue;
      if (uncut_) {
        append_uncut_cell(line, cells[i], widths[i], charset_);
      } else {
        append_cell(line, cells[i], widths[i], charset_);
      }
      line += ' ';
    }
    std::printf("%s\n", line.substr(0, line.find_last_not_of(' ') + 1).c_str());
  }

  Charset charset_;
  bool uncut_;
  bool would_;
  std::size_t from_ = 0;
  std::size_t to_ = 0;
};

json row_json(const history::Row& row) {
  json refused = json::array();
  for (const auto& each : row.refused) {
    refused.push_back({{"action", each.action}, {"rule", each.rule}, {"reason", each.reason}});
  }
  return {{"id", row.id},
          {"time", to_iso8601(row.time)},
          {"queue_id", row.queue_id},
          {"client", row.client},
          {"client_name", row.client_name},
          {"from", row.mail_from},
          {"to", row.recipients},
          {"author", row.author},
          {"subject", row.subject},
          {"action", row.action},
          {"would", row.would},
          {"rule", row.rule},
          {"reason", row.reason},
          {"refused", std::move(refused)}};
}

// Reports a failure of the database.
int give_up(const spool::Failure& failure) {
  return complain(data_error, "the history: " + failure.why);
}

int list(Records& records, const HistoryRequest& request) {
  json all = json::array();
  std::size_t shown = 0;
  bool more = false;
  const Table table(standard_output(), !request.filter.would.empty());
  if (!request.json) table.title();
  const auto done = records.archive().list(request.filter, [&](const history::Row& row) {
    more = request.limit != 0 && shown == request.limit;
    if (more) return false;
    ++shown;
    if (request.json) {
      all.push_back(row_json(row));
    } else {
      table.add(row);
    }
    return true;
  });
  if (!done) return give_up(done.error());
  if (request.json) std::printf("%s\n", dumped(all).c_str());
  if (!request.json && more) {
    std::printf("and older ones: --limit 0 shows all\n");
  }
  return ok;
}

// A simulation: the old and the new decision.
struct Simulated {
  std::size_t decided = 0;
  std::size_t unreadable = 0;
  std::size_t not_recorded = 0;  // decisions whose new questions have no answer
  std::map<std::string, std::size_t> changes;
  json all = json::array();
};

void simulate_one(const history::Row& row, const session::Decided& decided, const Rulebook& book,
                  bool as_json, Simulated& sums) {
  const auto replayed = replay::replay(decided, *book.snapshot);
  ++sums.decided;
  if (!replayed.not_recorded.empty()) ++sums.not_recorded;
  const auto& now = replayed.outcome.verdict.message;
  const bool passes = replayed.passes_rcpt;
  const std::string would(passes ? replay::not_refused_at_rcpt : to_string(now.action));
  if (would == row.action) return;
  const std::string change = row.action + " → " + would;
  ++sums.changes[change];
  if (as_json) {
    json object = row_json(row);
    object["would_be"] = {{"action", would},
                          {"rule", passes ? "" : now.rule},
                          {"reason", passes ? "" : now.reason},
                          {"not_recorded", replayed.not_recorded}};
    sums.all.push_back(std::move(object));
    return;
  }
  // Then no rule has decided, and the text needs its column.
  const std::string what = passes ? cell(change, 32) : cell(change, 23) + " " + cell(now.rule, 8);
  const auto terminal = standard_output();
  const bool uncut = terminal.columns == uncut_columns;
  std::printf("%s %s %s %s%s\n", short_time(row.time).c_str(), cell(row.id, 9).c_str(),
              what.c_str(), printable(sender(row), uncut ? uncut_columns : 24).c_str(),
              replayed.not_recorded.empty() ? "" : " ?");
}

int simulate(Records& records, const HistoryRequest& request, const Rulebook& book) {
  Simulated sums;
  if (!request.json) {
    std::printf("%-11s %-9s %-23s %-8s %s\n", "TIME (UTC)", "ID", "WAS → WOULD BE", "RULE",
                "ENVELOPE FROM");
  }
  const auto done = records.archive().list(request.filter, [&](const history::Row& row) {
    if (request.limit != 0 && sums.decided == request.limit) return false;
    const auto decided = records.read(row.number);
    if (decided) {
      simulate_one(row, *decided, book, request.json, sums);
    } else {
      ++sums.unreadable;
    }
    return true;
  });
  if (!done) return give_up(done.error());
  if (request.json) {
    std::printf("%s\n", dumped(sums.all).c_str());
    return ok;
  }
  std::printf("%zu decisions made again\n", sums.decided);
  for (const auto& [change, count] : sums.changes) std::printf("%7zu %s\n", count, change.c_str());
  if (sums.not_recorded > 0) {
    std::printf("%7zu asked what was not recorded (?), and count it as a temporary failure\n",
                sums.not_recorded);
  }
  if (sums.unreadable > 0) std::printf("%7zu records could not be read\n", sums.unreadable);
  return ok;
}

// An address, a network, or a name.
std::string read_client(HistoryRequest& request) {
  auto& filter = request.filter;
  if (const auto network = mail::IpPrefix::parse(request.client)) {
    filter.network = *network;
  } else if (request.client.find('/') != std::string::npos) {
    return "--client: an address, a network as 192.0.2.0/24, or a name: " + network.error().what;
  } else if (auto pattern = mail::NamePattern::parse(request.client)) {
    filter.client = std::move(*pattern);
  } else {
    return "--client: " + pattern.error().what;
  }
  return "";
}

// The fault of the request: a word that can match nothing would look like an empty history.
std::string read_filter(HistoryRequest& request) {
  const auto now = wall_now();
  auto& filter = request.filter;
  for (const auto& [option, text, slot] : {std::tuple("--since", &request.since, &filter.since),
                                           std::tuple("--until", &request.until, &filter.until)}) {
    if (text->empty()) continue;
    *slot = parse_when(*text, now);
    if (!*slot) {
      return std::string(option) +
             ": expected a time as 2026-11-21T09:30:00Z, 2026-11-21, 2h or 7d (ago)";
    }
  }
  for (const auto& [option, word] :
       {std::pair("--action", &filter.action), std::pair("--would", &filter.would)}) {
    if (!word->empty() && !parse_word<policy::Action>(*word)) {
      return std::string(option) + ": one of " + all_words<policy::Action>();
    }
  }
  for (const auto& [option, text, slot] : {std::tuple("--from", &request.from, &filter.from),
                                           std::tuple("--to", &request.to, &filter.to)}) {
    auto pattern = mail::NamePattern::parse(*text);
    if (!pattern) return std::string(option) + ": " + pattern.error().what;
    *slot = std::move(*pattern);
  }
  return read_client(request);
}

}  // namespace

int history(HistoryRequest request) {
  if (const auto wrong = read_filter(request); !wrong.empty()) return complain(usage, wrong);
  std::shared_ptr<const Rulebook> book;
  if (!request.place.other.empty()) {
    book = rulebook_of_file(request.place.other);
    if (!book) return config;
  }
  auto records = Records::open(request.place);
  if (!records) return complain(records.error());
  return book ? simulate(*records, request, *book) : list(*records, request);
}

}  // namespace sekisho::cli
