// app/drop_folder.h: takes in the messages that sendmail(1) left while the daemon did not answer
// (cli/drop_file.h). The owner of a file is who sends it. Taken are regular files with one name
// only, never by a link; a file that is no message, or is refused for good, is set aside in the
// folder "bad" below, with a line in the log, and never looked at again. When some recipients were
// taken and others are to wait, a file for those alone takes its place, in the folder "rest": below
// a line with its owner, for it belongs to the daemon.
// Errors: the log. Thread: open() and stop() by the owner; a thread of its own does the work.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/result.h"
#include "base/unique_handle.h"
#include "cli/sendmail_submit.h"

namespace sekisho::app {

class DropFolder {
 public:
  // How often it is looked at. A person who was told that the message is kept waits as long.
  static constexpr std::chrono::seconds look_every{5};
  // After a 4xx: a full disk does not empty in seconds.
  static constexpr std::chrono::minutes try_again{1};

  struct Options {
    std::string path;
    std::uint64_t most_octets = 0;  // of one file; 0: no limit
    std::string owner;              // the user of the daemon, when it is made by root
  };
  // Hands a message over as this user; blocks.
  using Submit = std::function<cli::Submitted(uid_t, const cli::Dropped&)>;

  DropFolder(Options options, Submit submit, Log& log);
  ~DropFolder() { stop(); }
  DropFolder(const DropFolder&) = delete;
  DropFolder& operator=(const DropFolder&) = delete;

  // Makes the folder.
  Expected<void, std::string> open();
  // Looks from now on.
  void run();
  void stop();
  // What run() does: begin() once, then a look at all files now and then, which returns how many
  // messages were taken in.
  bool begin();
  std::size_t look(SteadyTime now = steady_now());

 private:
  struct State {
    bool stop = false;
  };
  struct File {
    cli::Dropped message;
    uid_t owner = 0;
    ino_t inode = 0;
  };
  struct Fault {
    bool passing = false;  // of this host, at this moment; else of the file
    std::string what;
  };
  bool take_in(const std::string& name, SteadyTime now);
  Expected<File, Fault> read(const std::string& name) const;
  // Whether a file in "rest" has these recipients now.
  bool keep_rest(const std::string& name, const File& file, const std::vector<std::string>& rcpts);
  void remove(const std::string& name, ino_t inode);
  // Whether it was taken in, and is there only because it could not be removed.
  bool is_over(const std::string& name);
  void set_aside(const std::string& name, const std::string& why);
  void waits(const std::string& name, const std::string& why, std::vector<std::string> rcpts,
             SteadyTime now);

  const Options options_;
  const Submit submit_;
  Log& log_;
  UniqueFd folder_;
  // Files that wait: tried no sooner, and for these RCPT commands alone; none: for all.
  struct Again {
    SteadyTime at{};
    std::vector<std::string> rcpts;
  };
  std::map<std::string, Again> again_;
  std::map<std::string, ino_t> over_;  // taken in, and not removed
  Guarded<State> state_;
  std::thread thread_;
};

}  // namespace sekisho::app
