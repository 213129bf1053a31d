// dmarc/evaluate.h: is the Author Domain authenticated, and what does its owner ask for? RFC 9989
// §4.10, §5.3 (tree walk), or RFC 7489 §3.2, §6.6 (public suffix list). Pure: reads the answers
// known so far, and returns the result or the questions still open. An input that is temperror and
// could have aligned makes the result temperror, never fail; such a result says which policy could
// have applied (could_ask, asks_anyway).
// Errors: are results; never throws. Thread: any.
#pragma once

#include <vector>

#include "dmarc/options.h"
#include "dmarc/result.h"
#include "dns/answers.h"
#include "mail/domain_name.h"

namespace sekisho::dmarc {

// An identifier that SPF (MAIL FROM) or one DKIM signature authenticates.
struct Identifier {
  enum class State { pass, temperror, other };
  mail::DomainName domain;
  State state = State::other;
};

struct Inputs {
  mail::DomainName author;        // Author Domain
  std::optional<Identifier> spf;  // the MAIL FROM identity; nullopt if it had no domain
  std::vector<Identifier> dkim;
};

dns::Evaluation<Result> evaluate(const Inputs& inputs, const dns::Answers& answers,
                                 const Options& options);

// The questions of the walk that starts at `domain`, at most 8: asked ahead for a domain whose walk
// will probably be needed.
std::vector<dns::Question> walk_questions(const mail::DomainName& domain, const Options& options);

}  // namespace sekisho::dmarc
