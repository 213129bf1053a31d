#include "support/spf_cases.h"

#include <algorithm>
#include <array>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "base/ascii.h"

namespace sekisho::test {

namespace {

using nlohmann::json;

constexpr std::array<dns::Type, 5> record_types = {dns::Type::a, dns::Type::aaaa, dns::Type::mx,
                                                   dns::Type::ptr, dns::Type::txt};

// The files hold octets as the code points up to U+00FF.
std::string octets(const std::string& utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    if (lead < 0x80) {
      out.push_back(utf8[i]);
    } else {
      const auto next = static_cast<unsigned char>(utf8.at(++i));
      out.push_back(static_cast<char>(((lead & 0x03) << 6) | (next & 0x3f)));
    }
  }
  return out;
}

// The character-strings of a TXT record, joined.
std::string joined(const json& value) {
  if (value.is_string()) return octets(value.get<std::string>());
  std::string out;
  for (const auto& piece : value) out += octets(piece.get<std::string>());
  return out;
}

void add_record(FakeDns& zone, const std::string& name, const std::string& type,
                const json& value) {
  if (type == "A" || type == "AAAA") {
    zone.a(name, value.get<std::string>());
  } else if (type == "MX") {
    zone.mx(name, value.at(0).get<unsigned>(), value.at(1).get<std::string>());
  } else if (type == "PTR") {
    zone.ptr(name, value.get<std::string>());
  } else if (type == "CNAME") {
    zone.cname(name, value.get<std::string>());
  } else if (type == "TXT") {
    if (value != "NONE") zone.txt(name, joined(value));
  } else {
    throw std::runtime_error("a record type that zones do not have: " + type);
  }
}

// A record of type SPF stands for a TXT record, unless the name has TXT records too.
void add_name(FakeDns& zone, const std::string& name, const json& entries) {
  zone.exists(name);
  bool times_out = false;
  bool has_txt = false;
  std::set<std::string> present;
  for (const auto& entry : entries) {
    if (!entry.is_object()) times_out = true;
    if (entry.is_object() && entry.contains("TXT")) has_txt = true;
  }
  for (const auto& entry : entries) {
    if (!entry.is_object()) continue;
    for (const auto& [written, value] : entry.items()) {
      if (written == "SPF" && has_txt) continue;
      const std::string type = written == "SPF" ? "TXT" : written;
      add_record(zone, name, type, value);
      if (value != "NONE") present.insert(type);
    }
  }
  if (!times_out) return;
  for (const dns::Type type : record_types) {
    if (!present.contains(std::string(dns::to_string(type)))) zone.error(name, type);
  }
}

std::string test_name(std::string id) {
  std::replace_if(
      id.begin(), id.end(), [](char c) { return !ascii::is_alnum(c); }, '_');
  return id;
}

spf::Query query_of(const json& test) {
  const auto client = mail::IpAddress::parse(test.at("host").get<std::string>()).value();
  const std::string helo = octets(test.at("helo").get<std::string>());
  const std::string receiver = test.value("receiver", "");
  const WallTime now{std::chrono::seconds(1'700'000'000)};
  if (test.value("scope", "mfrom") == "helo") return spf::helo_query(client, helo, receiver, now);
  return spf::mail_from_query(client, helo, octets(test.at("mailfrom").get<std::string>()),
                              receiver, now);
}

std::set<std::string> results_of(const json& test) {
  const json& result = test.at("result");
  if (result.is_string()) return {result.get<std::string>()};
  return result.get<std::set<std::string>>();
}

}  // namespace

std::vector<SpfCase> load_spf_cases(const std::string& path, bool number_scenarios) {
  const json file = read_json(path);
  std::vector<SpfCase> cases;
  int number = 0;
  for (const auto& scenario : file.at("scenarios")) {
    ++number;
    FakeDns zone;
    for (const auto& [name, entries] : scenario.at("zonedata").items()) {
      add_name(zone, octets(name), entries);
    }
    for (const auto& test : scenario.at("tests")) {
      std::string id = test_name(test.at("id").get<std::string>());
      if (number_scenarios) id = std::to_string(number) + "_" + id;
      SpfCase spf_case{std::move(id),    zone, query_of(test),
                       results_of(test), {},   test.value("reason", "")};
      if (test.contains("explanation")) {
        const auto text = test.at("explanation").get<std::string>();
        spf_case.explanation = text == "DEFAULT" ? std::string() : text;
      }
      cases.push_back(std::move(spf_case));
    }
  }
  return cases;
}

spf::Result evaluate_spf(const SpfCase& spf_case, FakeDns& dns, bool answer_hints, int* rounds) {
  return run_to_end(
      [&](const dns::Answers& answers) {
        return spf::check_host(spf_case.query, answers, spf::Options{});
      },
      dns, answer_hints, rounds);
}

void expect_spf(const SpfCase& spf_case) {
  FakeDns hinted_dns = spf_case.zone;
  FakeDns plain_dns = spf_case.zone;
  const spf::Result result = evaluate_spf(spf_case, hinted_dns, true);
  const spf::Result plain = evaluate_spf(spf_case, plain_dns, false);
  EXPECT_TRUE(spf_case.want.contains(std::string(to_string(result.code))))
      << to_string(result.code) << ": " << result.reason;
  EXPECT_THAT(result.reason, testing::HasSubstr(spf_case.reason));
  EXPECT_FALSE(result.reason.empty());
  EXPECT_EQ(result.explanation, spf_case.explanation.value_or(result.explanation));
  EXPECT_TRUE(result.explanation.empty() || result.code == spf::Code::fail);

  // Whether hints are answered changes how long it takes, and nothing else.
  EXPECT_EQ(plain.code, result.code);
  EXPECT_EQ(plain.domain, result.domain);
  EXPECT_EQ(plain.reason, result.reason);
  EXPECT_EQ(plain.explanation, result.explanation);
}

void PrintTo(const SpfCase& spf_case, std::ostream* out) { *out << spf_case.id; }

std::string spf_case_name(const testing::TestParamInfo<SpfCase>& info) { return info.param.id; }

}  // namespace sekisho::test
