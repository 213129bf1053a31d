// history/deferral_file.h: the deferrals that outlive the daemon, in a small file of lines beside
// the history:
//   SECONDS KEY NETWORK        "1795000000 6d1f…(32 hex digits) 192.0.2.0/24"
// A thread of its own appends them, and now and then rewrites the file (by rename) without those
// that are over. Best effort by design, without fsync: it survives the end of the daemon, but not a
// power failure. If it cannot be written there is one warning, and the deferrals in memory still
// count.
// Errors: the log. Thread: any, internally locked.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"
#include "session/ports.h"

namespace sekisho::history {

class DeferralFile final : public session::DeferralKeeper {
 public:
  // At most this many lines wait to be written. Further ones are lost at the next start, which is
  // better than unbounded memory.
  static constexpr std::size_t max_queued = 10'000;
  // Appended lines after which the file is rewritten.
  static constexpr std::size_t max_appended = 50'000;

  // `dir` is created if it does not exist.
  DeferralFile(const std::string& dir, Log& log);
  // Writes what is queued.
  ~DeferralFile() override;

  // The deferrals in the file, each once, without malformed lines. Call before start().
  std::vector<session::Deferral> read() const;
  // Starts the thread, which rewrites the file. `all` returns its content; it is called on the
  // thread.
  void start(std::function<std::vector<session::Deferral>()> all);
  void add(session::Deferral deferral) override;
  // Waits until everything that was added is written, or could not be; false when that takes
  // longer.
  bool flush(std::chrono::milliseconds within);

 private:
  struct Queue {
    std::vector<session::Deferral> added;
    bool rewrite = true;  // the file must be rewritten
    bool writing = false;
    bool stop = false;
  };

  void run();
  bool work(const std::vector<session::Deferral>& added, bool rewrite);
  bool append(const std::vector<session::Deferral>& added);
  bool rewrite();
  void tell(bool well, const std::string& why);

  const std::string dir_;
  const std::string path_;
  Log& log_;
  std::function<std::vector<session::Deferral>()> all_;
  Guarded<Queue> queue_;
  std::thread thread_;

  // Used by the thread only.
  std::size_t appended_ = 0;
  bool warned_ = false;
};

}  // namespace sekisho::history
