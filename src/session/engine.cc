#include "session/engine.h"

namespace sekisho::session {

Engine::Engine(std::shared_ptr<const Snapshot> snapshot, Journal& journal,
               std::function<WallTime()> clock)
    : snapshot_(std::move(snapshot)), journal_(journal), clock_(std::move(clock)) {}

std::shared_ptr<const Snapshot> Engine::snapshot() const {
  return snapshot_.with([](const auto& current) { return current; });
}

void Engine::replace(std::shared_ptr<const Snapshot> snapshot) {
  // This may be the last reference to the old snapshot: it must be destroyed outside the lock.
  snapshot_.with([&](auto& current) { current.swap(snapshot); });
}

}  // namespace sekisho::session
