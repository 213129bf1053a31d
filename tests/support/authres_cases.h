// tests/support/authres_cases.h: Authentication-Results fields written as JSON, of the public suite
// and of our own.
//   parse: {"id", "header", "mode": "strict" | "lenient",
//           "expect": {"error": true} | {"authserv_id", "version", "results"}}
//   strip: {"id", "header", "authserv_id", "remove"}
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "authres/authentication_results.h"
#include "mail/header.h"
#include "support/fake_dns.h"

namespace sekisho::test {

// "Name: value CRLF", as a message has it.
inline mail::HeaderField field_of(const nlohmann::json& given) {
  std::string text = given.at("header");
  if (text.ends_with("\r\n")) text.resize(text.size() - 2);
  const std::size_t colon = text.find(':');
  return {text.substr(0, colon), text.substr(colon + 1)};
}

inline nlohmann::json described(const authres::MethodResult& result) {
  nlohmann::json properties = nlohmann::json::object();
  for (const auto& each : result.properties) properties[each.type + "." + each.name] = each.value;
  return {{"method", result.method},
          {"method_version", result.version},
          {"result", result.result},
          {"reason", result.reason},
          {"properties", properties}};
}

// Whether every key that the case has is as it says.
inline bool has_all(const nlohmann::json& got, const nlohmann::json& expected) {
  for (const auto& [key, value] : expected.items()) {
    if (!got.contains(key) || got[key] != value) return false;
  }
  return true;
}

inline void expect_field(const authres::AuthenticationResults& got, const nlohmann::json& expect) {
  EXPECT_EQ(got.authserv_id, expect.at("authserv_id").get<std::string>());
  EXPECT_EQ(got.version, expect.value("version", 1U));
  const auto& results = expect.at("results");
  ASSERT_EQ(got.results.size(), results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto have = described(got.results[i]);
    EXPECT_TRUE(has_all(have, results[i])) << "got " << have << "\nexpected " << results[i];
  }
}

inline void run_parse_case(const nlohmann::json& given) {
  const auto syntax =
      given.at("mode") == "strict" ? authres::Syntax::strict : authres::Syntax::lenient;
  const auto field = authres::parse(field_of(given).value, syntax);
  const auto& expect = given.at("expect");
  EXPECT_EQ(field.has_value(), !expect.contains("error"))
      << (field ? std::string("it was read") : field.error().what);
  if (field && !expect.contains("error")) expect_field(*field, expect);
}

inline bool is_removed(const nlohmann::json& given) {
  const mail::HeaderField field = field_of(given);
  return field.is("Authentication-Results") &&
         authres::could_be_from(field.value, given.at("authserv_id").get<std::string>());
}

}  // namespace sekisho::test
