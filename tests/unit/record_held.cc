// The decision that is kept with a held message: what is read is what was decided; what version 0.1
// wrote, which was JSON, is still read.
#include "record/held.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "spool/record.h"
#include "support/fake_dns.h"
#include "support/session_gate.h"
#include "support/temporary_folder.h"

namespace sekisho::record {
namespace {

const char* const zone = R"(
a.example.                    TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.quarantine.example.    TXT  "v=DMARC1; p=quarantine"
quarantine.example.           TXT  "v=spf1 -all"
)";

test::Letter forged() {
  test::Letter letter;
  letter.fields = {{"From", " bob@quarantine.example"},
                   {"Authentication-Results", " mx.example.jp; dmarc=pass"},
                   {"Subject", " Hello \xff\r\n there"},
                   {"Message-ID", " <1@a.example>"}};
  letter.body = "text\r\n";
  return letter;
}

// Of the message file that version 0.1 has written.
std::string json_of_before() {
  const std::string file =
      test::read_file(std::string(SEKISHO_TEST_DATA) + "/quarantine/RARZ-3YAR");
  const auto begin = file.find("format 1\n");
  const auto record = spool::Record::parse(file.substr(begin, file.rfind("sekisho-spool") - begin));
  return record ? std::string(record->get("decision")) : "";
}

TEST(Held, ComesBackAsItWasDecided) {
  test::Gate gate(test::snapshot_on_zone(zone));
  const auto outcome = gate.judge(forged());
  ASSERT_EQ(outcome.verdict.message.action, policy::Action::quarantine);
  const auto text = write_held(outcome);
  const auto read = read_held(text);
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_TRUE(read->complete);
  EXPECT_TRUE(read->outcome == outcome);
  EXPECT_EQ(write_held(read->outcome), text);
  EXPECT_EQ(held_json(text).value().at("id"), outcome.facts.id);
  for (const char c : text) EXPECT_TRUE(c > ' ' && c < 0x7F) << "less shows it";
}

TEST(Held, AsTheJsonOfAnOlderVersion) {
  const auto text = json_of_before();
  const auto read = read_held(text);
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_FALSE(read->complete) << "client and envelope stand in the row";
  EXPECT_EQ(read->outcome.facts.id, "RARZ-3YAR");
  EXPECT_EQ(read->outcome.facts.dmarc.code, dmarc::Code::fail);
  EXPECT_EQ(read->outcome.verdict.message.rule, "dmarc");
  EXPECT_EQ(read->outcome.verdict.recipients.size(), 2U);
  EXPECT_EQ(held_json(text).value(), nlohmann::json::parse(text)) << "as it was";
}

TEST(Held, ThatIsDamagedIsAnError) {
  test::Gate gate(test::snapshot_on_zone(zone));
  const auto text = write_held(gate.judge(forged()));
  for (const std::string& bad : {std::string(), std::string("{"), std::string("[]"),
                                 std::string("x"), text.substr(0, text.size() / 2), text + "*"}) {
    EXPECT_FALSE(read_held(bad).has_value()) << bad;
    EXPECT_FALSE(held_json(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace sekisho::record
