// smtp/line_file.h: a small file of lines that lets counts outlive the daemon. A thread of its own
// appends them, and now and then rewrites the file (by rename). Without fsync: a power failure may
// take away the lines of the last seconds. A file that cannot be written is one warning.
// Errors: the log. Thread: any, internally locked.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "base/guarded.h"
#include "base/log.h"

namespace sekisho::smtp {

class LineFile {
 public:
  // Lines after which the file is rewritten: 2 MB.
  static constexpr std::size_t most_lines = 50'000;

  struct Options {
    std::string path;                  // empty: no file
    std::string lost;                  // "the recipients of logins": what a restart would forget
    std::function<std::string()> all;  // every line as it is now; called on the file's thread
  };
  LineFile(Options options, Log& log);
  // Writes what is queued.
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // What is there, line by line; the last one may be cut off.
  void read(const std::function<void(const std::string& line)>& take) const;
  // `line`: with its end. One with another control octet is left out.
  void append(std::string_view line);

 private:
  struct State {
    std::string queued;  // what is not in the file yet
    std::size_t lines = 0;
    bool rewrite = true;
    bool stop = false;
  };
  void run();
  void write(const std::string& text, bool anew);

  const Options options_;
  Log& log_;
  Guarded<State> state_;
  bool warned_ = false;  // of the thread
  std::thread thread_;
};

}  // namespace sekisho::smtp
