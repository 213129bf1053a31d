#include "metrics/engine.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace sekisho::metrics {

using nlohmann::json;

namespace {

// Calls `use` with each counter of a code, and the word of the code.
template <class Code, class Use>
void for_each_code(const session::Counters::Each<Code>& counters, const Use& use) {
  for (const Code code : all_values<Code>()) {
    use(std::string(to_string(code)), counters[code].load());
  }
}

template <class Code>
void append_codes(Families& out, const session::Counters& counters,
                  const session::NamedCodes<Code>& row) {
  if (out.empty() || out.back().name != row.family) {
    out.emplace_back(Family::Kind::counter, std::string(row.family), std::string(row.help));
  }
  for_each_code(counters.*row.value, [&](const std::string& word, std::uint64_t count) {
    Labels labels;
    if (!row.scope.empty()) labels.emplace_back("scope", row.scope);
    labels.emplace_back(row.label, word);
    out.back().add(std::move(labels), static_cast<double>(count));
  });
}

template <class Code>
json codes_json(const session::Counters& counters, const session::NamedCodes<Code>& row) {
  json out = json::object();
  for_each_code(counters.*row.value, [&](const std::string& word, std::uint64_t count) {
    if (row.zeros == session::Zeros::shown || count > 0) out[word] = count;
  });
  return out;
}

double seconds(std::chrono::duration<double> duration) { return duration.count(); }

void append_durations(Families& out, const session::Counters& counters,
                      const session::NamedDurations& row) {
  const auto now = (counters.*row.value).snapshot();
  Family family(Family::Kind::histogram, std::string(row.family), std::string(row.help));
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < now.in_bucket.size(); ++i) {
    so_far += now.in_bucket[i];
    const auto& bounds = session::Durations::bounds;
    const std::string bound =
        i < bounds.size() ? json(seconds(bounds[i])).dump() : std::string("+Inf");
    family.samples.push_back({{{"le", bound}}, static_cast<double>(so_far), "_bucket"});
  }
  family.samples.push_back({{}, seconds(now.sum), "_sum"});
  family.samples.push_back({{}, static_cast<double>(now.count), "_count"});
  out.push_back(std::move(family));
}

json durations_json(const session::Durations::Snapshot& now) {
  json out = {{"messages", now.count}};
  if (now.count == 0) return out;
  const auto bound = [&](double part) {
    const auto found = now.within(part);
    return found ? json(found->count()) : json();
  };
  out["mean_ms"] = static_cast<double>(now.sum.count() / static_cast<long long>(now.count)) / 1000;
  out["half_within_ms"] = bound(0.5);
  out["99_percent_within_ms"] = bound(0.99);
  return out;
}

template <class Use>
void for_each_named_codes(const Use& use) {
  std::apply([&](const auto&... rows) { (use(rows), ...); }, session::named_codes);
}

json& at(json& answer, std::string_view place) {
  return answer[json::json_pointer(std::string(place))];
}

}  // namespace

void append_messages(Families& out, const session::Counters& counters) {
  for (const auto& [value, key, family, help] : session::named_counters) {
    out.push_back(counter(std::string(family), std::string(help), counters.*value));
  }
  out.push_back(gauge("sekisho_connections_open", "Connections of MTAs that are open now.",
                      static_cast<double>(counters.open_connections.load())));
  for_each_named_codes([&](const auto& row) { append_codes(out, counters, row); });
  for (const auto& row : session::named_durations) append_durations(out, counters, row);
}

void append_resolver(Families& out, const dns::ResolverStatus& status) {
  out.push_back(counter("sekisho_dns_questions_total", "Questions of messages.", status.questions));
  out.push_back(counter("sekisho_dns_cache_hits_total", "Questions that the cache answered.",
                        status.cache_hits));
  out.push_back(counter("sekisho_dns_coalesced_total",
                        "Questions that joined an equal one in flight.", status.coalesced));
  out.push_back(counter("sekisho_dns_sent_total", "Queries sent to servers, repeated ones too.",
                        status.sent));
  out.push_back(counter("sekisho_dns_answered_total", "Answers that were used.", status.answered));
  out.push_back(counter("sekisho_dns_timeouts_total", "Questions without an answer in time.",
                        status.timeouts));
  out.push_back(counter("sekisho_dns_failures_total",
                        "Questions that failed for another reason, SERVFAIL for example.",
                        status.failures));
  out.push_back(counter("sekisho_dns_ignored_total", "Datagrams that answered no open question.",
                        status.ignored));
  out.push_back(gauge("sekisho_dns_cache_entries", "Answers in the cache.",
                      static_cast<double>(status.cache_entries)));
  out.push_back(gauge("sekisho_dns_in_flight", "Questions that are open now.",
                      static_cast<double>(status.in_flight)));
}

void append_keys(Families& out, const crypto::KeyCache::Status& status) {
  out.push_back(gauge("sekisho_dkim_key_cache_entries", "Parsed public keys that are kept.",
                      static_cast<double>(status.entries)));
  out.push_back(
      counter("sekisho_dkim_key_cache_hits_total", "Keys that were at hand parsed.", status.hits));
  out.push_back(
      counter("sekisho_dkim_key_cache_misses_total", "Keys that had to be parsed.", status.misses));
}

json messages_json(const session::Counters& counters) {
  json sessions = {{"open", counters.open_connections.load()}};
  for (const auto& [value, key, family, help] : session::named_counters) {
    sessions[std::string(key)] = (counters.*value).load();
  }
  json out = {{"sessions", std::move(sessions)}};
  for_each_named_codes([&](const auto& row) { at(out, row.place) = codes_json(counters, row); });
  for (const auto& row : session::named_durations) {
    at(out, row.place) = durations_json((counters.*row.value).snapshot());
  }
  return out;
}

json resolver_json(const dns::ResolverStatus& status) {
  return {{"servers", status.servers},       {"questions", status.questions},
          {"cache_hits", status.cache_hits}, {"cache_entries", status.cache_entries},
          {"coalesced", status.coalesced},   {"sent", status.sent},
          {"answered", status.answered},     {"timeouts", status.timeouts},
          {"failures", status.failures},     {"ignored", status.ignored},
          {"in_flight", status.in_flight}};
}

}  // namespace sekisho::metrics
