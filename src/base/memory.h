// base/memory.h: what goes on although an allocation has failed: an answer that somebody waits for,
// a destructor, the outermost frame of a thread. One allocation that fails costs one message, and
// never the process.
//   until_memory([&] { owner->post(task); });
// Thread: any.
#pragma once

#include <chrono>
#include <exception>
#include <new>
#include <string>
#include <thread>

namespace sekisho {

// Does `work`, which must do all or nothing, again until there is memory for it: others give theirs
// back meanwhile. After a second it is given up, and false: whoever waits has a
// limit too. So it is with every other exception.
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

// While there is one on this thread, an allocation waits for memory, five seconds at most, and does
// not fail at once: for libraries whose destructors allocate (nlohmann::json flattens what it
// destroys), where a failure would end the process. Where everybody waits for this thread, it
// stands around the least that needs it.
class Patience {
 public:
  Patience();
  ~Patience();
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  // Once, at the start of the program; without it an allocation fails at once everywhere.
  static void make_possible();
};

// Does `work`, and nothing comes out of it; false when it broke.
template <class Work>
bool contained(Work&& work) noexcept {
  try {
    work();
    return true;
  } catch (...) {
    return false;
  }
}

// What it says, or what can be said without memory.
inline std::string what_of(const std::exception& error) noexcept {
  try {
    return error.what();
  } catch (...) {
    return "no memory";  // short enough to need none
  }
}

}  // namespace sekisho
