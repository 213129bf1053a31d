// cli/append_lines.h: appends lines to a text file, as cli/rewrite_file.h changes one.
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
