// spool/condition.h: whether a store can be trusted to keep messages, and when to try again.
// Thread: any, internally locked.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/memory.h"
#include "spool/failure.h"
#include "spool/store.h"

namespace sekisho::spool {

class Condition {
 public:
  explicit Condition(Store::Alarm alarm) : alarm_(std::move(alarm)) {}

  // A put or a try has failed. After a failed fsync nothing is put until a try has succeeded.
  void failed_with(const Failure& failure) noexcept;
  // A try has succeeded; or a put, which does not clear an earlier failed fsync.
  void tried() noexcept;
  void put_succeeded() noexcept;

  // Why nothing may be put.
  std::optional<Failure> barred() const;
  // When to try again; nullopt while healthy.
  std::optional<SteadyTime> next_try() const;
  Health health() const;
  // An alarm that cannot be given for want of memory is lost, without further effect.
  void alarm(const std::string& sentence) const noexcept {
    contained([&] { alarm_(sentence); });
  }

 private:
  struct State {
    Health health;
    bool barred = false;
    SteadyTime next_try;
  };
  void recover(bool also_barred) noexcept;

  Store::Alarm alarm_;
  Guarded<State> state_;
};

}  // namespace sekisho::spool
