#include "accounts/password_checks.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/memory.h"

namespace sekisho::accounts {

std::size_t PasswordChecks::usual_threads() {
  return std::max<std::size_t>(1, std::thread::hardware_concurrency() / 2);
}

PasswordChecks::PasswordChecks(std::size_t threads, std::size_t most_waiting)
    : most_waiting_(most_waiting) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

PasswordChecks::~PasswordChecks() {
  const auto left = queue_.with([](Queue& queue) {
    queue.stopped = true;
    return std::exchange(queue.tasks, {});
  });
  queue_.notify_all();
  for (auto& thread : threads_) thread.join();
  for (const auto& task : left) contained([&] { task(false); });
}

void PasswordChecks::post(Task task) {
  const bool taken = queue_.with([&](Queue& queue) {
    if (queue.stopped || queue.tasks.size() >= most_waiting_) return false;
    queue.tasks.push_back(std::move(task));
    return true;
  });
  if (taken) {
    queue_.notify_one();
  } else {
    task(false);
  }
}

void PasswordChecks::run() {
  for (;;) {
    // Nothing happens at the end of the hour: it only waits again.
    const auto task = queue_.wait_until(
        steady_now() + std::chrono::hours(1),
        [](const Queue& queue) { return queue.stopped || !queue.tasks.empty(); },
        [](Queue& queue, bool) {
          Task next;
          if (queue.stopped || queue.tasks.empty()) return std::pair(next, queue.stopped);
          next = std::move(queue.tasks.front());
          queue.tasks.pop_front();
          return std::pair(std::move(next), false);
        });
    if (task.second) return;
    if (task.first) contained([&] { task.first(true); });
  }
}

}  // namespace sekisho::accounts
