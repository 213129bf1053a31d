#include "base/memory.h"

namespace sekisho {

namespace {

using Clock = std::chrono::steady_clock;

thread_local int patient = 0;
thread_local int waited = 0;  // milliseconds of the allocation that waits
thread_local Clock::time_point waited_until{};

// Called by operator new when there is no memory; it tries again when this returns ([new.handler]).
// The handler cannot know whether the last call was for the same allocation; if not, other code has
// run in between.
void wait_or_throw() {
  constexpr int longest = 5000;
  constexpr std::chrono::microseconds at_once(100);
  if (Clock::now() - waited_until > at_once) waited = 0;
  if (patient == 0 || ++waited > longest) throw std::bad_alloc();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  waited_until = Clock::now();
}

}  // namespace

Patience::Patience() { ++patient; }

Patience::~Patience() { --patient; }

void Patience::make_possible() { std::set_new_handler(wait_or_throw); }

}  // namespace sekisho
