// base/poll_until.h: poll(2) until a point in time, however often a signal interrupts it.
// Errors: Polled::failed, and errno says why. Thread: any.
#pragma once

#include <span>

#include <poll.h>

#include "base/clock.h"

namespace sekisho {

enum class Polled {
  ready,   // at least one descriptor has a non-zero `revents`
  late,    // the deadline is reached; after it, poll(2) is not called any more
  failed,  // poll(2) itself
};

Polled poll_until(std::span<pollfd> waiting, SteadyTime deadline);
// One descriptor; `events` as in poll(2). A broken connection is ready: reading it gives the error.
Polled poll_until(int fd, short events, SteadyTime deadline);

}  // namespace sekisho
