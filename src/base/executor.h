// base/executor.h: runs tasks on the thread of an object's owner.
// Thread: post() from any thread.
#pragma once

#include <deque>
#include <functional>

#include "base/clock.h"
#include "base/guarded.h"

namespace sekisho {

class Executor {
 public:
  using Task = std::function<void()>;
  virtual ~Executor() = default;
  // Runs `task` later on the owner's thread, never before post() returns. Tasks run in the order of
  // their arrival. If it throws (no memory), the task was not taken, and may be posted again.
  virtual void post(Task task) = 0;
};

// Tasks that the owner runs while it waits: for the command line and for tests.
class RunQueue final : public Executor {
 public:
  void post(Task task) override;
  // Runs tasks on this thread until `done()` or the deadline; returns done().
  bool run_until(const std::function<bool()>& done, SteadyTime deadline);

 private:
  Guarded<std::deque<Task>> tasks_;
};

}  // namespace sekisho
