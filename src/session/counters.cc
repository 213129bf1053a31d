#include "session/counters.h"

#include <algorithm>

namespace sekisho::session {

void Durations::count(std::chrono::microseconds duration) {
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), duration) - bounds.begin();
  ++in_bucket_[static_cast<std::size_t>(bucket)];
  sum_us_ += duration.count();
}

Durations::Snapshot Durations::snapshot() const {
  Snapshot out;
  for (std::size_t i = 0; i < out.in_bucket.size(); ++i) {
    out.in_bucket[i] = in_bucket_[i];
    out.count += out.in_bucket[i];
  }
  out.sum = std::chrono::microseconds(sum_us_.load());
  return out;
}

std::optional<std::chrono::milliseconds> Durations::Snapshot::within(double part) const {
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    so_far += in_bucket[i];
    if (so_far > 0 && static_cast<double>(so_far) >= part * static_cast<double>(count)) {
      return bounds[i];
    }
  }
  return std::nullopt;
}

void Counters::count(const policy::Decision& decision_made) {
  ++by_action[decision_made.action];
  if (decision_made.monitored) ++by_monitored_action[*decision_made.monitored];
}

void Counters::count(const policy::Facts& facts, const policy::Verdict& verdict) {
  const auto& decision_made = verdict.message;
  count(decision_made);
  decision.count(facts.decided_in);
  // A message that was not judged has no results, nor has one after an internal failure: counting
  // `none` would be wrong.
  const bool judged = decision_made.rule != policy::rule_name::internal &&
                      decision_made.rule != policy::rule_name::release;
  if (facts.exemption != policy::Exemption::none || !judged) return;
  ++spf_mail_from[facts.spf_mail_from.code];
  ++spf_helo[facts.spf_helo.code];
  if (facts.dkim.empty()) ++dkim[dkim::Code::none];
  for (const auto& signature : facts.dkim) ++dkim[signature.code];
  ++dmarc[facts.dmarc.code];
  ++iprev[facts.iprev.code];
  dns_waited.count(facts.dns_waited);
}

}  // namespace sekisho::session
