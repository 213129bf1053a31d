// policy/access_file.h: the text of an allowlist or denylist: one entry a line, `#` comments. A bad
// line is a finding, and the rest stays in force. Pure: reads no file.
// Errors: findings; never throws. Thread: immutable values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/access_entry.h"

namespace sekisho::policy {

struct AccessFinding {
  bool bad_line = false;  // the line is not a valid entry; otherwise a remark about one
  std::string file;
  std::size_t line = 0;
  std::string message;

  std::string text() const;  // "/etc/sekisho/allowlist:7: …"
  bool operator==(const AccessFinding&) const = default;
};

// The content of one file.
struct AccessFile {
  std::string path;
  bool present = false;  // false: there is no such file, and none is needed
  std::vector<AccessEntry> entries;
  std::vector<AccessFinding> findings;  // of the first 100 lines that have one
  std::size_t bad_lines = 0;
  std::uint64_t digest = 0;  // of the text: to detect changes, not a protection
};

AccessFile parse_access_file(std::string_view text, const std::string& path, AccessKind list);

// Why an entry of the allowlist can never have an effect, because its own proof implies what it
// permits. Empty: it can have one.
std::string never_does_anything(const AccessEntry& entry);
// Whom an entry lets through under any author's name although DMARC fails, because it names only
// the sending side. Empty if it names the author or does not affect DMARC.
std::string lets_others_in(IdentityKind kind, std::string_view identity,
                           const AccessEffect& effect);

// The digest that parse_access_file() gives that text.
std::uint64_t digest_of(std::string_view text);

}  // namespace sekisho::policy
