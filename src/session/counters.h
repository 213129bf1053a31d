// session/counters.h: what `sekisho status` and the metrics count, since start.
// Thread: any.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>

#include "base/words.h"
#include "policy/facts.h"
#include "policy/verdict.h"

namespace sekisho::session {

// How long something took. A reader may see a duration in a bucket that is not yet in the sum,
// which is good enough for a scrape every 15 s.
class Durations {
 public:
  // Upper bounds, inclusive. Up to 1 ms everything was known already; 5 to 100 ms is a round trip
  // to a resolver that had the answer or asked for it nearby; to 2.5 s, servers far away or lost
  // packets; 5 s is a question's time-out, 20 s the budget of a message (defaults), so the last
  // bucket should stay empty.
  static constexpr std::array<std::chrono::milliseconds, 13> bounds{
      std::chrono::milliseconds(1),    std::chrono::milliseconds(5),
      std::chrono::milliseconds(10),   std::chrono::milliseconds(25),
      std::chrono::milliseconds(50),   std::chrono::milliseconds(100),
      std::chrono::milliseconds(250),  std::chrono::milliseconds(500),
      std::chrono::milliseconds(1000), std::chrono::milliseconds(2500),
      std::chrono::milliseconds(5000), std::chrono::milliseconds(10000),
      std::chrono::milliseconds(21000)};

  void count(std::chrono::microseconds duration);

  struct Snapshot {
    std::array<std::uint64_t, bounds.size() + 1>
        in_bucket{};          // the last one: longer than all bounds
    std::uint64_t count = 0;  // their sum
    std::chrono::microseconds sum{0};
    // The smallest bound that covers the fraction `part` (0.99) of the observations; nullopt if
    // none does, or if there are none.
    std::optional<std::chrono::milliseconds> within(double part) const;
  };
  Snapshot snapshot() const;

 private:
  std::array<std::atomic<std::uint64_t>, bounds.size() + 1> in_bucket_{};
  std::atomic<std::int64_t> sum_us_{0};
};

struct Counters {
  template <Worded Code>
  using Each = By<Code, std::atomic<std::uint64_t>>;

  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::int64_t> open_connections{0};
  std::atomic<std::uint64_t> messages{0};
  std::atomic<std::uint64_t> exempt{0};
  std::atomic<std::uint64_t> aborted{0};          // message or connection gone before the verdict
  std::atomic<std::uint64_t> internal_errors{0};  // answered 4xx
  std::atomic<std::uint64_t> refused_recipients{0};  // at RCPT
  std::atomic<std::uint64_t> not_held{0};            // because no store took them
  Each<policy::Action> by_action;
  Each<policy::Action> by_monitored_action;  // what monitor mode did not apply
  // Of the messages that were evaluated.
  Each<spf::Code> spf_mail_from;
  Each<spf::Code> spf_helo;
  Each<dkim::Code> dkim;  // by signature; none: a message without one
  Each<dmarc::Code> dmarc;
  Each<client::IprevCode> iprev;
  Durations decision;    // from the end of the message to its verdict
  Durations dns_waited;  // of the messages that were evaluated

  // Counts a transaction with an envelope only: all recipients were refused at RCPT.
  void count(const policy::Decision& decision_made);
  // Once for each message that got a verdict.
  void count(const policy::Facts& facts, const policy::Verdict& verdict);
};

// The counters with their names: one that has its row here and is counted somewhere is shown by
// `sekisho status` and read by Prometheus.
struct NamedCounter {
  std::atomic<std::uint64_t> Counters::*value;
  std::string_view key;     // in "sessions" of `sekisho status`
  std::string_view family;  // of Prometheus
  std::string_view help;    // one sentence
};
inline constexpr NamedCounter named_counters[] = {
    {&Counters::connections, "connections", "sekisho_connections_total", "Connections of MTAs."},
    {&Counters::messages, "messages", "sekisho_messages_total",
     "Messages that were judged or skipped."},
    {&Counters::exempt, "skipped", "sekisho_messages_skipped_total",
     "Messages that are not evaluated: of trusted or authenticated clients, and released ones."},
    {&Counters::aborted, "aborted", "sekisho_messages_aborted_total",
     "Messages that were gone before their verdict."},
    {&Counters::refused_recipients, "refused_recipients", "sekisho_refused_recipients_total",
     "Recipients that were refused at RCPT."},
    {&Counters::not_held, "not_held", "sekisho_messages_not_held_total",
     "Messages that had to be held and that the store did not take."},
    {&Counters::internal_errors, "internal_errors", "sekisho_internal_errors_total",
     "Failures inside; a message that has one is answered 4xx."},
};

enum class Zeros { shown, left_out };

template <Worded Code>
struct NamedCodes {
  Counters::Each<Code> Counters::*value;
  std::string_view place;   // in the answer of `sekisho status`: a JSON pointer (RFC 6901)
  Zeros zeros;              // there; Prometheus needs all of them
  std::string_view family;  // rows of one family follow each other
  std::string_view label;   // of the code
  std::string_view scope;   // tells the rows of one family apart; empty: it has one row
  std::string_view help;
};
inline constexpr std::tuple named_codes{
    NamedCodes<policy::Action>{&Counters::by_action, "/verdicts", Zeros::shown,
                               "sekisho_verdicts_total", "action", "",
                               "What was done with messages."},
    NamedCodes<policy::Action>{
        &Counters::by_monitored_action, "/monitored", Zeros::left_out,
        "sekisho_monitored_verdicts_total", "action", "",
        "What monitor mode did not do with messages that were accepted instead."},
    NamedCodes<spf::Code>{&Counters::spf_mail_from, "/results/spf_mfrom", Zeros::left_out,
                          "sekisho_spf_results_total", "result", "mfrom",
                          "Results of SPF, by identity."},
    NamedCodes<spf::Code>{&Counters::spf_helo, "/results/spf_helo", Zeros::left_out,
                          "sekisho_spf_results_total", "result", "helo",
                          "Results of SPF, by identity."},
    NamedCodes<dkim::Code>{&Counters::dkim, "/results/dkim", Zeros::left_out,
                           "sekisho_dkim_results_total", "result", "",
                           "Results of DKIM, by signature; none: a message without one."},
    NamedCodes<dmarc::Code>{&Counters::dmarc, "/results/dmarc", Zeros::left_out,
                            "sekisho_dmarc_results_total", "result", "", "Results of DMARC."},
    NamedCodes<client::IprevCode>{&Counters::iprev, "/results/iprev", Zeros::left_out,
                                  "sekisho_iprev_results_total", "result", "",
                                  "Results of the reverse lookup of clients."},
};

struct NamedDurations {
  Durations Counters::*value;
  std::string_view place;   // as above
  std::string_view family;  // a histogram
  std::string_view help;
};
inline constexpr NamedDurations named_durations[] = {
    {&Counters::decision, "/times/decision", "sekisho_decision_seconds",
     "From the end of a message to its verdict: what the MTA waited for."},
    {&Counters::dns_waited, "/times/dns", "sekisho_dns_wait_seconds",
     "How long answers of the DNS were open that a message needed, from the connection on."},
};

}  // namespace sekisho::session
