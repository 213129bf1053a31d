// Any octets as the text of a field: what is decoded is bounded, free of control characters, and
// text without encoded words stays as it was.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/terminal_text.h"
#include "mail/encoded_word.h"

namespace {

using namespace sekisho;

void require(bool holds) {
  if (!holds) std::abort();
}

std::size_t controls(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? 1 : 0;
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string decoded = mail::decode_encoded_words(text);
  require(decoded.size() <= text.size() * 4);
  require(controls(decoded) <= controls(text));
  if (text.find("=?") == std::string_view::npos) require(decoded == text);
  for (const std::size_t columns : {0U, 1U, 7U, 80U}) {
    const std::string shown = printable(decoded, columns);
    require(columns_of(shown) <= columns && controls(shown) == 0);
    require(columns_of(cell(decoded, columns)) == columns);
  }
  return 0;
}
