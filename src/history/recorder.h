// history/recorder.h: writes decisions to disk without delaying the sessions: a bounded queue, one
// thread, many decisions to a commit. Best effort by design (WAL, synchronous NORMAL): a failure
// raises a counter and one alarm, and never changes a verdict. Queued decisions are written when it
// works again, and a damaged file is renamed and a new one begun. A file that was removed or
// replaced is noticed, and a new one begun.
//   Recorder recorder(options, log); recorder.start(); … recorder.add(decided);
// Errors: status() and the log.
// Thread: any, internally locked.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/clock_looks.h"
#include "base/guarded.h"
#include "base/log.h"
#include "history/options.h"
#include "record/codec.h"
#include "session/decided.h"
#include "spool/database.h"

namespace sekisho::history {

// A configuration that decides: all keys as TOML, without secrets, and where the given ones stand.
struct Configuration {
  std::string digest;
  std::string text;
  std::map<std::string, std::string> places;  // "dmarc.reject" → "/etc/sekisho/milter.conf:12:1"
};

struct Status {
  bool recording = false;  // the last attempt to write succeeded
  std::string problem;     // why not
  std::uint64_t records = 0;
  std::uint64_t octets = 0;  // of the file, without what is free in it
  std::size_t queued = 0;
  std::uint64_t dropped = 0;  // decisions that are not recorded
  std::uint64_t pruned = 0;   // removed for their age or for the size
};

class Recorder {
 public:
  // 10,000 decisions are some seconds of the fastest mail. A recorder that is that far behind has a
  // broken disk, and the memory is needed for mail. Octets of headers are bounded too, because one
  // may have 1 MB.
  static constexpr std::size_t max_queued = 10'000;
  static constexpr std::size_t max_queued_octets = std::size_t{64} * 1024 * 1024;
  // One record, compressed. Real ones have 2 KB, those of long headers 20; only DNS answers made
  // large on purpose exceed this, and then they are left out.
  static constexpr std::size_t max_record = std::size_t{256} * 1024;
  // Refused mail may take a quarter of max_size when there is no room for all: a refused sender can
  // send any amount, and must not displace the records of accepted mail.
  static constexpr std::uint64_t refused_share = 4;

  // `look`: reads the clocks by which decisions expire.
  Recorder(Options options, Log& log, std::function<ClockLook()> look = look_at_clocks);
  // Writes what is queued, for five seconds at most.
  ~Recorder();

  // Starts the thread; nothing is written before.
  void start();
  void add(std::shared_ptr<const session::Decided> decided);
  // The configuration of all decisions added from now on.
  void add(Configuration configuration);
  void set_limits(std::chrono::seconds keep, std::uint64_t max_size);
  Status status() const;
  // Waits until everything that was added is written or dropped; false when that takes longer.
  bool flush(std::chrono::milliseconds within);

 private:
  using Decisions = std::vector<std::shared_ptr<const session::Decided>>;
  struct Queue {
    Decisions decisions;
    std::vector<Configuration> configurations;
    std::size_t octets = 0;
    std::size_t writing = 0;
    Options limits;
    bool stop = false;
    bool limits_set = false;
    bool full = false;  // and the log has said so
  };

  void run() noexcept;
  bool round(SteadyTime& stop_by);
  bool wait_for_work(SteadyTime until);
  bool work();
  spool::Outcome<void> try_work();
  void take_queued();
  bool in_place() const;
  void notice_the_file();
  std::uint64_t inode_of(const char* part) const;
  spool::Outcome<void> write(const Decisions& decisions,
                             const std::vector<Configuration>& configurations);
  spool::Outcome<void> open();
  spool::Outcome<void> add_dictionary(spool::Database& database);
  spool::Outcome<void> add_columns(spool::Database& database);
  spool::Outcome<void> insert(const session::Decided& decided);
  std::string record_of(const session::Decided& decided);
  spool::Outcome<void> prune(const Options& limits);
  spool::Outcome<std::int64_t> remove_before(std::int64_t number);
  spool::Outcome<std::int64_t> remove_refused(std::int64_t rows);
  spool::Outcome<std::int64_t> remove_oldest(std::int64_t rows, std::int64_t older_than);
  spool::Outcome<std::int64_t> remove_aged(std::chrono::seconds keep, std::uint64_t records);
  spool::Outcome<std::uint64_t> older_than(std::int64_t time);
  spool::Outcome<void> after_removal();
  spool::Outcome<std::uint64_t> refused_octets();
  spool::Outcome<std::uint64_t> used_octets();
  void failed(const spool::Failure& failure);
  void recovered();
  void set_aside();

  const std::string dir_;
  Log& log_;
  const std::function<ClockLook()> look_;
  Guarded<Queue> queue_;
  Guarded<Status> status_;
  std::atomic<std::uint64_t> dropped_{0};
  std::thread thread_;

  // Inodes of the open file; 0: none.
  std::atomic<std::uint64_t> inode_{0};
  // Used by the thread only.
  Options limits_;
  std::uint64_t wal_inode_ = 0;
  ClockLooks looks_;
  bool removing_aged_ = false;            // step by step, once begun
  std::optional<Configuration> current_;  // for a file that is begun anew
  unsigned broken_ = 0;                   // consecutive rounds that threw
  Decisions batch_;
  std::vector<Configuration> configurations_;
  std::optional<record::Encoder> encoder_;
  std::int64_t dictionary_ = 0;
  std::optional<spool::Database> database_;
  bool alarmed_ = false;
  SteadyTime next_prune_{};
};

}  // namespace sekisho::history
