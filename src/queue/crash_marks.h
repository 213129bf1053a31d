// queue/crash_marks.h: which messages were worked on when the daemon crashed: SIGSEGV, SIGABRT,
// SIGBUS, SIGFPE, SIGILL. SIGKILL, a power failure and want of memory (std::bad_alloc) never count.
// A handler, which only calls what a signal handler may call, appends the ids of the messages under
// way to a file that is open already. If the thread that crashes has said what it works on, that
// message alone is named.
// The handler is one for the process, so there is one object at a time.
// Errors: a sentence. Thread: any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_handle.h"

namespace sekisho::queue {

class CrashMarks {
 public:
  // More messages than are under way at once.
  static constexpr std::size_t slots = 4096;
  // Longer than any id.
  static constexpr std::size_t id_octets = 32;

  // Reads the marks of before and takes over the handlers, until it is destroyed.
  static Expected<std::unique_ptr<CrashMarks>, std::string> open(const std::string& path);
  ~CrashMarks();
  CrashMarks(const CrashMarks&) = delete;
  CrashMarks& operator=(const CrashMarks&) = delete;

  // How often the daemon crashed while it worked on a message: what was found at the start.
  const std::map<std::string, unsigned>& found() const { return found_; }
  // Writes the file anew, with these.
  void keep(const std::map<std::string, unsigned>& marks);

  // While one exists, the message is under way.
  class UnderWay {
   public:
    UnderWay() = default;
    UnderWay(CrashMarks* marks, const std::string& id);
    UnderWay(UnderWay&& other) noexcept;
    UnderWay& operator=(UnderWay&& other) noexcept;
    ~UnderWay() { end(); }

   private:
    void end();
    std::atomic<char>* slot_ = nullptr;
  };

  // While one exists, this thread works on that message and on no other; at its end, on what it
  // worked on before.
  class Here {
   public:
    explicit Here(const std::string& id);
    ~Here();
    Here(const Here&) = delete;
    Here& operator=(const Here&) = delete;

   private:
    std::array<char, id_octets> before_;
  };

 private:
  explicit CrashMarks(UniqueFd file) : file_(std::move(file)) {}
  friend struct CrashHandler;

  UniqueFd file_;
  std::map<std::string, unsigned> found_;
  // An id in each, ended by a zero; a slot that begins with a zero is free.
  std::array<std::array<std::atomic<char>, id_octets>, slots> ids_{};
};

}  // namespace sekisho::queue
