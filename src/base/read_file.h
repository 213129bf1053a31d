// base/read_file.h: reads a whole file, unless it is larger than a limit.
// Errors: the kind of failure, and a text for a person without the file name.
// Thread: any; waits for the disk.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace sekisho {

struct FileError {
  enum class Code {
    absent,       // no such file, or no such folder
    not_regular,  // a folder, pipe or device
    too_large,
    failed,  // the system call; often a permission
  };
  Code code = Code::failed;
  std::string what;  // "Permission denied", "larger than 32 MB"
};

// Only a regular file: a pipe or device could make the caller wait for ever. `limit` in octets; a
// file of exactly this size is read.
Expected<std::string, FileError> read_file(const std::string& path, std::size_t limit);

// Reads an open descriptor of any kind to its end; waits for it.
Expected<std::string, FileError> read_to_end(int fd, std::size_t limit);

}  // namespace sekisho
