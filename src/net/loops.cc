#include "net/loops.h"

#include <algorithm>
#include <future>

#include <sys/socket.h>
#include <asio/post.hpp>

#include "base/memory.h"
#include "net/loop.h"
#include "net/socket_options.h"

namespace sekisho::net {

Loops::Size Loops::usual_size() {
  return {std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 8), 64};
}

Loops::Loops(const std::string& name, Log& log, Size size) : filled_at_(size.filled_at) {
  for (std::size_t i = 0; i < size.count; ++i) {
    loops_.push_back(std::make_unique<Loop>(i, name, log));
  }
}

Loops::~Loops() { stop(); }

void Loops::run() {
  for (const auto& loop : loops_) {
    threads_.emplace_back([each = loop.get()] { each->run(); });
  }
}

void Loops::stop() {
  for (const auto& loop : loops_) loop->release();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

Link Loops::link(UniqueFd fd, Seat::Count count) const {
  const int family = family_of(fd.get());
  if (family != AF_UNIX) send_at_once(fd.get());
  return {std::move(fd), family, Seat(for_one_more(), std::move(count))};
}

// Loops are filled one after another: a running loop costs less than one that must be woken.
Loop& Loops::for_one_more() const {
  const auto connections = [](const auto& loop) { return loop->connections().load(); };
  const auto free = std::find_if(loops_.begin(), loops_.end(),
                                 [&](const auto& loop) { return connections(loop) < filled_at_; });
  if (free != loops_.end()) return **free;
  return **std::min_element(loops_.begin(), loops_.end(), [&](const auto& a, const auto& b) {
    return connections(a) < connections(b);
  });
}

std::size_t Loops::sum(const std::function<std::size_t(Loop&)>& visit) const {
  std::size_t total = 0;
  for (const auto& loop : loops_) {
    std::promise<std::size_t> answer;
    const bool asked =
        until_memory([&] { asio::post(loop->context(), [&] { answer.set_value(visit(*loop)); }); });
    if (asked) total += answer.get_future().get();
  }
  return total;
}

}  // namespace sekisho::net
