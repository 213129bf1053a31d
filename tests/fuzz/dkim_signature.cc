// A DKIM-Signature value: what is parsed from it keeps its promises, and what may be repeated is
// clean.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/ascii.h"
#include "dkim/signature.h"
#include "dkim/verify.h"

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

void require_clean(const std::string& claim) {
  for (const char c : claim) require(!sekisho::ascii::is_control(c) && c != ';' && c != '(');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sekisho;
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  const auto [before, after] = dkim::around_signature(value);
  require(before.size() + after.size() <= value.size());
  const auto question = dkim::Verification(dkim::Options{}).key_question(value);

  const auto tags = mail::TagList::parse(value);
  if (!tags) return 0;
  const auto claims = dkim::read_claims(*tags);
  for (const auto& claim : {claims.domain, claims.selector, claims.algorithm, claims.identity,
                            claims.signature_start}) {
    require_clean(claim);
  }
  const auto signature = dkim::parse_signature(*tags);
  require(signature.has_value() == question.has_value());
  if (!signature) return 0;
  require(signature->identity_domain.is_or_is_below(signature->domain));
  require(signature->body_hash.size() == 32 && !signature->signature.empty());
  require(claims.domain == signature->domain.text() && !claims.identity.empty());
  return 0;
}
