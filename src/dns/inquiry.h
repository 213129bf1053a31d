// dns/inquiry.h: the questions of one message: its answers, its budget of questions and of time.
//   inquiry.ask(evaluation.needed, evaluation.hints);
//   … notify() → the owner is told → inquiry.collect() → the evaluation runs again on
//   inquiry.answers()
// Errors: answers with Outcome::error, "query budget" and "time budget" among them.
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

class Inquiry {
 public:
  // Hints stop when fewer questions than this are left: what is needed comes first.
  static constexpr std::size_t kept_from_hints = 20;

  // `notify` is called when answers have come in since the last collect(), once until then, and by
  // ask() when it collected what others may wait for. It must be cheap (tell the owner, no more),
  // and is over before the destructor returns: so do not destroy an Inquiry while holding a lock
  // that `notify` takes, or from within it.
  Inquiry(Resolver& resolver, const Options& options, std::function<void()> notify);
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;
  // Cancels what is in flight.
  ~Inquiry();

  // Asks what was not asked yet; what is at hand is in answers() at once, and is not notified. Past
  // the budget the answer is an error; a hint past it is dropped without a word, and may be needed
  // later. `leave`: so many questions of the budget are left to others who ask later and matter more;
  // what is refused for their sake is asked if one of them needs it.
  void ask(const std::vector<Question>& needed, const std::vector<Question>& hints,
           std::size_t leave = 0);
  // Moves in what has arrived; true if anything was new.
  bool collect();
  const Answers& answers() const { return answers_; }
  // The answers moved out, when nothing will be asked any more.
  Answers take_answers() { return std::move(answers_); }
  // The questions that the budget refuses so far, with the error that stands for their answer.
  std::vector<std::pair<Question, AnswerPtr>> refused() const;
  bool all_known(const std::vector<Question>& questions) const;

  // The budget of time begins at the first ask(), and anew here: for names that could not be known
  // before, because the client took his time to send them.
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

  void ask_hint(const Question& question, std::size_t leave, SteadyTime now);
  void ask_needed(const Question& question, std::size_t leave, SteadyTime now);
  void send(const Question& question);
  void wait_for(const std::vector<Question>& needed);
  void end_wait();

  Resolver& resolver_;
  const std::size_t max_questions_;
  const std::chrono::milliseconds time_;
  std::shared_ptr<Arrivals> arrivals_;  // outlives us in the resolver's hands
  Answers answers_;
  std::unordered_map<Question, Resolver::Ticket, QuestionHash> open_;
  std::unordered_set<Question, QuestionHash> refused_;  // a budget said no
  std::vector<Question> waiting_for_;
  SteadyTime waiting_since_{};
  SteadyTime::duration waited_{0};
  SteadyTime deadline_ = SteadyTime::max();
  std::size_t questions_ = 0;
  std::size_t at_hand_ = 0;
  bool asking_ = false;  // within ask(), once something was sent
};

}  // namespace sekisho::dns
