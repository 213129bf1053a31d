// dns/inquiry.h: the questions of one message, its answers and its budget of time. How much may be
// asked is a matter of whoever asks: each check has a share of its own, so that none is at
// another's expense.
//   auto refused = inquiry.ask(evaluation.needed, evaluation.hints, share);
//   … notify() → the owner is told → inquiry.collect() → the evaluation runs again on
//   inquiry.answers()
// Errors: answers with Outcome::error, "time budget" among them. What a share refuses is in no
// answer.
// Thread: one owner; `notify` is called on the resolver's thread, or within ask().
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "dns/answers.h"
#include "dns/options.h"
#include "dns/resolver.h"

namespace sekisho::dns {

// What one check may ask, and has asked. Thread: one owner.
struct Share {
  std::size_t most = 0;   // questions, hints among them
  std::size_t hints = 0;  // hints are dropped once so many were asked: what is needed comes first
  std::size_t asked = 0;
};

// What stands in the place of an answer for the check whose share was used up, and for no other.
AnswerPtr refused_answer();

class Inquiry {
 public:
  // `notify` is called when answers have come in since the last collect(), once until then, and by
  // ask() when it collected what others may wait for. It must be cheap (tell the owner, no more),
  // and is over before the destructor returns: so do not destroy an Inquiry while holding a lock
  // that `notify` takes, or from within it.
  Inquiry(Resolver& resolver, const Options& options, std::function<void()> notify);
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;
  // Cancels what is in flight.
  ~Inquiry();

  // Asks what was not asked yet, by whomever; what is at hand is in answers() at once, and is not
  // notified. Returns what of `needed` the share does not allow: whoever asks goes on without it. A
  // hint beyond the share is dropped without a word, and may be needed later.
  std::vector<Question> ask(const std::vector<Question>& needed, const std::vector<Question>& hints,
                            Share& share);
  // Moves in what has arrived; true if anything was new.
  bool collect();
  const Answers& answers() const { return answers_; }
  // The answers moved out, when nothing will be asked any more.
  Answers take_answers() { return std::move(answers_); }
  // The questions that had no time so far, with the error that stands for their answer.
  std::vector<std::pair<Question, AnswerPtr>> late() const;
  bool all_known(const std::vector<Question>& questions) const;
  // Whether an answer to one of them is still to come.
  bool awaits(const std::vector<Question>& questions) const;

  // The budget of time begins at the first ask(), and anew here: for names that could not be known
  // before, because the client took his time to send them. What had no time before may be asked
  // again.
  void restart_clock();
  // When it ends; time_point::max() before it began.
  SteadyTime deadline() const { return deadline_; }
  // Every open question becomes the error "time budget", now.
  void expire();

  struct Cost {
    std::size_t questions = 0;  // distinct ones
    std::size_t answered_at_hand = 0;
    std::chrono::milliseconds waited{0};  // while something needed was open
  };
  Cost cost() const;

 private:
  struct Arrivals;

  void ask_hint(const Question& question, Share& share, SteadyTime now);
  bool ask_needed(const Question& question, Share& share, SteadyTime now);
  void too_late(const Question& question);
  void send(const Question& question, Share& share);
  void wait_for(const std::vector<Question>& needed);
  void end_wait();

  Resolver& resolver_;
  const std::chrono::milliseconds time_;
  std::shared_ptr<Arrivals> arrivals_;  // outlives us in the resolver's hands
  Answers answers_;
  std::unordered_map<Question, Resolver::Ticket, QuestionHash> open_;
  std::unordered_set<Question, QuestionHash> late_;  // answered by "time budget"
  std::vector<Question> waiting_for_;
  SteadyTime waiting_since_{};
  SteadyTime::duration waited_{0};
  SteadyTime deadline_ = SteadyTime::max();
  std::size_t questions_ = 0;
  std::size_t at_hand_ = 0;
  bool asking_ = false;  // within ask(), once something was sent
};

}  // namespace sekisho::dns
