#include "relay/workers.h"

#include <utility>

#include "base/memory.h"

namespace sekisho::relay {

Workers::Workers(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

void Workers::post(Task task) {
  queue_.with([&](Queue& queue) {
    if (!queue.stopped) queue.tasks.push_back(std::move(task));
  });
  queue_.notify_one();
}

void Workers::stop() {
  queue_.with([](Queue& queue) { queue.stopped = true; });
  queue_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Workers::run() {
  for (;;) {
    Task task;
    queue_.wait_until(
        steady_now() + std::chrono::hours(1),
        [](const Queue& queue) { return queue.stopped || !queue.tasks.empty(); },
        [&](Queue& queue, bool) {
          if (queue.tasks.empty()) return;
          task = std::move(queue.tasks.front());
          queue.tasks.pop_front();
        });
    if (!task) {
      if (queue_.with([](const Queue& queue) { return queue.stopped && queue.tasks.empty(); }))
        return;
      continue;
    }
    contained(task);
  }
}

}  // namespace sekisho::relay
