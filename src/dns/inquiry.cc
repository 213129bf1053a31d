#include "dns/inquiry.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/guarded.h"
#include "base/memory.h"
#include "dns/codec.h"

namespace sekisho::dns {

namespace {

AnswerPtr failed(std::string_view why) { return std::make_shared<const Answer>(error_answer(why)); }

}  // namespace

AnswerPtr refused_answer() {
  static const AnswerPtr refused = [] {
    Answer answer;
    answer.outcome = Outcome::refused;
    answer.error = "query budget";
    return std::make_shared<const Answer>(std::move(answer));
  }();
  return refused;
}

// The state that owner and resolver share. Thread: any, internally locked.
struct Inquiry::Arrivals {
  struct State {
    std::vector<std::pair<Question, AnswerPtr>> arrived;
    bool told = false;       // notify() was called and nothing was collected since
    bool asking = false;     // within ask(): the owner collects afterwards
    bool notifying = false;  // a notify() is running
    bool closed = false;
  };
  explicit Arrivals(std::function<void()> tell) : notify(std::move(tell)) {}

  void arrive(Question question, AnswerPtr answer) {
    const bool tell = state.with([&](State& s) {
      if (s.closed) return false;
      s.arrived.emplace_back(std::move(question), std::move(answer));  // there is room: see send()
      if (s.told || s.asking) return false;
      return s.told = s.notifying = true;
    });
    if (!tell) return;
    // If notify() fails for want of memory, the owner looks again when the time is over.
    contained(notify);
    state.with([](State& s) { s.notifying = false; });
    state.notify_all();
  }

  const std::function<void()> notify;
  Guarded<State> state;
};

Inquiry::Inquiry(Resolver& resolver, const Options& options, std::function<void()> notify)
    : resolver_(resolver),
      time_(options.message_budget),
      arrivals_(std::make_shared<Arrivals>(std::move(notify))) {}

Inquiry::~Inquiry() {
  for (const auto& [question, ticket] : open_) resolver_.cancel(ticket);
  const auto idle = [](const Arrivals::State& s) { return !s.notifying; };
  arrivals_->state.wait_until(SteadyTime::max(), idle,
                              [](Arrivals::State& s, bool) { s.closed = true; });
}

void Inquiry::restart_clock() {
  deadline_ = steady_now() + time_;
  // The evaluation whose time ran out has its result without these answers; no other must read
  // them.
  for (const Question& question : std::exchange(late_, {})) answers_.forget(question);
}

std::vector<Question> Inquiry::ask(const std::vector<Question>& needed,
                                   const std::vector<Question>& hints, Share& share) {
  const SteadyTime now = steady_now();
  const bool others_wait = !open_.empty();
  if (deadline_ == SteadyTime::max()) deadline_ = now + time_;
  std::vector<Question> refused;
  for (const Question& question : needed) {
    if (!ask_needed(question, share, now)) refused.push_back(question);
  }
  for (const Question& question : hints) ask_hint(question, share, now);
  if (std::exchange(asking_, false)) {
    arrivals_->state.with([](Arrivals::State& s) { s.asking = false; });
    // The caller reads the answers itself. Others may wait for answers that arrived meanwhile, and
    // do not.
    if (collect() && others_wait) arrivals_->notify();
  }
  wait_for(needed);
  return refused;
}

void Inquiry::ask_hint(const Question& question, Share& share, SteadyTime now) {
  if (answers_.find(question) != nullptr || open_.find(question) != open_.end()) return;
  if (now < deadline_ && share.asked < share.hints) send(question, share);
}

// False when the share does not allow it.
bool Inquiry::ask_needed(const Question& question, Share& share, SteadyTime now) {
  if (answers_.find(question) != nullptr || open_.find(question) != open_.end()) return true;
  if (share.asked >= share.most) return false;
  if (now < deadline_) {
    send(question, share);
  } else {
    too_late(question);
  }
  return true;
}

void Inquiry::too_late(const Question& question) {
  late_.insert(question);
  answers_.add(question, failed("time budget"));
}

void Inquiry::send(const Question& question, Share& share) {
  ++questions_;
  ++share.asked;
  if (AnswerPtr known = resolver_.at_hand(question)) {
    ++at_hand_;
    answers_.add(question, std::move(known));
    return;
  }
  if (!std::exchange(asking_, true)) {
    arrivals_->state.with([](Arrivals::State& s) { s.asking = true; });
  }
  // An answer arrives on the resolver's thread, which could not report a want of memory: its room
  // is allocated here.
  const std::size_t coming = open_.size() + 1;
  arrivals_->state.with([&](Arrivals::State& s) {
    if (s.arrived.capacity() < s.arrived.size() + coming) {
      s.arrived.reserve(std::max<std::size_t>(16, 2 * (s.arrived.size() + coming)));
    }
  });
  // Open before it is asked: the answer may be there before ask() returns.
  const auto open = open_.emplace(question, 0).first;
  open->second = resolver_.ask(question, [to = arrivals_, question](AnswerPtr answer) mutable {
    to->arrive(std::move(question), std::move(answer));
  });
}

bool Inquiry::collect() {
  std::vector<std::pair<Question, AnswerPtr>> arrived;
  arrivals_->state.with([&](Arrivals::State& s) {
    s.told = false;
    // The capacity stays, for the answers still to come.
    arrived.assign(std::make_move_iterator(s.arrived.begin()),
                   std::make_move_iterator(s.arrived.end()));
    s.arrived.clear();
  });
  bool any = false;
  for (auto& [question, answer] : arrived) {
    // A question that expired meanwhile keeps its error: an evaluation may have read it.
    if (open_.erase(question) == 0) continue;
    answers_.add(question, std::move(answer));
    any = true;
  }
  if (any && !waiting_for_.empty() && !awaits(waiting_for_)) end_wait();
  return any;
}

bool Inquiry::all_known(const std::vector<Question>& questions) const {
  return std::all_of(questions.begin(), questions.end(), [this](const Question& question) {
    return answers_.find(question) != nullptr;
  });
}

std::vector<std::pair<Question, AnswerPtr>> Inquiry::late() const {
  std::vector<std::pair<Question, AnswerPtr>> all;
  for (const Question& question : late_) all.emplace_back(question, answers_.get(question));
  return all;
}

void Inquiry::expire() {
  collect();
  for (const auto& [question, ticket] : open_) {
    resolver_.cancel(ticket);
    too_late(question);
  }
  open_.clear();
  if (!waiting_for_.empty()) end_wait();
}

bool Inquiry::awaits(const std::vector<Question>& questions) const {
  return std::any_of(questions.begin(), questions.end(), [this](const Question& question) {
    return open_.find(question) != open_.end();
  });
}

void Inquiry::wait_for(const std::vector<Question>& needed) {
  if (!awaits(needed)) return;
  if (waiting_for_.empty()) waiting_since_ = steady_now();
  waiting_for_.insert(waiting_for_.end(), needed.begin(), needed.end());
}

void Inquiry::end_wait() {
  waited_ += steady_now() - waiting_since_;
  waiting_for_.clear();
}

Inquiry::Cost Inquiry::cost() const {
  SteadyTime::duration waited = waited_;
  if (!waiting_for_.empty()) waited += steady_now() - waiting_since_;
  return {questions_, at_hand_, std::chrono::duration_cast<std::chrono::milliseconds>(waited)};
}

}  // namespace sekisho::dns
