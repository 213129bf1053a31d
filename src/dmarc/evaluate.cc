#include "dmarc/evaluate.h"

#include <algorithm>
#include <array>

#include "dmarc/alignment.h"
#include "dmarc/discovery.h"

namespace sekisho::dmarc {

namespace {

bool by_suffix(const Options& options) {
  return options.discovery == Discovery::psl && options.suffixes != nullptr;
}

// Whether the Author Domain exists.
struct Existence {
  bool known = false;
  bool exists = true;
  std::string failure;              // set if a lookup failed and no answer decides
  std::vector<dns::Question> open;  // set if an answer is still missing
};

// RFC 9989 §3.2.13: non-existent means NXDOMAIN, and NODATA of any type means that the name exists.
// Three types are asked, because some servers answer NXDOMAIN when they have no record of that
// type: one answer that knows the name is enough. A failed answer counts only if no other answer
// decides.
Existence existence(const mail::DomainName& domain, const dns::Answers& answers) {
  Existence out;
  bool nxdomain = false;
  for (const dns::Type type : {dns::Type::a, dns::Type::aaaa, dns::Type::mx}) {
    const dns::Question question{domain, type};
    const dns::Answer* answer = answers.find(question);
    if (answer == nullptr) {
      out.open.push_back(question);
    } else if (answer->is_error() || answer->is_refused()) {
      out.failure = to_string(question) + ": " + answer->error;
    } else if (answer->outcome == dns::Outcome::nxdomain) {
      nxdomain = true;
    } else {
      return Existence{true, true, {}, {}};
    }
  }
  if (!out.open.empty()) return out;
  out.known = nxdomain;
  out.exists = !nxdomain;
  return out;
}

// The tag that gives the policy of the message (RFC 9989 §4.10.1).
struct Choice {
  std::string tag;
  Policy policy = Policy::none;
};

Choice choose(const Published& published, bool is_subdomain, bool exists) {
  if (is_subdomain && !exists && published.np) return {"np", *published.np};
  if (is_subdomain && published.sp) return {"sp", *published.sp};
  return {"p", published.p};
}

Policy one_step_lower(Policy policy) {
  switch (policy) {
    case Policy::none:
      return Policy::none;
    case Policy::quarantine:
      return Policy::none;
    case Policy::reject:
      return Policy::quarantine;
  }
  return Policy::none;
}

// The policy that the owner requests for a message that failed.
Policy requested_policy(const Result& result, const Record& record, bool old_rules) {
  // RFC 9989 §4.7 `t`. In RFC 7489 §6.6.4 `pct` is the share of the messages that gets the policy,
  // and the rest gets the next lower one. No random choice is made, so that an evaluation can be
  // repeated: below 100 every message gets the lower one.
  if (record.published.testing || (old_rules && record.pct < 100))
    return one_step_lower(result.policy);
  return result.policy;
}

bool passes_for(const Identifier& identifier, const mail::DomainName& domain) {
  return identifier.state == Identifier::State::pass && identifier.domain == domain;
}

class Evaluator {
 public:
  Evaluator(const Inputs& inputs, const dns::Answers& answers, const Options& options,
            OnFailure on_failure = OnFailure::stop)
      : inputs_(inputs), answers_(answers), options_(options), on_failure_(on_failure) {}

  dns::Evaluation<Result> run() {
    found_ = by_suffix(options_)
                 ? discover_by_suffix(inputs_.author, answers_, *options_.suffixes, on_failure_)
                 : discover_by_walk(inputs_.author, answers_, on_failure_);
    if (!found_.open.empty()) {
      dns::Evaluation<Result> open;
      open.needed = std::move(found_.open);
      if (!by_suffix(options_)) open.hints = likely_questions(inputs_);
      return open;
    }
    start_result();
    if (!found_.failure.empty()) return in_doubt(found_.failure);
    if (!found_.policy) return finish(Code::none, found_.why_none);
    const Record& record = found_.policy->record;
    const std::string at = "record at " + found_.policy->domain.text() + ": ";
    if (!record.usable)
      return finish(Code::none, at + record.defect + ", and nobody is asked to report");
    result_.policy_domain = found_.policy->domain.text();
    result_.published = record.published;
    return judge();
  }

 private:
  void start_result() {
    result_.from = inputs_.author.text();
    result_.discovery = by_suffix(options_) ? Discovery::psl : Discovery::treewalk;
    result_.queries = found_.consulted;
    // Unknown only if a name above the author's own record did not answer; then the author's domain
    // is used.
    result_.org_domain = found_.organizational_domain.value_or(inputs_.author).text();
  }

