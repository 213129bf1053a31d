// relay/workers.h: threads for work that waits for a disk or for the names of the system, so that
// no event loop does.
// Thread: post() from any; stop() by the owner.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/executor.h"
#include "base/guarded.h"

namespace sekisho::relay {

class Workers final : public Executor {
 public:
  explicit Workers(std::size_t threads);
  ~Workers() override { stop(); }

  // Tasks of one Workers may run at the same time, on its different threads. After stop() nothing
  // is taken.
  void post(Task task) override;
  // Returns when what was posted has run.
  void stop();

 private:
  struct Queue {
    std::deque<Task> tasks;
    bool stopped = false;
  };
  void run();

  Guarded<Queue> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace sekisho::relay
