// Any octets as an Authentication-Results field. What is read can be written and reads the same; a
// field that reads as ours is always found; and a value can hold the octets without breaking out.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "authres/authentication_results.h"

namespace {

using namespace sekisho;

constexpr std::string_view own_id = "mx.shop.test";

void require(bool holds) {
  if (!holds) std::abort();
}

void check_lines(std::string_view value) {
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c == '\r') {
      require(value.substr(at, 3) == "\r\n\t");
      at += 2;
    } else {
      require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    }
  }
}

void check_reading(std::string_view text, authres::Syntax syntax) {
  const auto field = authres::parse(text, syntax);
  if (!field) return;
  const bool ours = field->authserv_id == own_id;
  if (ours) require(authres::could_be_from(text, own_id));
  const std::string written = authres::write(*field);
  check_lines(written);
  const auto again = authres::parse(written, authres::Syntax::lenient);
  require(again.has_value());
  require(again->results.size() == field->results.size());
}

void check_writing(std::string_view text) {
  authres::MethodResult result;
  result.method = "spf";
  result.result = "fail";
  result.comment = text;
  result.reason = text;
  result.properties = {{"smtp", "mailfrom", std::string(text)}};
  authres::AuthenticationResults field;
  field.authserv_id = own_id;
  field.id_comment = text;
  field.results = {result, result};
  const std::string written = authres::write(field);
  check_lines(written);
  const auto again = authres::parse(written, authres::Syntax::strict);
  require(again.has_value() && again->authserv_id == own_id && again->results.size() == 2);
  require(authres::could_be_from(written, own_id));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_reading(text, authres::Syntax::strict);
  check_reading(text, authres::Syntax::lenient);
  check_writing(text);
  authres::could_be_from(text, own_id);
  authres::could_be_from(own_id, text);
  return 0;
}