  dns::Evaluation<Result> judge() {
    Alignment alignment = align(inputs_, found_, answers_, options_, on_failure_);
    if (!alignment.open.empty()) {
      dns::Evaluation<Result> open;
      open.needed = std::move(alignment.open);
      if (np_matters()) open.hints = existence(inputs_.author, answers_).open;
      return open;
    }
    result_.aligned_spf = alignment.spf;
    result_.aligned_dkim = alignment.dkim;
    failed_ = found_.failed;
    failed_.insert(failed_.end(), alignment.failed.begin(), alignment.failed.end());
    const bool pass = alignment.spf || alignment.dkim;
    Existence exists{true, true, {}, {}};
    // After a pass no policy applies, so it does not matter whether the author exists.
    if (!pass && np_matters()) {
      exists = existence(inputs_.author, answers_);
      if (!exists.open.empty()) {
        dns::Evaluation<Result> open;
        open.needed = std::move(exists.open);
        return open;
      }
    }
    const bool decided = take_policy(exists);
    if (pass) return finish(Code::pass, {});
    if (!alignment.doubt.empty()) return in_doubt(alignment.doubt);
    if (!decided && on_failure_ == OnFailure::stop) return in_doubt(exists.failure);
    result_.requested = requested_policy(result_, found_.policy->record, by_suffix(options_));
    return finish(Code::fail, "no identifier that passed aligns");
  }

  // A deciding question has no answer. The same message is evaluated once more with everything that
  // failed assumed absent: a failed check proves nothing, a name without an answer has no record.
  // That gives could_ask and asks_anyway.
  dns::Evaluation<Result> in_doubt(std::string why) {
    Evaluator otherwise(inputs_, answers_, options_, OnFailure::pass_over);
    auto assumed = otherwise.run();
    if (!assumed.result) return assumed;
    if (cannot_fail(otherwise, *assumed.result)) {
      result_.could_ask = result_.asks_anyway = Policy::none;
    } else {
      result_.could_ask =
          found_.policy ? requested_policy(result_, found_.policy->record, by_suffix(options_))
                        : Policy::reject;
      result_.asks_anyway = assumed.result->requested;  // none unless it fails
    }
    return finish(Code::temperror, std::move(why));
  }

  // Whether an identifier that passed aligns, whatever records the failed names have.
  bool cannot_fail(const Evaluator& otherwise, const Result& assumed) {
    // The Author Domain itself aligns under every record; a public suffix under none (RFC 7489
    // §3.1.1).
    if (!by_suffix(options_) || !options_.suffixes->is_public_suffix(inputs_.author)) {
      result_.aligned_spf = inputs_.spf && passes_for(*inputs_.spf, inputs_.author);
      result_.aligned_dkim =
          std::any_of(inputs_.dkim.begin(), inputs_.dkim.end(),
                      [&](const Identifier& each) { return passes_for(each, inputs_.author); });
      if (result_.aligned_spf || result_.aligned_dkim) return true;
    }
    // A top-level domain has no record, or one with psd=y (RFC 9989 §4.10): in both cases the name
    // right below it stays an Organizational Domain.
    const auto is_top = [](const mail::DomainName& name) { return name.label_count() == 1; };
    const bool top_alone =
        std::all_of(otherwise.failed_.begin(), otherwise.failed_.end(), is_top) &&
        !is_top(inputs_.author);
    if (assumed.code != Code::pass || !top_alone || by_suffix(options_)) return false;
    const auto& organization = otherwise.found_.organizational_domain;
    if (!organization || organization->label_count() != 2) return false;
    result_.aligned_spf = assumed.aligned_spf;
    result_.aligned_dkim = assumed.aligned_dkim;
    return true;
  }

  bool is_subdomain() const { return found_.policy->domain != inputs_.author; }
  bool np_matters() const {
    return is_subdomain() && found_.policy->record.published.np.has_value();
  }

  // Returns false if the DNS did not say whether the author exists, and this makes a difference.
  // The result then has the stricter of the two policies, for a caller that must know the worst
  // case.
  bool take_policy(const Existence& exists) {
    const Published& published = found_.policy->record.published;
    Choice choice = choose(published, is_subdomain(), exists.exists);
    bool decided = true;
    if (!exists.known) {
      Choice other = choose(published, is_subdomain(), false);
      decided = other.policy == choice.policy;
      if (other.policy > choice.policy) choice = std::move(other);
    }
    result_.author_exists = !exists.known || exists.exists;
    result_.tag = std::move(choice.tag);
    result_.policy = choice.policy;
    return decided;
  }

  dns::Evaluation<Result> finish(Code code, std::string reason) {
    result_.code = code;
    result_.reason = std::move(reason);
    return dns::Evaluation<Result>::of(std::move(result_));
  }

  const Inputs& inputs_;
  const dns::Answers& answers_;
  const Options& options_;
  const OnFailure on_failure_;
  Discovered found_;
  std::vector<mail::DomainName> failed_;  // the names assumed absent
  Result result_;
};

}  // namespace

dns::Evaluation<Result> evaluate(const Inputs& inputs, const dns::Answers& answers,
                                 const Options& options) {
  return Evaluator(inputs, answers, options).run();
}

std::vector<dns::Question> walk_questions(const mail::DomainName& domain, const Options& options) {
  std::vector<mail::DomainName> targets;
  if (by_suffix(options)) {
    targets = {domain};
    const auto organizational = options.suffixes->organizational_domain(domain);
    if (organizational != domain) targets.push_back(organizational);
  } else {
    targets = walk_targets(domain);
  }
  std::vector<dns::Question> questions;
  for (const auto& target : targets) {
    if (auto question = record_question(target)) questions.push_back(std::move(*question));
  }
  return questions;
}

}  // namespace sekisho::dmarc
