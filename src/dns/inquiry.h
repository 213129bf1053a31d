// dns/inquiry.h: the questions of one message, its answers and its budget of time. Each check has
// its own share of the questions, so that no check asks at another's expense.
//   auto refused = inquiry.ask(evaluation.needed, evaluation.hints, share);
//   … notify() → the owner is told → inquiry.collect() → the evaluation runs again on
//   inquiry.answers()
// Errors: answers with Outcome::error, "time budget" among them. Questions that a share refuses get
// no answer.
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
  std::size_t hints = 0;  // hints are dropped once so many were asked: needed questions come first
  std::size_t asked = 0;
};

// The answer for a check whose share is used up; other checks do not see it.
AnswerPtr refused_answer();

class Inquiry {
 public:
  // `notify` is called once when answers have arrived since the last collect(), and by ask() when
  // it collected answers that others may wait for. It must be cheap (tell the owner, no more), and
  // it has returned before the destructor returns: so do not destroy an Inquiry while holding a
  // lock that `notify` takes, or from within it.
  Inquiry(Resolver& resolver, const Options& options, std::function<void()> notify);
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;
  // Cancels what is in flight.
  ~Inquiry();

  // Asks the questions that no check has asked yet. Answers that are at hand are in answers() at
  // once, without a notification. Returns those of `needed` that the share does not allow; the
  // caller goes on without them. A hint beyond the share is dropped silently, and may be needed
  // later.
  std::vector<Question> ask(const std::vector<Question>& needed, const std::vector<Question>& hints,
                            Share& share);
  // Moves the answers that have arrived into answers(); true if there were any.
  bool collect();
  const Answers& answers() const { return answers_; }
  // Moves the answers out, once nothing more will be asked.
  Answers take_answers() { return std::move(answers_); }
  // The questions whose time ran out, with the error that stands for their answer.
  std::vector<std::pair<Question, AnswerPtr>> late() const;
  bool all_known(const std::vector<Question>& questions) const;
  // Whether an answer to one of them is still to come.
  bool awaits(const std::vector<Question>& questions) const;

  // The time budget begins at the first ask(), and again here: for names that became known late
  // because the client was slow. Questions whose time ran out may be asked again.
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
