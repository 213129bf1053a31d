// spool/pipeline.h: the path of puts to the disk. Writers write and fsync the files, many at the
// same time. One committer renames all written files, fsyncs the folder once, commits their rows
// once, and calls the callbacks. Files written meanwhile are the next group.
// Errors: Failure, to the callback of each put.
// Thread: put() from any; callbacks from its own threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "spool/condition.h"
#include "spool/folder.h"
#include "spool/index.h"
#include "spool/message_file.h"
#include "spool/options.h"
#include "spool/store.h"

namespace sekisho::spool {

class Pipeline {
 public:
  // `mend` rebuilds a damaged index, on the committer's thread.
  Pipeline(const Options& options, std::shared_ptr<const Folder> folder, Index& index,
           Condition& condition, std::function<void()> mend);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  // Finishes all puts.
  ~Pipeline();

  // If it throws (no memory), nothing is put, and `done` is not called.
  void put(Draft draft, Filed message, Store::With with, Store::Done done);
  // A change without a message, within the next commit.
  void change(Store::With with, Store::Done done);
  // Asks for a rebuild: a user found the index damaged.
  void want_mending();

 private:
  struct Put {
    Draft draft;
    Filed message;
    Store::With with;
    Store::Done done;
    SteadyTime since;
    std::uint64_t octets = 0;       // of the file; 0: a change without a message
    bool published = false;         // under its name
    std::vector<std::string> gone;  // files that nobody wants after the change
    std::optional<Outcome<Stored>> outcome;

    bool has_file() const { return octets > 0; }
  };
  using Puts = std::vector<Put>;
  struct Waiting {
    std::deque<Put> puts;
    bool stopping = false;
  };
  struct Written {
    Puts puts;
    bool stopping = false;
    bool mend = false;
    bool wake = false;  // a writer has failed
  };

  void stop() noexcept;
  void write_until_stopped() noexcept;
  bool write_one();
  void write_to_the_end(Put& put) noexcept;
  Outcome<void> write(Put& put);
  Outcome<void> keep_limit(const Put& put);
  Outcome<void> read_usage();
  void commit_until_stopped() noexcept;
  bool commit_some();
  void commit(Puts& group) noexcept;
  Outcome<void> try_commit(Puts& group) noexcept;
  Outcome<void> publish(Puts& group);
  Outcome<void> add_rows(Puts& group);
  Outcome<Stored> place(Database& database, Put& put);
  Outcome<void> change_others(Database& database, Put& put);
  Outcome<Outcome<Stored>> add_row(Database& database, Put& put);
  void finish(Put& put, Outcome<Stored> outcome) noexcept;
  void finish_all(Puts& group, const Outcome<void>& done) noexcept;
  void tend(bool mend);
  Outcome<void> try_store();

  const Options options_;
  const std::shared_ptr<const Folder> folder_;
  Index& index_;
  Condition& condition_;
  const std::function<void()> mend_;
  std::atomic<std::uint64_t> octets_{0};    // of all files, as the last commit saw them
  std::atomic<std::uint64_t> reserved_{0};  // of the files on their way
  Guarded<Waiting> waiting_;
  Guarded<Written> written_;
  std::vector<std::thread> writers_;
  std::thread committer_;
};

}  // namespace sekisho::spool
