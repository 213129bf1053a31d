// accounts/password_checks.h: threads for what takes long by intention, so that no event loop waits
// for it: hashes of passwords, and sources that are asked one at a time.
// Thread: any, internally locked.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace sekisho::accounts {

class PasswordChecks {
 public:
  // `run`: false when it is too late to do it, and only its owner must hear of that.
  using Task = std::function<void(bool run)>;

  // A check takes some 50 ms: those behind so many would wait for half a minute on one core, and
  // mail programs have given up by then.
  static constexpr std::size_t usual_waiting = 500;

  // Half the cores: whoever guesses passwords must not take the time of the mail.
  static std::size_t usual_threads();

  explicit PasswordChecks(std::size_t threads = usual_threads(),
                          std::size_t most_waiting = usual_waiting);
  // Tasks that have not begun are called with false.
  ~PasswordChecks();
  PasswordChecks(const PasswordChecks&) = delete;
  PasswordChecks& operator=(const PasswordChecks&) = delete;

  // Runs it on one of the threads; with false at once if too many wait already.
  void post(Task task);

 private:
  struct Queue {
    std::deque<Task> tasks;
    bool stopped = false;
  };
  void run();

  const std::size_t most_waiting_;
  Guarded<Queue> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace sekisho::accounts
