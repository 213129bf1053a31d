#include "cli/append_lines.h"

#include "cli/rewrite_file.h"

namespace sekisho::cli {

OrComplaint<void> append_lines(const std::string& path, const LinesFor& lines_for) {
  return rewrite_file(path, [&](const std::string& before) -> OrComplaint<std::string> {
    const auto lines = lines_for(before);
    if (!lines) return tl::unexpected(lines.error());
    std::string text = before;
    if (!text.empty() && text.back() != '\n') text += '\n';
    for (const auto& line : *lines) text += line + "\n";
    return text;
  });
}

}  // namespace sekisho::cli
