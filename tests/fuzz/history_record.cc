// The CBOR inside a record of the history: whatever it is, it is read or refused; what was read is written and
// read again as the same, and can be decided again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <zlib.h>

#include "history/record.h"
#include "session/replay.h"

namespace {

using namespace sekisho;

std::string packed(std::string_view raw) {
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::string out(4 + size, '\0');
  for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<char>(raw.size() >> (24 - 8 * i));
  compress2(reinterpret_cast<Bytef*>(out.data() + 4), &size,
            reinterpret_cast<const Bytef*>(raw.data()), static_cast<uLong>(raw.size()), 0);
  out.resize(4 + size);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  history::decode(raw);
  const auto decided = history::decode(packed(raw));
  if (!decided) return 0;
  const auto again = history::decode(history::Encoder().encode(*decided));
  if (!again || !(again->outcome == decided->outcome)) std::abort();
  session::replay(*decided, {});
  return 0;
}
