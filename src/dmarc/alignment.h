// dmarc/alignment.h: which authenticated identifiers align with the Author Domain. RFC 9989
// §3.2.10, §4.10.2; RFC 7489 §3.1. Pure: reads the answers known so far. An identifier's own walk
// is asked for only when nothing else decides: it passed, it is not the Author Domain itself, and
// relaxed alignment could hold; of no more than three domains, the others count as not aligned: a
// message names as many as it likes. Errors: are outcomes; never throws. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "dmarc/discovery.h"
#include "dmarc/evaluate.h"

namespace sekisho::dmarc {

struct Alignment {
  std::vector<dns::Question> open;  // not empty: to be answered first
  bool spf = false;
  bool dkim = false;
  // Not empty: nothing aligns, but an identifier whose check or walk failed might have.
  std::string doubt;
  // With OnFailure::pass_over: the names that did not answer, and were taken to hold no record.
  std::vector<mail::DomainName> failed;
};

// `found` has a policy. With OnFailure::pass_over nothing is in doubt: what failed is taken for
// absent.
Alignment align(const Inputs& inputs, const Discovered& found, const dns::Answers& answers,
                const Options& options, OnFailure on_failure = OnFailure::stop);

// Questions of walks that align() will probably ask for, known before the author's own walk is.
std::vector<dns::Question> likely_questions(const Inputs& inputs);

}  // namespace sekisho::dmarc
