// tests/support/few_descriptors.h: a process that may open only so many descriptors more, for as
// long as there is one. Thread: one owner.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>

#include "base/unique_handle.h"

namespace sekisho::test {

class FewDescriptors {
 public:
  // None that is lower than those which are open may be free.
  explicit FewDescriptors(unsigned more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    UniqueFd lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit few{static_cast<rlim_t>(lowest.get()) + more, before_.rlim_max};
    lowest.reset();
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace sekisho::test
