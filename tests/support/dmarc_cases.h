// tests/support/dmarc_cases.h: DMARC evaluations written as JSON, of the public suites and of our
// own.
//   {"id", "from_domain", "spf": {"result", "domain"}, "dkim": [{"result", "domain"}], "dns":
//   {NAME: …}, "expect": {…},
//    "accept": [{…}], "queries": ["_dmarc.…"]}
// dns[NAME] is {TYPE: [records]}, a TXT record, a list of TXT records, or "SERVFAIL" / "TIMEOUT"; a
// TXT record may be a list of its character-strings. Own cases may shorten spf and dkim to "pass
// example.com". Only the keys of `expect` count.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dmarc/evaluate.h"
#include "support/fake_dns.h"

namespace sekisho::test {

inline std::string joined(const nlohmann::json& record) {
  if (record.is_string()) return record.get<std::string>();
  std::string text;
  for (const auto& part : record) text += part.get<std::string>();
  return text;
}

inline void add_records(FakeDns& dns, const std::string& name, const nlohmann::json& records) {
  if (records == "SERVFAIL" || records == "TIMEOUT") {
    dns.error(name, records == "TIMEOUT" ? "timeout" : "servfail");
    return;
  }
  if (records.is_string()) {
    dns.txt(name, records.get<std::string>());
    return;
  }
  if (records.is_array()) {
    for (const auto& record : records) dns.txt(name, joined(record));
    return;
  }
  dns.exists(name);
  for (const auto& [type, values] : records.items()) {
    if (values == "SERVFAIL") {
      dns.error(name, dns::parse_type(type).value(), "servfail");
      continue;
    }
    for (const auto& value : values) {
      if (type == "TXT") dns.txt(name, joined(value));
      if (type == "A" || type == "AAAA") dns.a(name, value.get<std::string>());
      if (type == "MX") dns.mx(name, 10, value.get<std::string>().substr(3));
    }
  }
}

inline FakeDns dns_of(const nlohmann::json& zone) {
  FakeDns dns;
  for (const auto& [name, records] : zone.items()) add_records(dns, name, records);
  return dns;
}

inline std::optional<dmarc::Identifier> identifier_of(const nlohmann::json& given) {
  std::string result;
  std::string domain;
  if (given.is_string()) {
    const auto text = given.get<std::string>();
    result = text.substr(0, text.find(' '));
    domain = text.substr(text.find(' ') + 1);
  } else {
    result = given.at("result");
    domain = given.at("domain");
  }
  auto name = mail::DomainName::parse(domain);
  if (!name) return std::nullopt;
  const auto state = result == "pass"        ? dmarc::Identifier::State::pass
                     : result == "temperror" ? dmarc::Identifier::State::temperror
                                             : dmarc::Identifier::State::other;
  return dmarc::Identifier{*name, state};
}

inline dmarc::Inputs inputs_of(const nlohmann::json& given) {
  dmarc::Inputs inputs{mail::DomainName::parse(given.at("from_domain").get<std::string>()).value(),
                       std::nullopt,
                       {}};
  if (given.contains("spf")) inputs.spf = identifier_of(given["spf"]);
  for (const auto& each : given.value("dkim", nlohmann::json::array())) {
    if (auto identifier = identifier_of(each)) inputs.dkim.push_back(*identifier);
  }
  return inputs;
}

// The result in the words of `expect`.
inline nlohmann::json described(const dmarc::Result& result) {
  nlohmann::json out{{"result", to_string(result.code)},
                     {"policy_domain", result.policy_domain},
                     {"org_domain", result.org_domain},
                     {"tag", result.tag},
                     {"policy", to_string(result.policy)},
                     {"disposition", to_string(result.requested)},
                     {"spf_aligned", result.aligned_spf},
                     {"dkim_aligned", result.aligned_dkim},
                     {"author_exists", result.author_exists},
                     {"reason", result.reason},
                     {"testing", result.published && result.published->testing},
                     {"published", result.published.has_value()}};
  return out;
}

inline bool matches(const nlohmann::json& got, const nlohmann::json& expected) {
  for (const auto& [key, value] : expected.items()) {
    if (!got.contains(key) || got[key] != value) return false;
  }
  return true;
}

// Whether the result is what the case expects, or one of what it accepts.
inline bool agrees(const nlohmann::json& got, const nlohmann::json& given) {
  if (matches(got, given.at("expect"))) return true;
  for (const auto& also : given.value("accept", nlohmann::json::array())) {
    if (matches(got, also)) return true;
  }
  return false;
}

}  // namespace sekisho::test
