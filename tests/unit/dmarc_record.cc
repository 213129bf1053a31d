#include <nlohmann/json.hpp>

#include "dmarc/record.h"

#include "support/fake_dns.h"

namespace sekisho::test {
namespace {

std::string word(const std::optional<dmarc::Policy>& policy) {
  return policy ? std::string(to_string(*policy)) : std::string();
}

nlohmann::json described(const dmarc::Record& record) {
  const dmarc::Published& published = record.published;
  return {{"usable", record.usable},
          {"p", to_string(published.p)},
          {"sp", word(published.sp)},
          {"np", word(published.np)},
          {"adkim", published.adkim_strict},
          {"aspf", published.aspf_strict},
          {"psd", to_string(published.psd)},
          {"testing", published.testing},
          {"fo", published.fo},
          {"rua", published.rua},
          {"ruf", published.ruf}};
}

TEST(DmarcRecord, Cases) {
  const auto table = read_json(data_path("dmarc/records.json"));
  for (const auto& given : table.at("cases")) {
    SCOPED_TRACE(given.at("id").get<std::string>());
    const auto record = dmarc::parse_record(given.at("record").get<std::string>());
    ASSERT_EQ(record.has_value(), given.at("dmarc").get<bool>());
    if (!record) continue;
    const auto got = described(*record);
    for (const auto& [key, value] : given.items()) {
      if (got.contains(key)) {
        EXPECT_EQ(got[key], value) << key;
      }
    }
    // What is not usable enforces nothing, and a defect never leaves a policy standing.
    if (!record->defect.empty()) {
      EXPECT_EQ(record->published.p, dmarc::Policy::none);
    }
  }
}

// Attacks and broken senders, by name.

TEST(DmarcHostile, RecordWithMissingSemicolons) {
  const auto joined = dmarc::parse_record("v=DMARC1; p=reject; rf=afrfruf=mailto:f@shop.test");
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->published.p, dmarc::Policy::reject);
  EXPECT_TRUE(joined->published.ruf.empty());

  const auto two =
      dmarc::parse_record("v=DMARC1; p=none; rua=mailto:a@shop.test rua=mailto:b@shop.test");
  ASSERT_TRUE(two);
  EXPECT_TRUE(two->usable);
  EXPECT_TRUE(two->published.rua.empty()) << "a blank is no part of a URI";
}

TEST(DmarcHostile, RecordOfSixtyKilobytes) {
  const std::string start = "v=DMARC1; p=reject; ";
  const std::string fillers[] = {
      start + "x=" + std::string(64 * 1024, 'a'),
      start + std::string(64 * 1024, ';'),
      start + std::string(64 * 1024, '='),
      "v=DMARC1" + std::string(64 * 1024, ' ') + "; p=reject",
      start + std::string(64 * 1024, '\0'),
      start + std::string(64 * 1024, '\xff'),
  };
  for (const std::string& text : fillers) {
    const auto record = dmarc::parse_record(text);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->published.p, dmarc::Policy::reject);
  }
  std::string many = start + "rua=";
  for (int i = 0; i < 5000; ++i) many += "mailto:a@shop.test,";
  EXPECT_LE(dmarc::parse_record(many)->published.rua.size(), 20U);
}

TEST(DmarcHostile, UrisHoldNothingThatCouldLeaveALogLine) {
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    const auto record =
        dmarc::parse_record(std::string("v=DMARC1; p=none; rua=mailto:a") + c + "b@shop.test");
    ASSERT_TRUE(record);
    for (const std::string& uri : record->published.rua) {
      for (const char each : uri)
        EXPECT_TRUE(each > 0x20 && each < 0x7f && each != '"' && each != '<') << octet;
    }
  }
}

}  // namespace
}  // namespace sekisho::test
