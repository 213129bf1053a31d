// base/memory.h: for work that must go on although an allocation has failed: an awaited answer, a
// destructor, the outermost frame of a thread. A failed allocation may cost one message, but never
// the process.
//   until_memory([&] { owner->post(task); });
// Thread: any.
#pragma once

#include <chrono>
#include <exception>
#include <new>
#include <string>
#include <thread>

namespace sekisho {

// Repeats `work`, which must do all or nothing, until there is memory for it: other threads free
// theirs meanwhile. Gives up after a second and returns false, because the waiting side has a limit
// too. Any other exception also returns false.
template <class Work>
bool until_memory(Work&& work) noexcept {
  constexpr int at_once = 20;
  constexpr int tries = 1000;
  for (int i = 0; i < tries; ++i) {
    try {
      work();
      return true;
    } catch (const std::bad_alloc&) {
      if (i >= at_once) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } catch (...) {
      return false;
    }
  }
  return false;
}

// While one exists on this thread, an allocation waits up to five seconds for memory instead of
// failing at once: for libraries whose destructors allocate (nlohmann::json), where a failure would
// end the process. On a thread for which others wait, its scope must be as small as possible.
class Patience {
 public:
  Patience();
  ~Patience();
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  // Call once, at the start of the program; without it every allocation fails at once.
  static void make_possible();
};

// Runs `work` and catches every exception; false if there was one.
template <class Work>
bool contained(Work&& work) noexcept {
  try {
    work();
    return true;
  } catch (...) {
    return false;
  }
}

// The text of the exception, or a fixed text if there is no memory.
inline std::string what_of(const std::exception& error) noexcept {
  try {
    return error.what();
  } catch (...) {
    return "no memory";  // short enough to need none
  }
}

}  // namespace sekisho
