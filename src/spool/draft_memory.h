// spool/draft_memory.h: the memory of the messages of one store that are not in a file yet: those
// that are arriving, and those that wait for a writer. Each may have 256 KB. When all together have
// 256 MB, each is written to its file after 16 KB.
// Thread: DraftMemory: any, internally locked; its shares: one owner each.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace sekisho::spool {

class DraftMemory {
 public:
  // A thousand messages of full size at once. A front takes 4,096 connections, which without this
  // limit would be 1 GB, and 2 GB while strings grow.
  static constexpr std::size_t all_octets = 256ULL * 1024 * 1024;

  explicit DraftMemory(std::size_t most = all_octets) : most_(most) {}
  bool is_full() const { return octets() >= most_; }
  std::size_t octets() const { return octets_.load(std::memory_order_relaxed); }

  // The share of one message; returned by its destructor.
  class Share {
   public:
    explicit Share(std::shared_ptr<DraftMemory> all) : all_(std::move(all)) {}
    Share(Share&& other) noexcept { *this = std::move(other); }
    Share& operator=(Share&& other) noexcept {
      set(0);
      all_ = std::move(other.all_);
      octets_ = std::exchange(other.octets_, 0);
      return *this;
    }
    ~Share() { set(0); }

    void set(std::size_t octets) noexcept {
      if (all_ && octets != octets_) all_->octets_ += octets - octets_;
      octets_ = octets;
    }
    bool is_full() const { return all_ && all_->is_full(); }

   private:
    std::shared_ptr<DraftMemory> all_;  // nullptr: not counted
    std::size_t octets_ = 0;
  };

 private:
  const std::size_t most_;
  std::atomic<std::size_t> octets_{0};
};

}  // namespace sekisho::spool
