// base/read_file.h: the whole of a file that somebody else wrote, unless it is larger than a limit.
// Errors: what kind of failure it is, and words for a person that do not name the file.
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

// A regular file and nothing else: a pipe or device could make the caller wait for ever. `limit` in
// octets; a file of exactly this size is read.
Expected<std::string, FileError> read_file(const std::string& path, std::size_t limit);

// From an open descriptor to its end, whatever it is; waits for it.
Expected<std::string, FileError> read_to_end(int fd, std::size_t limit);

}  // namespace sekisho
