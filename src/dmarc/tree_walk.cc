#include "dmarc/tree_walk.h"

#include <algorithm>

namespace sekisho::dmarc {

namespace {

// RFC 9989 §4.10 step 4: from a name of 8 labels or more the walk goes on at 7, so that it never
// asks more than 8 times.
constexpr std::size_t shortcut_labels = 7;

void add_unanswered(const std::vector<mail::DomainName>& targets, const dns::Answers& answers,
                    std::vector<dns::Question>& open) {
  for (const auto& target : targets) {
    const auto question = record_question(target);
    if (question && answers.find(*question) == nullptr) open.push_back(*question);
  }
}

bool ends_walk(const Record& record) { return record.published.psd != Psd::unknown; }

}  // namespace

std::optional<dns::Question> record_question(const mail::DomainName& domain) {
  const auto name = dns::Name::from("_dmarc." + domain.text());
  if (!name) return std::nullopt;
  return dns::Question{*name, dns::Type::txt};
}

Lookup look_up(const mail::DomainName& domain, const dns::Answers& answers) {
  const auto question = record_question(domain);
  if (!question) return {};
  const dns::Answer* answer = answers.find(*question);
  if (answer == nullptr) return {Lookup::State::open, std::nullopt, {}};
  if (answer->is_error() || answer->is_refused()) {
    return {Lookup::State::failed, std::nullopt, to_string(*question) + ": " + answer->error};
  }
  Lookup lookup;
  for (const std::string& text : answer->texts) {
    auto record = parse_record(text);
    if (!record) continue;
    if (lookup.record) return {Lookup::State::several, std::nullopt, {}};
    lookup = {Lookup::State::found, std::move(*record), {}};
  }
  return lookup;
}

std::vector<mail::DomainName> walk_targets(const mail::DomainName& start) {
  std::vector<mail::DomainName> targets{start};
  for (std::size_t labels = std::min(start.label_count() - 1, shortcut_labels); labels > 0;
       --labels) {
    targets.push_back(start.suffix(labels));
  }
  return targets;
}

Walk walk(const mail::DomainName& start, const dns::Answers& answers, OnFailure on_failure) {
  Walk result;
  const auto targets = walk_targets(start);
  for (const auto& target : targets) {
    Lookup lookup = look_up(target, answers);
    if (lookup.state == Lookup::State::open) {
      result.state = Walk::State::open;
      add_unanswered(targets, answers, result.open);
      return result;
    }
    if (record_question(target)) result.consulted.push_back("_dmarc." + target.text());
    if (lookup.state == Lookup::State::failed) {
      result.state = Walk::State::failed;
      if (result.failed.empty()) result.failure = std::move(lookup.failure);
      result.failed.push_back(target);
      if (on_failure == OnFailure::stop) return result;
      continue;
    }
    if (!lookup.record) continue;
    result.findings.push_back({target, std::move(*lookup.record)});
    if (ends_walk(result.findings.back().record)) break;
  }
  return result;
}

mail::DomainName organizational_domain(const mail::DomainName& start,
                                       const std::vector<Finding>& findings) {
  if (findings.empty()) return start;
  // Only the last finding can have psd=y or psd=n, because either ends the walk. Without these it
  // is the shortest name, and with psd=n the domain itself: in both cases the last finding.
  const Finding& last = findings.back();
  if (last.record.published.psd == Psd::yes && last.domain != start) {
    return start.suffix(last.domain.label_count() + 1);
  }
  return last.domain;
}

}  // namespace sekisho::dmarc
