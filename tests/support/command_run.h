// tests/support/command_run.h: runs `sekisho` inside the test, with files for its standard input,
// output and errors.
// Thread: one owner; the descriptors 0 to 2 are the process's.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "base/unique_handle.h"
#include "cli/commands.h"
#include "support/fake_dns.h"
#include "support/temporary_folder.h"

namespace sekisho::test {

// What a command printed, and how it ended.
struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

// One of the standard descriptors is a file meanwhile.
class Redirected {
 public:
  Redirected(int fd, const std::string& path, int flags) : fd_(fd), saved_(::dup(fd)) {
    std::fflush(nullptr);
    const UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
    ::dup2(file.get(), fd);
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;
  ~Redirected() {
    std::fflush(nullptr);
    ::dup2(saved_.get(), fd_);
  }

 private:
  int fd_;
  UniqueFd saved_;
};

// `folder`: where the three files may be.
inline Ended run_command(const TemporaryFolder& folder, std::vector<std::string> words,
                         const std::string& input = "") {
  words.insert(words.begin(), "sekisho");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  std::ofstream(folder.file("in"), std::ios::binary) << input;
  Ended ended;
  {
    const Redirected in(0, folder.file("in"), O_RDONLY);
    const Redirected out(1, folder.file("out"), O_WRONLY | O_CREAT | O_TRUNC);
    const Redirected err(2, folder.file("err"), O_WRONLY | O_CREAT | O_TRUNC);
    ended.code = cli::run(static_cast<int>(argv.size()), argv.data());
  }
  ended.out = read_file(folder.file("out"));
  ended.err = read_file(folder.file("err"));
  return ended;
}

}  // namespace sekisho::test
