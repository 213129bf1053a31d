// base/unique_handle.h: owns an object of a C library and gives it back to that library.
//   using PKey = UniqueHandle<EVP_PKEY, EVP_PKEY_free>;
// Thread: one owner.
#pragma once

#include <memory>

#include <unistd.h>

namespace sekisho {

template <auto Free>
struct HandleDeleter {
  template <class T>
  void operator()(T* handle) const noexcept {
    Free(handle);
  }
};

template <class T, auto Free>
using UniqueHandle = std::unique_ptr<T, HandleDeleter<Free>>;

// A file descriptor, closed by the destructor; -1: none.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd = -1) {
    if (fd_ >= 0 && fd_ != fd) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace sekisho
