// Canonicalisation: the same body in other pieces has the same canonical form, a canonical body is
// its own canonical form, and the first octet says how long the pieces are.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dkim/canonical.h"

namespace {

using namespace sekisho::dkim;

void require(bool promise) {
  if (!promise) std::abort();
}

struct Collected final : BodySink {
  std::string octets;
  void canonical(std::string_view piece) override { octets += piece; }
};

std::string canonical_body(Canonicalisation form, std::string_view body, std::size_t piece) {
  Collected sink;
  BodyCanonicaliser canonicaliser(form, sink);
  for (; body.size() > piece; body.remove_prefix(piece)) canonicaliser.text(body.substr(0, piece));
  canonicaliser.text(body);
  canonicaliser.end();
  return sink.octets;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const auto form : {Canonicalisation::simple, Canonicalisation::relaxed}) {
    const std::string whole = canonical_body(form, text, text.size() + 1);
    require(canonical_body(form, text, piece) == whole);
    require(canonical_body(form, whole, piece) == whole);
    require(whole.size() <= text.size() + 2);
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) continue;
    std::string field;
    append_canonical_field(form, text.substr(0, colon), text.substr(colon + 1), field);
    require(field.size() <= text.size() + 2 && field.ends_with("\r\n"));
  }
  return 0;
}
