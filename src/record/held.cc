#include "record/held.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "record/codec.h"
#include "record/json.h"

namespace sekisho::record {

namespace {

using nlohmann::json;

// Versions before 0.2 stored the JSON object itself.
bool is_json(std::string_view text) { return text.starts_with('{'); }

Expected<json, std::string> parse(std::string_view text) {
  auto object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return tl::unexpected<std::string>("it is damaged");
  return object;
}

}  // namespace

std::string write_held(const session::Outcome& outcome) {
  session::Decided decided;
  decided.outcome = outcome;
  return base64_encode(Encoder().encode(decided));
}

Expected<HeldDecision, std::string> read_held(std::string_view text) {
  if (is_json(text)) {
    const auto object = parse(text);
    if (!object) return tl::unexpected(object.error());
    auto outcome = from_json(*object);
    if (!outcome) return tl::unexpected(outcome.error());
    return HeldDecision{std::move(*outcome), false};
  }
  const auto octets = base64_decode(text);
  if (!octets) return tl::unexpected<std::string>("it is damaged");
  auto decided = decode(*octets);
  if (!decided) return tl::unexpected(decided.error().what);
  return HeldDecision{std::move(decided->outcome), true};
}

Expected<json, std::string> held_json(std::string_view text) {
  if (is_json(text)) return parse(text);
  const auto held = read_held(text);
  if (!held) return tl::unexpected(held.error());
  return to_json(held->outcome);
}

}  // namespace sekisho::record
