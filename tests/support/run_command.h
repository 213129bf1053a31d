// tests/support/run_command.h: the command line in this process: what it printed, and how it ended.
// Thread: one owner; nothing else may write to the standard streams meanwhile.
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

struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

// A standard stream that is a file meanwhile.
class Redirected {
 public:
  Redirected(int fd, const std::string& path, int flags) : fd_(fd), saved_(::dup(fd)) {
    std::fflush(nullptr);
    const UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
    ::dup2(file.get(), fd);
  }
  ~Redirected() {
    std::fflush(nullptr);
    ::dup2(saved_.get(), fd_);
  }

 private:
  int fd_;
  UniqueFd saved_;
};

// `sekisho` with these words.
inline Ended run_command(std::vector<std::string> words, const std::string& input = "") {
  const TemporaryFolder folder;
  words.insert(words.begin(), "sekisho");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  std::ofstream(folder.file("in"), std::ios::binary) << input;
  Ended result;
  {
    const Redirected in(0, folder.file("in"), O_RDONLY);
    const Redirected out(1, folder.file("out"), O_WRONLY | O_CREAT | O_TRUNC);
    const Redirected err(2, folder.file("err"), O_WRONLY | O_CREAT | O_TRUNC);
    result.code = cli::run(static_cast<int>(argv.size()), argv.data());
  }
  result.out = read_file(folder.file("out"));
  result.err = read_file(folder.file("err"));
  return result;
}

}  // namespace sekisho::test
