// tests/support/temporary_folder.h: a folder of the test's own, gone with it. Short, for a Unix
// socket's path may have 107 octets. Thread: one owner.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace sekisho::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/sekisho-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace sekisho::test
