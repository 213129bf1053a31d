// Any octets as the argument of MAIL FROM, and as a mailbox. What is accepted prints to what reads
// as the same; its domain is what stands behind the last `@`, whoever reads it; and neither
// brackets nor a source route change who it is.
#include <algorithm>
#include <string>

#include "fuzz/require.h"
#include "mail/limits.h"
#include "mail/mailbox.h"

namespace {

using namespace sekisho;
using fuzz::require;
using mail::Mailbox;
using mail::ReversePath;

void check_mailbox(const Mailbox& mailbox) {
  require(!mailbox.local_part.empty());
  require(mailbox.local_part.size() <= mail::limits::local_part_octets);
  const std::string text = mailbox.text();
  const auto again = Mailbox::parse(text);
  require(again && *again == mailbox && again->text() == text);
  // It can stand in an SMTP command or a header field without an end to the line.
  require(std::none_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
  require(text.substr(text.rfind('@') + 1) == mailbox.domain.text());
  // Outside quotes there is one `@`, and nothing that could end or begin an address.
  if (!text.starts_with('"')) {
    require(text.find('@') == text.rfind('@'));
    require(text.find_first_of(" <>,;:()[]\\\"") == std::string::npos);
  }
}

bool reads_as(const std::string& text, const ReversePath& path) {
  const auto again = ReversePath::parse(text);
  return again && *again == path;
}

void check_path(std::string_view given, const ReversePath& path) {
  require(path.is_null() == (given.empty() || given == "<>"));
  const std::string text = path.text();
  require(path.is_null() == text.empty());
  require(reads_as(text, path) && reads_as("<" + text + ">", path));
  if (path.is_null()) return;
  check_mailbox(*path.mailbox());
  require(reads_as("<@a.example,@b.example:" + text + ">", path));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto path = ReversePath::parse(text);
  const auto mailbox = Mailbox::parse(text);
  if (path) {
    check_path(text, *path);
  } else {
    require(!path.error().what.empty());
  }
  if (mailbox) {
    check_mailbox(*mailbox);
    // What is a mailbox is a path to it.
    require(path && !path->is_null() && *path->mailbox() == *mailbox);
  } else {
    require(!mailbox.error().what.empty() && mailbox.error().at <= text.size());
  }
  return 0;
}
