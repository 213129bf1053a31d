// Any text as a configuration: findings or settings, and settings survive being written and read
// again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/dump.h"
#include "config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // The text alone is under test: no file is opened.
  if (text.find("include") != text.npos || text.find("file:") != text.npos) return 0;
  const auto loaded = sekisho::config::load_text(text, "/nonexistent/fuzz.conf");
  if (!loaded) {
    if (loaded.error().empty()) std::abort();
    return 0;
  }
  const auto again =
      sekisho::config::load_text(sekisho::config::dump(loaded->settings), "/nonexistent/dump");
  if (!again || again->digest != loaded->digest) std::abort();
  return 0;
}
