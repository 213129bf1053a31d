// cli/append_lines.h: appends lines to a text file that others read at any moment: they see the old
// file or the new one. Owner and mode stay, a symbolic link stays one, and a crash leaves a
// complete file. A missing file is created.
// Errors: an exit code and a sentence for the admin; then nothing has changed. Thread: any.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/complain.h"

namespace sekisho::cli {

// `lines_for`: what to append to this text, or why not; called under a lock for which other
// processes of this command wait.
using LinesFor = std::function<OrComplaint<std::vector<std::string>>(const std::string& text)>;

OrComplaint<void> append_lines(const std::string& path, const LinesFor& lines_for);

}  // namespace sekisho::cli
