// Any octets as a message for a person to look at: parts lie within it, there are not more than
// allowed, and what is shown of them steers no terminal.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/held_text.h"
#include "mail/html_text.h"
#include "mail/mime.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sekisho;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  const auto read = mail::read_mime(message);
  require(!read.parts.empty() && read.parts.size() <= mail::mime_parts);
  for (const auto& part : read.parts) {
    require(part.depth < mail::mime_depth);
    if (part.body.empty()) continue;
    require(part.body.data() >= message.data() &&
            part.body.data() + part.body.size() <= message.data() + message.size());
    require(part.content().size() <= part.body.size());
    (void)mail::html_text(part.text());
  }
  for (const char c : cli::message_text(message, Charset::utf8)) {
    require(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t');
  }
  (void)cli::defanged({}, message);
  return 0;
}
