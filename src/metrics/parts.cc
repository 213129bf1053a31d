#include "metrics/parts.h"

#include <nlohmann/json.hpp>
#include <string>

namespace sekisho::metrics {

using nlohmann::json;

json lists_json(const DnsListStatuses& lists) {
  json out = json::object();
  for (const auto& list : lists) {
    std::string state = "healthy";
    if (list.set_aside || list.aside_for != client::Whom::all) {
      state = "disabled";
      if (list.aside_for == client::Whom::v4) state += " for IPv4 clients";
      if (list.aside_for == client::Whom::v6) state += " for IPv6 clients";
      state += ": the list " + std::string(to_string(list.fault));
      if (!list.answer.empty()) state += " (" + list.answer + ")";
    }
    out[list.name] = {{"kind", to_string(list.kind)},
                      {"state", state},
                      {"lookups", list.lookups},
                      {"listed", list.listed},
                      {"failures", list.failures},
                      {"not_counted", list.not_counted},
                      {"times_set_aside", list.times_set_aside}};
  }
  return out;
}

json quarantine_json(quarantine::Service* holding) {
  if (holding == nullptr) return {{"open", false}};
  const auto health = holding->store().health();
  json out = {{"open", true}, {"healthy", health.healthy}};
  if (!health.healthy) out["problem"] = health.why;
  if (const auto stats = holding->store().stats(wall_now())) {
    out["held"] = stats->held;
    out["octets"] = stats->octets;
    out["max_size"] = stats->max_size;
    out["expire_within_day"] = stats->expire_within_day;
  }
  return out;
}

json history_json(const history::Recorder* recorder) {
  if (recorder == nullptr) return {{"recording", false}};
  const auto status = recorder->status();
  json out = {{"recording", status.recording}, {"records", status.records},
              {"octets", status.octets},       {"queued", status.queued},
              {"dropped", status.dropped},     {"pruned", status.pruned}};
  if (!status.problem.empty()) out["problem"] = status.problem;
  return out;
}

void append_lists(Families& out, const DnsListStatuses& lists) {
  using Kind = Family::Kind;
  const auto append = [&](Kind kind, const char* name, const char* help, auto value) {
    auto& family = out.emplace_back(kind, name, help);
    for (const auto& list : lists) {
      family.add({{"name", list.name}}, static_cast<double>(value(list)));
    }
  };
  using List = client::DnsListStatus;
  append(Kind::counter, "sekisho_list_lookups_total", "Lookups in a DNS list.",
         [](const List& list) { return list.lookups; });
  append(Kind::counter, "sekisho_list_listed_total", "Lookups that found an entry that counts.",
         [](const List& list) { return list.listed; });
  append(Kind::counter, "sekisho_list_failures_total", "Lookups without an answer.",
         [](const List& list) { return list.failures; });
  append(Kind::counter, "sekisho_list_not_counted_total",
         "Entries that did not count: the list was disabled, or the answer an error.",
         [](const List& list) { return list.not_counted; });
  append(Kind::gauge, "sekisho_list_set_aside",
         "1 while the list is disabled: nothing counts as listed by it.",
         [](const List& list) { return list.set_aside ? 1 : 0; });
  append(Kind::counter, "sekisho_list_times_set_aside_total", "How often the list was disabled.",
         [](const List& list) { return list.times_set_aside; });
}

void append_store(Families& out, const quarantine::Service* holding) {
  if (holding == nullptr) return;
  out.push_back(gauge("sekisho_quarantine_healthy",
                      "0 when the store takes no messages; what must be held is then "
                      "answered 4xx.",
                      holding->health().healthy ? 1 : 0));
  const auto stats = holding->last_stats();
  if (!stats) return;
  const auto append = [&](const char* name, const char* help, std::uint64_t value) {
    out.push_back(gauge(name, help, static_cast<double>(value)));
  };
  append("sekisho_quarantine_messages", "Messages that are held.", stats->held);
  append("sekisho_quarantine_bytes", "Size of what is in the store.", stats->octets);
  append("sekisho_quarantine_max_bytes", "The most that may be in it: quarantine.max_size.",
         stats->max_size);
  append("sekisho_quarantine_expiring_messages", "Held messages that expire within a day.",
         stats->expire_within_day);
}

void append_history(Families& out, const history::Recorder* recorder) {
  if (recorder == nullptr) return;
  const auto status = recorder->status();
  const auto append = [&](const char* name, const char* help, std::uint64_t value) {
    out.push_back(gauge(name, help, static_cast<double>(value)));
  };
  append("sekisho_history_recording", "1 when the last attempt to write succeeded.",
         status.recording ? 1 : 0);
  append("sekisho_history_records", "Decisions that are recorded.", status.records);
  append("sekisho_history_bytes", "Size of the records.", status.octets);
  append("sekisho_history_queued", "Decisions that wait to be written.", status.queued);
  out.push_back(counter("sekisho_history_dropped_total",
                        "Decisions that are not recorded: the disk was too slow or broken.",
                        status.dropped));
}

}  // namespace sekisho::metrics
