// net/loop.h: one event loop: sockets and timers, tasks from other threads, and the number of its
// connections.
// Thread: run() is the loop's own; the rest from any.
#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include "base/executor.h"
#include "base/guarded.h"
#include "base/log.h"

namespace sekisho::net {

// An event loop as the executor of its objects. It has its own queue, because a task that asio has
// taken only half-way is lost if there is no memory for the rest. Thread: any, internally locked;
// must outlive its loop's last task.
class LoopExecutor final : public Executor {
 public:
  LoopExecutor(asio::io_context& context, std::string name, Log& log)
      : context_(context), name_(std::move(name)), log_(log) {}
  void post(Task task) override;

 private:
  struct Queue {
    std::list<Task> tasks;
    bool awake = false;  // the loop has been woken, and has not read the queue yet
  };
  void run_all() noexcept;

  asio::io_context& context_;
  const std::string name_;
  Log& log_;
  Guarded<Queue> queue_;
};

class Loop {
 public:
  // `name` begins the lines in the log, `number` is its place among the Loops.
  Loop(std::size_t number, const std::string& name, Log& log);

  std::size_t number() const { return number_; }
  asio::io_context& context() { return context_; }
  const std::shared_ptr<LoopExecutor>& executor() const { return executor_; }
  // A connection counts as long as its Seat exists (net/link.h).
  std::atomic<std::size_t>& connections() { return connections_; }

  // Returns after release(), when nothing is left to wait for.
  void run();
  void release() { work_.reset(); }

 private:
  const std::size_t number_;
  const std::string name_;
  Log& log_;
  // Declared before the context, whose queue may hold seats.
  std::atomic<std::size_t> connections_{0};
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::shared_ptr<LoopExecutor> executor_;
};

}  // namespace sekisho::net
