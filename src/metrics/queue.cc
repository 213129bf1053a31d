#include "metrics/queue.h"

#include <nlohmann/json.hpp>

namespace sekisho::metrics {

using nlohmann::json;
using Kind = Family::Kind;

namespace {

// Words with a count.
template <class Enum>
json counted(const By<Enum, std::uint64_t>& counts) {
  json out = json::object();
  for (const auto word : all_values<Enum>()) {
    if (counts[word] > 0) out[std::string(to_string(word))] = counts[word];
  }
  return out;
}

// What can be counted in a queue: the others are ends.
constexpr bool is_in_queue(queue::State state) { return !queue::is_final(state); }

}  // namespace

void append_queue(Families& out, const queue::Counts& counts) {
  out.push_back(gauge("sekisho_queue_messages", "Messages that are not at their end.",
                      static_cast<double>(counts.messages)));
  auto& recipients = out.emplace_back(Kind::gauge, "sekisho_queue_recipients",
                                      "Recipients by their state, and why they wait.");
  for (const auto state : all_values<queue::State>()) {
    if (!is_in_queue(state) || state == queue::State::waiting || state == queue::State::held)
      continue;
    recipients.add({{"state", std::string(to_string(state))}, {"reason", "none"}},
                   static_cast<double>(counts.by_state[state]));
  }
  for (const auto reason : all_values<queue::Reason>()) {
    const std::string word(to_string(reason));
    recipients.add({{"state", "waiting"}, {"reason", word}},
                   static_cast<double>(counts.waiting_for[reason]));
    recipients.add({{"state", "held"}, {"reason", word}},
                   static_cast<double>(counts.held_for[reason]));
  }
  out.push_back(gauge("sekisho_queue_oldest_seconds", "Since the oldest message arrived.",
                      static_cast<double>(counts.oldest.count())));
  auto& older = out.emplace_back(Kind::gauge, "sekisho_queue_older_messages",
                                 "Messages that have been in the queue for longer than that.");
  for (std::size_t i = 0; i < queue::ages.size(); ++i)
    older.add({{"seconds", std::to_string(queue::ages[i])}}, static_cast<double>(counts.older[i]));
  out.push_back(gauge("sekisho_queue_attempts_under_way", "Deliveries that are under way.",
                      static_cast<double>(counts.attempts_under_way)));
  auto& ended = out.emplace_back(Kind::counter, "sekisho_deliveries_total",
                                 "Results of attempts, a recipient each, since the start.");
  for (const auto& [route, there] : counts.by_route) {
    ended.add({{"route", route}, {"result", "sent"}}, static_cast<double>(there.sent));
    ended.add({{"route", route}, {"result", "deferred"}}, static_cast<double>(there.deferred));
    ended.add({{"route", route}, {"result", "bounced"}}, static_cast<double>(there.bounced));
  }
}

void append_listeners(Families& out, const smtp::Counters& counters) {
  out.push_back(gauge("sekisho_smtp_open_connections", "Clients that are connected.",
                      static_cast<double>(counters.open_connections)));
  auto& connections = out.emplace_back(Kind::counter, "sekisho_smtp_connections_total",
                                       "Connections, and those that were refused for a limit.");
  connections.add({{"result", "taken"}}, static_cast<double>(counters.connections));
  connections.add({{"result", "refused"}}, static_cast<double>(counters.connections_refused));
  auto& messages =
      out.emplace_back(Kind::counter, "sekisho_smtp_messages_total", "Answers to the end of DATA.");
  messages.add({{"result", "taken"}}, static_cast<double>(counters.messages));
  messages.add({{"result", "refused"}}, static_cast<double>(counters.messages_refused));
  out.push_back(counter("sekisho_smtp_recipients_refused_total", "Recipients refused at RCPT.",
                        counters.recipients_refused));
  auto& tls = out.emplace_back(Kind::counter, "sekisho_smtp_tls_handshakes_total",
                               "TLS handshakes of clients by version.");
  tls.add({{"version", "TLSv1.2"}}, static_cast<double>(counters.tls_1_2));
  tls.add({{"version", "TLSv1.3"}}, static_cast<double>(counters.tls_1_3));
  tls.add({{"version", "failed"}}, static_cast<double>(counters.tls_failures));
  auto& logins = out.emplace_back(Kind::counter, "sekisho_smtp_logins_total",
                                  "Answers to AUTH; unavailable: the source did not answer.");
  logins.add({{"result", "accepted"}}, static_cast<double>(counters.logins));
  logins.add({{"result", "wrong"}}, static_cast<double>(counters.login_failures));
  logins.add({{"result", "unavailable"}}, static_cast<double>(counters.login_unavailable));
}

json queue_json(const queue::Counts& counts) {
  return {{"messages", counts.messages},
          {"recipients", counted(counts.by_state)},
          {"waiting for", counted(counts.waiting_for)},
          {"held for", counted(counts.held_for)},
          {"oldest_s", counts.oldest.count()},
          {"since start",
           {{"sent", counts.sent}, {"deferred", counts.deferred}, {"bounced", counts.bounced}}}};
}

json listeners_json(const smtp::Counters& counters) {
  return {{"connections",
           {{"open", counters.open_connections.load()},
            {"all", counters.connections.load()},
            {"refused", counters.connections_refused.load()}}},
          {"messages",
           {{"taken", counters.messages.load()}, {"refused", counters.messages_refused.load()}}},
          {"recipients", {{"refused", counters.recipients_refused.load()}}},
          {"tls",
           {{"TLSv1.2", counters.tls_1_2.load()},
            {"TLSv1.3", counters.tls_1_3.load()},
            {"failed", counters.tls_failures.load()}}},
          {"logins",
           {{"accepted", counters.logins.load()},
            {"wrong", counters.login_failures.load()},
            {"unavailable", counters.login_unavailable.load()}}}};
}

}  // namespace sekisho::metrics
