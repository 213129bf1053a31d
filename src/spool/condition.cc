#include "spool/condition.h"

namespace sekisho::spool {

namespace {

// Often enough that a sender is deferred by one retry at most, and rarely enough not to burden a
// broken disk.
constexpr std::chrono::seconds between_tries{1};

// Failures that say nothing about the store.
bool is_of_one_message(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::limit:
    case Failure::Kind::exists:
    case Failure::Kind::not_found:
    case Failure::Kind::refused:
    case Failure::Kind::unavailable:
      return true;
    case Failure::Kind::no_space:
    case Failure::Kind::locked:
    case Failure::Kind::damaged:
    case Failure::Kind::io:
    case Failure::Kind::not_synced:
    case Failure::Kind::read_only:
      return false;
  }
  return false;
}

}  // namespace

void Condition::failed_with(const Failure& failure) noexcept {
  if (is_of_one_message(failure.kind)) return;
  const bool was_healthy = state_.with([&](State& state) {
    const bool before = state.health.healthy;
    state.health.healthy = false;
    state.barred = state.barred || failure.kind == Failure::Kind::not_synced;
    state.next_try = steady_now() + between_tries;
    // Last, because it may need memory: a failed fsync must bar puts even without it.
    contained([&] { state.health.why = failure.why; });
    return before;
  });
  if (was_healthy) contained([&] { alarm("nothing can be stored: " + failure.why); });
}

void Condition::tried() noexcept { recover(true); }

void Condition::put_succeeded() noexcept { recover(false); }

void Condition::recover(bool also_barred) noexcept {
  const bool recovered = state_.with([&](State& state) {
    if (state.health.healthy || (state.barred && !also_barred)) return false;
    state = State{};
    return true;
  });
  if (recovered) contained([&] { alarm("messages can be stored again"); });
}

std::optional<Failure> Condition::barred() const {
  return state_.with([](const State& state) -> std::optional<Failure> {
    if (!state.barred) return std::nullopt;
    return Failure{Failure::Kind::unavailable, "the store recovers from: " + state.health.why};
  });
}

std::optional<SteadyTime> Condition::next_try() const {
  return state_.with([](const State& state) -> std::optional<SteadyTime> {
    if (state.health.healthy) return std::nullopt;
    return state.next_try;
  });
}

Health Condition::health() const {
  return state_.with([](const State& state) { return state.health; });
}

}  // namespace sekisho::spool
