// base/guarded.h: data that may be touched only under its own lock: the only mutex of the project.
//   Guarded<Cache> cache;
//   cache.with([](Cache& c) { c.insert(…); });
// Never held across DNS or disk.
// Thread: any, internally locked.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

namespace sekisho {

template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

  template <class Use>
  decltype(auto) with(Use&& use) {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }
  template <class Use>
  decltype(auto) with(Use&& use) const {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }

  // Wakes all waiting threads: call after `with` changed the condition.
  void notify_all() { changed_.notify_all(); }
  // For a change that concerns one waiting thread.
  void notify_one() { changed_.notify_one(); }

  // Waits until `ready(value)` or the deadline, then `use(value, was_ready)` under the lock.
  template <class TimePoint, class Ready, class Use>
  decltype(auto) wait_until(TimePoint deadline, Ready&& ready, Use&& use) {
    std::unique_lock lock(mutex_);
    const bool was_ready = changed_.wait_until(lock, deadline, [&] { return ready(value_); });
    return std::forward<Use>(use)(value_, was_ready);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  T value_;
};

}  // namespace sekisho
