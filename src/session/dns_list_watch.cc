#include "session/dns_list_watch.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/memory.h"

namespace sekisho::session {

namespace {

// One self-test under way.
struct Test {
  client::DnsListDefinition list;
  dns::Answers answers;
  std::vector<dns::Resolver::Ticket> tickets;
};

struct State {
  std::shared_ptr<dns::Resolver> resolver;
  client::Options options;
  std::map<std::string, Test, std::less<>> running;
  std::uint64_t generation = 0;  // of the configuration: answers for an earlier one are dropped
  bool closed = false;
};

}  // namespace

struct DnsListWatch::Shared : std::enable_shared_from_this<Shared> {
  explicit Shared(std::shared_ptr<client::DnsListGuard> to) : guard(std::move(to)) {}

  void begin(const std::string& name);
  void ask(const std::string& name);
  void give_up(const std::string& name) noexcept;
  void answered(const std::string& name, std::uint64_t generation, const dns::Question& question,
                dns::AnswerPtr answer);
  // Cancels what is in flight, and changes to another resolver. The old one is destroyed without
  // the lock, and on this thread: its own thread could not wait for itself.
  void stop(std::shared_ptr<dns::Resolver> next);

  const std::shared_ptr<client::DnsListGuard> guard;
  Guarded<State> state;
};

// The questions are asked without the lock: an answer may come before ask() returns.
void DnsListWatch::Shared::begin(const std::string& name) {
  try {
    ask(name);
  } catch (const std::exception&) {
    give_up(name);
  }
}

// A test that failed for want of memory counts as one without an answer, so that it is due again
// soon.
void DnsListWatch::Shared::give_up(const std::string& name) noexcept {
  const bool ran = state.with([&](State& s) {
    const auto test = s.running.find(name);
    if (test == s.running.end()) return false;
    s.running.erase(test);
    return true;
  });
  if (!ran) return;
  contained([&] {
    guard->tested(name, {client::DnsListFault::no_answer, "no memory"}, steady_now());
  });
}

void DnsListWatch::Shared::ask(const std::string& name) {
  std::vector<dns::Question> questions;
  std::shared_ptr<dns::Resolver> resolver;
  std::uint64_t generation = 0;
  state.with([&](State& s) {
    const auto& lists = s.options.lists;
    const auto list = std::find_if(lists.begin(), lists.end(),
                                   [&](const auto& each) { return each.name == name; });
    if (s.closed || s.resolver == nullptr || list == lists.end() || s.running.contains(name))
      return;
    s.running[name].list = *list;
    questions = client::self_test(*list, {}).needed;
    resolver = s.resolver;
    generation = s.generation;
  });
  for (const auto& question : questions) {
    const auto ticket = resolver->ask(
        question, [self = shared_from_this(), name, generation, question](dns::AnswerPtr answer) {
          try {
            self->answered(name, generation, question, std::move(answer));
          } catch (const std::exception&) {
            self->give_up(name);
          }
        });
    state.with([&](State& s) {
      const auto test = s.running.find(name);
      if (generation == s.generation && test != s.running.end()) {
        test->second.tickets.push_back(ticket);
      }
    });
  }
}

void DnsListWatch::Shared::answered(const std::string& name, std::uint64_t generation,
                                    const dns::Question& question, dns::AnswerPtr answer) {
  const auto test = state.with([&](State& s) -> std::optional<client::SelfTest> {
    const auto running = s.running.find(name);
    if (s.closed || generation != s.generation || running == s.running.end()) return std::nullopt;
    running->second.answers.add(question, std::move(answer));
    auto result = client::self_test(running->second.list, running->second.answers).result;
    if (result) s.running.erase(running);
    return result;
  });
  if (test) guard->tested(name, *test, steady_now());
}

void DnsListWatch::Shared::stop(std::shared_ptr<dns::Resolver> next) {
  std::vector<dns::Resolver::Ticket> tickets;
  state.with([&](State& s) {
    for (const auto& [name, test] : s.running) {
      tickets.insert(tickets.end(), test.tickets.begin(), test.tickets.end());
    }
    s.running.clear();
    ++s.generation;
    s.resolver.swap(next);
  });
  for (const auto ticket : tickets) next->cancel(ticket);
}

DnsListWatch::DnsListWatch(std::shared_ptr<client::DnsListGuard> guard)
    : shared_(std::make_shared<Shared>(std::move(guard))) {}

DnsListWatch::~DnsListWatch() {
  shared_->state.with([](State& s) { s.closed = true; });
  shared_->stop(nullptr);
}

void DnsListWatch::start(std::shared_ptr<dns::Resolver> resolver, const client::Options& options,
                         SteadyTime now) {
  shared_->stop(std::move(resolver));
  shared_->state.with([&](State& s) { s.options = options; });
  shared_->guard->configure(options, true, now);
  tick(now);
}

void DnsListWatch::tick(SteadyTime now) {
  for (const auto& name : shared_->guard->take_due(now)) shared_->begin(name);
}

}  // namespace sekisho::session
