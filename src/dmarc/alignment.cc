#include "dmarc/alignment.h"

#include <algorithm>

namespace sekisho::dmarc {

namespace {

enum class Relation { aligned, foreign, in_doubt, open };

// Domains with a walk of their own for one message, each of 7 questions beside those of the author.
// Honest mail has one or two.
constexpr std::size_t max_walks = 3;

void add_missing(const std::vector<dns::Question>& more, std::vector<dns::Question>& questions) {
  for (const auto& question : more) {
    if (std::find(questions.begin(), questions.end(), question) == questions.end())
      questions.push_back(question);
  }
}

std::size_t common_labels(const mail::DomainName& a, const mail::DomainName& b) {
  const std::size_t most = std::min(a.label_count(), b.label_count());
  std::size_t count = 0;
  while (count < most && a.suffix(count + 1) == b.suffix(count + 1)) ++count;
  return count;
}

class Aligner {
 public:
  Aligner(const Inputs& inputs, const Discovered& found, const dns::Answers& answers,
          const Options& options, OnFailure on_failure)
      : author_(inputs.author),
        found_(found),
        answers_(answers),
        options_(options),
        on_failure_(on_failure) {}

  Relation relate(const mail::DomainName& domain, bool strict) {
    if (options_.discovery == Discovery::psl && options_.suffixes != nullptr)
      return by_suffix(domain, strict);
    if (domain == author_) return Relation::aligned;
    if (strict) return Relation::foreign;
    return by_walk(domain);
  }

  std::vector<dns::Question> open;
  std::string doubt;
  std::vector<mail::DomainName> failed;

 private:
  Relation by_suffix(const mail::DomainName& domain, bool strict) const {
    // RFC 7489 §3.1.1: a public suffix is not an Organizational Domain, and d=com never aligns.
    if (options_.suffixes->is_public_suffix(domain)) return Relation::foreign;
    if (domain == author_) return Relation::aligned;
    if (strict) return Relation::foreign;
    const bool same =
        options_.suffixes->organizational_domain(domain) == found_.organizational_domain;
    return same ? Relation::aligned : Relation::foreign;
  }

  Relation by_walk(const mail::DomainName& domain) {
    if (!found_.organizational_domain) {
      // The Organizational Domain of each is the name itself or one above it: without a common
      // label they differ.
      if (common_labels(domain, author_) == 0) return Relation::foreign;
      doubt = found_.doubt;
      return Relation::in_doubt;
    }
    if (!domain.is_or_is_below(*found_.organizational_domain)) return Relation::foreign;
    if (!may_walk(domain)) return Relation::foreign;
    Walk walked = walk(domain, answers_, on_failure_);
    switch (walked.state) {
      case Walk::State::open:
        add_missing(walked.open, open);
        return Relation::open;
      case Walk::State::failed:
        if (on_failure_ == OnFailure::pass_over) {
          failed.insert(failed.end(), walked.failed.begin(), walked.failed.end());
          break;
        }
        doubt = std::move(walked.failure);
        return Relation::in_doubt;
      case Walk::State::complete:
        break;
    }
    const bool same =
        organizational_domain(domain, walked.findings) == found_.organizational_domain;
    return same ? Relation::aligned : Relation::foreign;
  }

  bool may_walk(const mail::DomainName& domain) {
    if (std::find(walked_.begin(), walked_.end(), domain) != walked_.end()) return true;
    if (walked_.size() == max_walks) return false;
    walked_.push_back(domain);
    return true;
  }

  const mail::DomainName& author_;
  const Discovered& found_;
  const dns::Answers& answers_;
  const Options& options_;
  const OnFailure on_failure_;
  std::vector<mail::DomainName> walked_;
};

// The signatures in that state, those of the Author Domain first, because they need no walk.
std::vector<const Identifier*> signatures(const Inputs& inputs, Identifier::State state) {
  std::vector<const Identifier*> out;
  for (const Identifier& identifier : inputs.dkim) {
    if (identifier.state == state) out.push_back(&identifier);
  }
  std::stable_partition(out.begin(), out.end(),
                        [&](const Identifier* each) { return each->domain == inputs.author; });
  return out;
}

bool any_aligned(const std::vector<const Identifier*>& identifiers, bool strict, Aligner& aligner) {
  return std::any_of(identifiers.begin(), identifiers.end(), [&](const Identifier* each) {
    return aligner.relate(each->domain, strict) == Relation::aligned;
  });
}

// Whether an identifier whose check gave temperror could have aligned. Called only if no identifier
// that passed aligns.
std::string doubt_of_inputs(const Inputs& inputs, const Published& published, Aligner& aligner) {
  const auto could_align = [&](const Identifier& identifier, bool strict) {
    const Relation relation = aligner.relate(identifier.domain, strict);
    return relation == Relation::aligned || relation == Relation::in_doubt;
  };
  if (inputs.spf && inputs.spf->state == Identifier::State::temperror &&
      could_align(*inputs.spf, published.aspf_strict)) {
    return "SPF of " + inputs.spf->domain.text() + " is temperror";
  }
  for (const Identifier* each : signatures(inputs, Identifier::State::temperror)) {
    if (could_align(*each, published.adkim_strict))
      return "DKIM of " + each->domain.text() + " is temperror";
  }
  return {};
}

}  // namespace

Alignment align(const Inputs& inputs, const Discovered& found, const dns::Answers& answers,
                const Options& options, OnFailure on_failure) {
  const Published& published = found.policy->record.published;
  Aligner aligner(inputs, found, answers, options, on_failure);
  Alignment out;
  if (inputs.spf && inputs.spf->state == Identifier::State::pass) {
    out.spf = aligner.relate(inputs.spf->domain, published.aspf_strict) == Relation::aligned;
  }
  out.dkim =
      any_aligned(signatures(inputs, Identifier::State::pass), published.adkim_strict, aligner);
  if (!out.spf && !out.dkim && on_failure == OnFailure::stop) {
    out.doubt = aligner.doubt;
    std::string doubt = doubt_of_inputs(inputs, published, aligner);
    if (out.doubt.empty()) out.doubt = std::move(doubt);
  }
  out.open = std::move(aligner.open);
  out.failed = std::move(aligner.failed);
  return out;
}

std::vector<dns::Question> likely_questions(const Inputs& inputs) {
  std::vector<dns::Question> questions;
  std::vector<mail::DomainName> domains;
  const auto add = [&](const Identifier& identifier) {
    // Two names that share only a top-level domain are hardly ever one organisation; if they are,
    // one more round of questions finds it.
    const bool likely = identifier.state != Identifier::State::other &&
                        identifier.domain != inputs.author &&
                        common_labels(identifier.domain, inputs.author) >= 2;
    const bool known =
        std::find(domains.begin(), domains.end(), identifier.domain) != domains.end();
    if (!likely || known || domains.size() == max_walks) return;
    domains.push_back(identifier.domain);
    for (const auto& target : walk_targets(identifier.domain)) {
      if (const auto question = record_question(target)) add_missing({*question}, questions);
    }
  };
  if (inputs.spf) add(*inputs.spf);
  for (const Identifier& identifier : inputs.dkim) add(identifier);
  return questions;
}

}  // namespace sekisho::dmarc
