#include "dmarc/evaluate.h"

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
  std::string failure;              // when not known although everything was answered
  std::vector<dns::Question> open;  // when not known because something was not
};

// RFC 9989 §3.2.13: non-existent means NXDOMAIN, and NODATA of any type means that the name is
// there. Three types are asked because there are servers that say NXDOMAIN where they have no
// record of that type: one answer that knows the name is enough. A failed answer counts only when
// no other one decides.
Existence existence(const mail::DomainName& domain, const dns::Answers& answers) {
  Existence out;
  bool nxdomain = false;
  for (const dns::Type type : {dns::Type::a, dns::Type::aaaa, dns::Type::mx}) {
    const dns::Question question{domain, type};
    const dns::Answer* answer = answers.find(question);
    if (answer == nullptr) {
      out.open.push_back(question);
    } else if (answer->is_error()) {
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

// What the owner asks for a message that failed.
Policy requested_policy(const Result& result, const Record& record, bool old_rules) {
  // RFC 9989 §4.7 `t`. In RFC 7489 §6.6.4 `pct` is the share of the messages that gets the policy,
  // and the rest gets the next lower one. No lots are drawn here, so that an evaluation can be
  // repeated: below 100 nobody gets more.
  if (record.published.testing || (old_rules && record.pct < 100))
    return one_step_lower(result.policy);
  return result.policy;
}

class Evaluator {
 public:
  Evaluator(const Inputs& inputs, const dns::Answers& answers, const Options& options)
      : inputs_(inputs), answers_(answers), options_(options) {}

  dns::Evaluation<Result> run() {
    found_ = by_suffix(options_) ? discover_by_suffix(inputs_.author, answers_, *options_.suffixes)
                                 : discover_by_walk(inputs_.author, answers_);
    if (!found_.open.empty()) {
      dns::Evaluation<Result> open;
      open.needed = std::move(found_.open);
      if (!by_suffix(options_)) open.hints = likely_questions(inputs_);
      return open;
    }
    start_result();
    if (!found_.failure.empty()) return finish(Code::temperror, found_.failure);
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
    // Undecided only when a name above the author's own record did not answer: that record is what
    // is known.
    result_.org_domain = found_.organizational_domain.value_or(inputs_.author).text();
  }

  dns::Evaluation<Result> judge() {
    Alignment alignment = align(inputs_, found_, answers_, options_);
    if (!alignment.open.empty()) {
      dns::Evaluation<Result> open;
      open.needed = std::move(alignment.open);
      if (np_matters()) open.hints = existence(inputs_.author, answers_).open;
      return open;
    }
    result_.aligned_spf = alignment.spf;
    result_.aligned_dkim = alignment.dkim;
    const bool pass = alignment.spf || alignment.dkim;
    Existence exists{true, true, {}, {}};
    // A pass asks nothing of anybody, so whether its author exists need not be known.
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
    if (!alignment.doubt.empty()) return finish(Code::temperror, alignment.doubt);
    if (!decided) return finish(Code::temperror, exists.failure);
    result_.requested = requested_policy(result_, found_.policy->record, by_suffix(options_));
    return finish(Code::fail, "no identifier that passed aligns");
  }

  bool is_subdomain() const { return found_.policy->domain != inputs_.author; }
  bool np_matters() const {
    return is_subdomain() && found_.policy->record.published.np.has_value();
  }

  // Nothing is decided when the DNS did not say whether the author exists and the two answers ask
  // for different things; the stricter one stands in the result then, for whoever must know what
  // may be lost by going on.
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
  Discovered found_;
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
