// The CBOR inside a record of the history: whatever it is, it is read or refused; what was read is
// written and read again as the same, and can be decided again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <zstd.h>

#include "record/codec.h"
#include "replay/replay.h"

namespace {

using namespace sekisho;

std::string packed(std::string_view raw) {
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 1));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  record::decode(raw);
  const auto decided = record::decode(packed(raw));
  if (!decided) return 0;
  const auto again = record::decode(record::Encoder().encode(*decided));
  if (!again || !(again->outcome == decided->outcome)) std::abort();
  replay::replay(*decided, {});
  return 0;
}
