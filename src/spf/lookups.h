// spf/lookups.h: the answers that one reading of a policy finds, and the questions that it leaves
// open. RFC 7208 §4.6.4. The first missing answer is needed. The questions that the reading would
// ask after it, if the missing answers were no match, become hints.
// Errors: none; never throws. Thread: one owner.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "dns/answers.h"
#include "spf/options.h"

namespace sekisho::spf {

class Lookups {
 public:
  // At most this many hints of one run: the addresses of ten MX hosts, and as many terms.
  static constexpr std::size_t max_hints = 20;

  Lookups(const dns::Answers& answers, const Options& options)
      : answers_(answers), options_(options) {}

  // The answer; nullptr if it is not known yet, and then the question is noted.
  const dns::Answer* find(const dns::Name& name, dns::Type type);
  // The same for the record of an include. The cost of an unknown record is unknown too. So later
  // questions become hints only if the rest of the policy, as far as it is known, fits into the
  // limit, with one further lookup for each unknown record. Otherwise a tree of includes would make
  // us ask for branches beyond the limit.
  const dns::Answer* find_included(const dns::Name& name);
  // Notes a question that is not needed now.
  void hint(const dns::Name& name, dns::Type type);

  // Counts a term that causes lookups. False if it exceeds the limit.
  bool charge() { return ++charged_ <= options_.max_lookups; }
  // Counts a term whose own question was answered without records. False if it exceeds the limit.
  bool charge_void() { return ++voids_ <= options_.max_void_lookups; }

  // Whether an answer was missing: then the outcome of the reading is a guess.
  bool waiting() const { return !needed_.empty(); }
  // Whether the reading met a question that the budget refused: then it ends there.
  bool refused() const { return refused_; }
  std::vector<dns::Question> take_needed() { return std::move(needed_); }
  std::vector<dns::Question> take_hints();

 private:
  bool is_noted(const dns::Question& question) const;

  const dns::Answers& answers_;
  const Options& options_;
  std::vector<dns::Question> needed_;
  std::vector<dns::Question> hints_;            // asked next, whatever the missing answers
  std::vector<dns::Question> uncertain_hints_;  // behind a record that is not known
  std::size_t charged_ = 0;
  std::size_t voids_ = 0;
  std::size_t unknown_records_ = 0;
  bool refused_ = false;
};

}  // namespace sekisho::spf
