#include "net/loop.h"

#include <utility>

#include <asio/post.hpp>

#include "base/memory.h"

namespace sekisho::net {

namespace {

// `what` is the key under which lines are limited.
void log_internal_error(Log& log, const std::string& name, const char* what,
                        const std::exception& error) noexcept {
  contained([&] {
    log.write_limited(LogLevel::error, name + what, name + ": internal error: " + error.what());
  });
}

}  // namespace

void LoopExecutor::post(Task task) {
  std::list<Task> one;
  one.push_back(std::move(task));
  const bool wake = queue_.with([&](Queue& queue) {
    queue.tasks.splice(queue.tasks.end(), one);
    return !std::exchange(queue.awake, true);
  });
  if (!wake) return;
  // The task is queued by now, so nothing may be thrown here. The next post tries again.
  if (!until_memory([this] { asio::post(context_, [this] { run_all(); }); })) {
    queue_.with([](Queue& queue) { queue.awake = false; });
  }
}

// An exception of one task must not affect the next.
void LoopExecutor::run_all() noexcept {
  std::list<Task> tasks;
  queue_.with([&](Queue& queue) {
    queue.awake = false;
    tasks.swap(queue.tasks);
  });
  for (const auto& task : tasks) {
    try {
      task();
    } catch (const std::exception& error) {
      log_internal_error(log_, name_, " task", error);
    }
  }
}

Loop::Loop(std::size_t number, const std::string& name, Log& log)
    : number_(number),
      name_(name),
      log_(log),
      work_(asio::make_work_guard(context_)),
      executor_(std::make_shared<LoopExecutor>(context_, name, log)) {}

// An exception in one connection must not affect the others.
void Loop::run() {
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& error) {
      log_internal_error(log_, name_, " loop", error);
    }
  }
}

}  // namespace sekisho::net
