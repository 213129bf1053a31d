#include "cli/history.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>

#include <nlohmann/json.hpp>

#include "base/terminal_text.h"
#include "cli/complain.h"
#include "cli/exit_code.h"
#include "config/values.h"
#include "mail/ip_address.h"
#include "session/replay.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;

std::string dumped(const json& value) {
  return value.dump(2, ' ', true, json::error_handler_t::replace);
}

// "11-25 19:01", which a year of history needs no more of.
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

// 80 columns with what stands between them. "accept*": others of its recipients were refused at RCPT.
void print_row(const history::Row& row) {
  std::printf("%s %s %s %s %s %s\n", short_time(row.time).c_str(), cell(row.id, 9).c_str(),
              cell(row.action + (row.refused.empty() ? "" : "*"), 10).c_str(),
              cell(row.rule, 8).c_str(), cell(sender(row), 20).c_str(),
              printable(receiver(row), 17).c_str());
}

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
          {"rule", row.rule},
          {"reason", row.reason},
          {"refused", std::move(refused)}};
}

// What a failure of the database comes to.
int give_up(const spool::Failure& failure) {
  return complain(data_error, "the history: " + failure.why);
}

int list(Records& records, const HistoryRequest& request) {
  json all = json::array();
  std::size_t shown = 0;
  bool more = false;
  if (!request.json) {
    std::printf("%-11s %-9s %-10s %-8s %-20s %s\n", "TIME (UTC)", "ID", "ACTION", "RULE", "FROM",
                "TO");
  }
  const auto done = records.archive().list(request.filter, [&](const history::Row& row) {
    more = request.limit != 0 && shown == request.limit;
    if (more) return false;
    ++shown;
    if (request.json) {
      all.push_back(row_json(row));
    } else {
      print_row(row);
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

// Of a simulation: what was, what would be.
struct Simulated {
  std::size_t decided = 0;
  std::size_t unreadable = 0;
  std::size_t not_recorded = 0;  // decisions whose new questions have no answer
  std::map<std::string, std::size_t> changes;
  json all = json::array();
};

void simulate_one(const history::Row& row, const session::Decided& decided, const Rulebook& book,
                  bool as_json, Simulated& sums) {
  const auto replayed = session::replay(decided, *book.snapshot);
  ++sums.decided;
  if (!replayed.not_recorded.empty()) ++sums.not_recorded;
  const auto& now = replayed.outcome.verdict.message;
  const bool passes = replayed.passes_rcpt;
  const std::string would(passes ? session::not_refused_at_rcpt : to_string(now.action));
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
  // No rule has spoken then, and the words need its column.
  const std::string what = passes ? cell(change, 32) : cell(change, 23) + " " + cell(now.rule, 8);
  std::printf("%s %s %s %s%s\n", short_time(row.time).c_str(), cell(row.id, 9).c_str(),
              what.c_str(), printable(sender(row), 24).c_str(),
              replayed.not_recorded.empty() ? "" : " ?");
}

int simulate(Records& records, const HistoryRequest& request, const Rulebook& book) {
  Simulated sums;
  if (!request.json) {
    std::printf("%-11s %-9s %-23s %-8s %s\n", "TIME (UTC)", "ID", "WAS → WOULD BE", "RULE", "FROM");
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

constexpr std::array<std::string_view, 5> actions = {"accept", "tag", "quarantine", "tempfail",
                                                     "reject"};

// What is wrong with it: a word that can match nothing would look like a history without a trace of it.
std::string read_filter(HistoryRequest& request) {
  const auto now = wall_now();
  auto& filter = request.filter;
  for (const auto& [option, text, slot] : {std::tuple("--since", &request.since, &filter.since),
                                           std::tuple("--until", &request.until, &filter.until)}) {
    if (text->empty()) continue;
    *slot = time_of(*text, now);
    if (!*slot) {
      return std::string(option) +
             ": expected a time as 2026-11-21T09:30:00Z, 2026-11-21, 2h or 7d (ago)";
    }
  }
  if (!filter.action.empty() &&
      std::find(actions.begin(), actions.end(), filter.action) == actions.end()) {
    return "--action: one of accept, tag, quarantine, tempfail, reject";
  }
  if (filter.client.find('/') != std::string::npos) {
    if (const auto network = mail::IpPrefix::parse(filter.client); !network) {
      return "--client: an address, a network as 192.0.2.0/24, or part of a name: " +
             network.error().what;
    }
  }
  return "";
}

}  // namespace

std::optional<WallTime> time_of(const std::string& text, WallTime now) {
  if (const auto ago = config::parse_duration(text)) {
    return now - std::chrono::duration_cast<std::chrono::seconds>(*ago);
  }
  return parse_time(text);
}

int history(HistoryRequest request) {
  if (const auto wrong = read_filter(request); !wrong.empty()) return complain(usage, wrong);
  std::shared_ptr<const Rulebook> book;
  if (!request.place.other.empty()) {
    book = rulebook_of_file(request.place.other);
    if (!book) return config;
  }
  int exit_code = ok;
  auto records = Records::open(request.place, exit_code);
  if (!records) return exit_code;
  return book ? simulate(*records, request, *book) : list(*records, request);
}

}  // namespace sekisho::cli
