#include "base/executor.h"

#include <optional>

namespace sekisho {

void RunQueue::post(Task task) {
  tasks_.with([&](auto& tasks) { tasks.push_back(std::move(task)); });
  tasks_.notify_all();
}

bool RunQueue::run_until(const std::function<bool()>& done, SteadyTime deadline) {
  while (!done()) {
    auto task = tasks_.wait_until(
        deadline, [](const auto& tasks) { return !tasks.empty(); },
        [](auto& tasks, bool ready) -> std::optional<Task> {
          if (!ready) return std::nullopt;
          Task first = std::move(tasks.front());
          tasks.pop_front();
          return first;
        });
    if (!task) return done();
    (*task)();
  }
  return true;
}

}  // namespace sekisho
