#include "queue/summary.h"

#include <algorithm>

namespace sekisho::queue {

namespace {

// What only the verdicts hold expires by itself, so it is told when there is more of it; what is
// held for whom it was accepted is told each day.
std::string of_quarantine(const std::vector<Quarantined>& all, bool in_any_case) {
  const bool tells =
      in_any_case || std::any_of(all.begin(), all.end(), [](const Quarantined& each) {
        return each.news || each.rule == "forward";
      });
  if (!tells || all.empty()) return {};
  std::string text = "\r\nHeld in the quarantine, by rule:\r\n\r\n";
  for (const auto& each : all) {
    text += "  " + std::to_string(each.messages) + " rule=" + each.rule;
    if (each.rule == "forward") text += ": they failed DMARC, and their recipients forward them";
    text += "\r\n";
  }
  return text + "\r\nsekisho quarantine list shows them; release and delete take their ids.\r\n";
}

}  // namespace

std::string_view sentence_of(Reason reason) {
  switch (reason) {
    case Reason::none:
      return "not tried yet";
    case Reason::deferred:
      return "the next host could not take it yet";
    case Reason::fault:
      return "something here is out of order: it goes on by itself when that is mended";
    case Reason::loop:
      return "it goes in a circle";
    case Reason::person:
      return "held by a command";
    case Reason::undeliverable:
      return "it cannot be delivered, and its sender is <>: nobody can be told";
    case Reason::backscatter:
      return "it cannot be delivered, and its sender is not proved: a bounce could go to somebody "
             "else";
    case Reason::crash:
      return "the daemon crashed twice while it worked on it";
    case Reason::lost_index:
      return "the index was lost, and with it which of its recipients have it";
  }
  return {};
}

Outcome<std::vector<Quarantined>> quarantined_since(Database& database, WallTime last) {
  std::vector<Quarantined> all;
  auto read = database.query(
      "SELECT rule, count(*), max(time) > ?1 FROM held WHERE state = 'held' GROUP BY rule"
      " ORDER BY rule",
      {std::int64_t{last.time_since_epoch().count()}}, [&](const Row& row) {
        all.push_back({std::string(row.text(0)), static_cast<std::uint64_t>(row.integer(1)),
                       row.integer(2) != 0});
        return true;
      });
  if (!read) return failed(read.error());
  return all;
}

std::string summary_text(const Counts& counts, const std::vector<Quarantined>& quarantined,
                         const std::vector<Alarms::Alarm>& alarms, std::string_view hostname) {
  std::string text;
  for (const auto reason : all_values<Reason>()) {
    const auto count = counts.held_for[reason];
    if (count == 0) continue;
    text += "  " + std::to_string(count) + (count == 1 ? " recipient: " : " recipients: ");
    text.append(sentence_of(reason)).append("\r\n");
  }
  if (!text.empty()) {
    text =
        "Held in the queue, until a person decides or a fault ends:\r\n\r\n" + text +
        "\r\nsekisho queue list shows them; release, delete, show and requeue take their ids.\r\n";
  }
  text += of_quarantine(quarantined, !text.empty() || !alarms.empty());
  for (const auto& alarm : alarms) {
    if (&alarm == alarms.data()) text += "\r\nOut of order:\r\n\r\n";
    text += "  " + alarm.text + " (since " + to_iso8601(alarm.since) + ")\r\n";
  }
  if (text.empty()) return text;
  return "The mail system at " + std::string(hostname) +
         " has something for you to decide.\r\n\r\n" + text;
}

}  // namespace sekisho::queue
