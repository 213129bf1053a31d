// spf/lookups.h: the answers that one reading of a policy finds, and the questions that it leaves
// open. RFC 7208 §4.6.4. The first answer that is not there makes the reading wait for it; what the
// reading would want after that, were the missing answers no match, becomes hints. Errors: none;
// never throws. Thread: one owner.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "dns/answers.h"
#include "spf/options.h"

namespace sekisho::spf {

class Lookups {
 public:
  // Hints of one run at most: the addresses of ten MX hosts, and as many terms again.
  static constexpr std::size_t max_hints = 20;

  Lookups(const dns::Answers& answers, const Options& options)
      : answers_(answers), options_(options) {}

  // The answer, or nullptr when it is not known yet: then the question is noted.
  const dns::Answer* find(const dns::Name& name, dns::Type type);
  // The same for the record of an include. What an unknown record will charge is not known either,
  // so questions after it are hinted only if the rest of the policy, as far as it can be seen, fits
  // into the limit, and each unknown record is given one further lookup. Otherwise a tree of
  // includes would make us ask for branches that the limit never lets us reach.
  const dns::Answer* find_included(const dns::Name& name);
  // Notes a question that nothing waits for.
  void hint(const dns::Name& name, dns::Type type);

  // Counts a term that causes lookups. False when it is one too many.
  bool charge() { return ++charged_ <= options_.max_lookups; }
  // Counts a term whose own question was answered without records. False when it is one too many.
  bool charge_void() { return ++voids_ <= options_.max_void_lookups; }

  // Whether an answer was missing: then what the reading came to is a guess.
  bool waiting() const { return !needed_.empty(); }
  // Whether the reading came to a question that is not asked any more: then it ends there.
  bool refused() const { return refused_; }
  std::vector<dns::Question> take_needed() { return std::move(needed_); }
  std::vector<dns::Question> take_hints();

 private:
  bool is_noted(const dns::Question& question) const;

  const dns::Answers& answers_;
  const Options& options_;
  std::vector<dns::Question> needed_;
  std::vector<dns::Question> hints_;            // asked next, whatever the missing answers are
  std::vector<dns::Question> uncertain_hints_;  // behind a record that is not known
  std::size_t charged_ = 0;
  std::size_t voids_ = 0;
  std::size_t unknown_records_ = 0;
  bool refused_ = false;
};

}  // namespace sekisho::spf
