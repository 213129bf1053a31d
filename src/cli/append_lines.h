// cli/append_lines.h: lines at the end of a text file that others read at any moment: they see the
// old file or the new one. Owner and mode stay, a symbolic link stays one, what a crash leaves is
// whole. A file that is not there is made.
// Errors: an exit code and a sentence for the admin; nothing has changed then. Thread: any.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/complain.h"

namespace sekisho::cli {

// `lines_for`: what to append to this text, or why not; called under a lock that others of this
// command wait for.
using LinesFor = std::function<OrComplaint<std::vector<std::string>>(const std::string& text)>;

OrComplaint<void> append_lines(const std::string& path, const LinesFor& lines_for);

}  // namespace sekisho::cli
