#include "net/link.h"

#include <utility>

#include "net/loop.h"

namespace sekisho::net {

Seat::Seat(Loop& loop, Count count) : loop_(&loop), count_(std::move(count)) {
  ++loop_->connections();
  if (count_) ++*count_;
}

Seat::Seat(Seat&& other) noexcept
    : loop_(std::exchange(other.loop_, nullptr)), count_(std::move(other.count_)) {}

Seat::~Seat() {
  if (loop_ != nullptr) --loop_->connections();
  if (count_) --*count_;
}

}  // namespace sekisho::net
