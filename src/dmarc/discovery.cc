#include "dmarc/discovery.h"

namespace sekisho::dmarc {

namespace {

// RFC 9989 §4.10.1: the record of the Author Domain, else of its Organizational Domain, else of the
// Public Suffix Domain above that. A record between the author and the Organizational Domain does
// not count.
std::optional<Finding> applicable(const mail::DomainName& author,
                                  const mail::DomainName& organizational,
                                  const std::vector<Finding>& findings) {
  if (findings.empty()) return std::nullopt;
  if (findings.front().domain == author) return findings.front();
  for (const Finding& finding : findings) {
    if (finding.domain == organizational) return finding;
  }
  if (findings.back().record.published.psd == Psd::yes) return findings.back();
  return std::nullopt;
}

}  // namespace

Discovered discover_by_walk(const mail::DomainName& author, const dns::Answers& answers,
                            OnFailure on_failure) {
  Discovered out;
  Walk walked = walk(author, answers, on_failure);
  out.consulted = std::move(walked.consulted);
  out.failed = std::move(walked.failed);
  const bool has_own_record = !walked.findings.empty() && walked.findings.front().domain == author;
  switch (walked.state) {
    case Walk::State::open:
      out.open = std::move(walked.open);
      return out;
    case Walk::State::failed:
      if (on_failure == OnFailure::pass_over) break;
      // The names above decide the Organizational Domain, but not the policy of an author with a
      // record of its own.
      if (!has_own_record) {
        out.failure = std::move(walked.failure);
        return out;
      }
      out.policy = walked.findings.front();
      out.doubt = std::move(walked.failure);
      return out;
    case Walk::State::complete:
      break;
  }
  out.organizational_domain = organizational_domain(author, walked.findings);
  out.policy = applicable(author, *out.organizational_domain, walked.findings);
  if (!out.policy) out.why_none = "no DMARC record";
  return out;
}

Discovered discover_by_suffix(const mail::DomainName& author, const dns::Answers& answers,
                              const PublicSuffixList& suffixes, OnFailure on_failure) {
  Discovered out;
  const mail::DomainName organizational = suffixes.organizational_domain(author);
  std::vector<mail::DomainName> targets{author};
  if (organizational != author) targets.push_back(organizational);
  for (const auto& target : targets) {
    Lookup lookup = look_up(target, answers);
    if (lookup.state == Lookup::State::open) {
      for (const auto& each : targets) {
        const auto question = record_question(each);
        if (question && answers.find(*question) == nullptr) out.open.push_back(*question);
      }
      return out;
    }
    out.consulted.push_back("_dmarc." + target.text());
    if (lookup.state == Lookup::State::failed) {
      out.failed.push_back(target);
      if (on_failure == OnFailure::pass_over) continue;
      out.failure = std::move(lookup.failure);
      return out;
    }
    // RFC 7489 §6.6.3 step 5: several records end the discovery; RFC 9989 would go on.
    if (lookup.state == Lookup::State::several) {
      out.why_none = "several DMARC records at " + target.text();
      break;
    }
    if (lookup.record) {
      out.policy = Finding{target, std::move(*lookup.record)};
      break;
    }
  }
  out.organizational_domain = organizational;
  if (!out.policy && out.why_none.empty()) out.why_none = "no DMARC record";
  return out;
}

}  // namespace sekisho::dmarc
