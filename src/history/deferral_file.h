// history/deferral_file.h: the deferrals that outlive the daemon, in a small file of lines beside
// the history:
//   SECONDS KEY NETWORK        "1795000000 6d1f…(32 hex digits) 192.0.2.0/24"
// Appended as they come, by a thread of its own, and written anew (by rename) now and then without
// those that are over. Best effort by design, without fsync: it survives the end of the daemon, not
// that of the machine's power. When it cannot be written there is one warning, and what is in
// memory still counts.
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
  // Lines that wait to be written; more are lost for the next start, which is better than memory
  // without end.
  static constexpr std::size_t max_queued = 10'000;
  // Lines between two times that it is written anew.
  static constexpr std::size_t max_appended = 50'000;

  // `dir` is made if it is not there.
  DeferralFile(const std::string& dir, Log& log);
  // Writes what is queued.
  ~DeferralFile() override;

  // What it holds; each once; lines that are none are left out. Before start().
  std::vector<session::Deferral> read() const;
  // The thread begins, and writes the file anew. `all`: what is to be in it; called on the thread.
  void start(std::function<std::vector<session::Deferral>()> all);
  void add(session::Deferral deferral) override;
  // Waits until everything that was added is written, or could not be; false when that takes
  // longer.
  bool flush(std::chrono::milliseconds within);

 private:
  struct Queue {
    std::vector<session::Deferral> added;
    bool rewrite = true;  // the file is to be written anew
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

  // Of the thread alone.
  std::size_t appended_ = 0;
  bool warned_ = false;
};

}  // namespace sekisho::history
