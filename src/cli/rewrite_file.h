// cli/rewrite_file.h: changes a text file that others read at any moment: they see the old file or
// the new one. Owner and mode stay, a symbolic link stays one, and a crash leaves a complete file.
// A missing file is created.
// Errors: an exit code and a sentence for the admin; then nothing has changed. Thread: any.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "cli/complain.h"

namespace sekisho::cli {

// `text_for`: what this text becomes, or why nothing does; called under a lock for which other
// processes of this command wait.
using TextFor = std::function<OrComplaint<std::string>(const std::string& text)>;

// Of a file that did not exist.
struct NewFile {
  mode_t mode = 0644;  // it has no secrets, and the daemon's user must be able to read it
  std::optional<gid_t> group = {};
};

OrComplaint<void> rewrite_file(const std::string& path, const TextFor& text_for,
                               const NewFile& fresh = {});

}  // namespace sekisho::cli
