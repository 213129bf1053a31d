// cli/drop_file.h: a message that sendmail(1) leaves in the drop folder when sekishod does not take
// it. The folder has mode 1733: anybody may leave files there, and nobody else can list, read or
// remove them by guessing a name. The file belongs to who sent the message, and says nothing about
// it that sekishod would believe.
//   sekisho-drop 1
//   MAIL FROM:<root> BODY=8BITMIME
//   RCPT TO:<root>
//
//   From: root
// Errors: a sentence. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sekisho::cli {

// The first characters of a name while the file is written; sekishod leaves it alone.
inline constexpr std::string_view drop_unfinished = ".new-";

struct Dropped {
  std::string mail;                // "MAIL FROM:<root> BODY=8BITMIME"
  std::vector<std::string> rcpts;  // "RCPT TO:<bob>"
  std::string content;             // lines end with CRLF

  std::string text() const;
  static Expected<Dropped, std::string> parse(std::string_view text);
  bool operator==(const Dropped&) const = default;
};

// The file is on the disk when this returns.
Expected<void, std::string> drop(const std::string& folder, const Dropped& message);

}  // namespace sekisho::cli
