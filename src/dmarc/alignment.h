// dmarc/alignment.h: which authenticated identifiers align with the Author Domain. RFC 9989
// §3.2.10, §4.10.2; RFC 7489 §3.1. Pure: reads the answers known so far. An identifier gets a walk
// of its own only when nothing else decides: it passed, it is not the Author Domain itself, and
// relaxed alignment is possible. At most three domains get one; the others count as not aligned,
// because a message may name any number of them.
// Errors: are outcomes; never throws. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "dmarc/discovery.h"
#include "dmarc/evaluate.h"

namespace sekisho::dmarc {

struct Alignment {
  std::vector<dns::Question> open;  // not empty: must be answered first
  bool spf = false;
  bool dkim = false;
  // Not empty: nothing aligns, but an identifier whose check or walk failed might have.
  std::string doubt;
  // With OnFailure::pass_over: the names that did not answer, and were assumed to have no record.
  std::vector<mail::DomainName> failed;
};

// `found` has a policy. With OnFailure::pass_over nothing is in doubt: failed lookups count as
// absent records.
Alignment align(const Inputs& inputs, const Discovered& found, const dns::Answers& answers,
                const Options& options, OnFailure on_failure = OnFailure::stop);

// Questions of walks that align() will probably need, known before the author's own walk is
// complete.
std::vector<dns::Question> likely_questions(const Inputs& inputs);

}  // namespace sekisho::dmarc
