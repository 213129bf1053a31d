#include "app/live_resolver.h"

#include <utility>

namespace sekisho::app {

dns::Resolver::Ticket LiveResolver::ask(const dns::Question& question, Callback done) {
  auto resolver = engine_.snapshot()->resolver;
  const Ticket mine = state_->with([&](State& state) {
    const Ticket next = ++state.last;
    state.asked.emplace(next, Asked{resolver, 0});
    return next;
  });
  const Ticket ticket = resolver->ask(
      question, [state = state_, mine, done = std::move(done)](const dns::AnswerPtr& answer) {
        // Destroyed outside the lock: it may be the last reference to an old resolver.
        const auto asked = state->with([&](State& all) { return all.asked.extract(mine); });
        done(answer);
      });
  state_->with([&](State& state) {
    const auto found = state.asked.find(mine);
    if (found != state.asked.end()) found->second.ticket = ticket;
  });
  return mine;
}

void LiveResolver::cancel(Ticket ticket) {
  const auto asked = state_->with([&](State& state) { return state.asked.extract(ticket); });
  if (!asked.empty()) asked.mapped().resolver->cancel(asked.mapped().ticket);
}

}  // namespace sekisho::app
