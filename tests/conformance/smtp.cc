// The public cases of SMTP: ends of data, dots, and commands. `cmd-bdat-last` does not apply: we
// offer no CHUNKING.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/smtp_house.h"

namespace sekisho::smtp {

namespace {

using nlohmann::json;
using test::SmtpHouse;
using test::SmtpTalk;

// The file holds octets as code points.
std::string octets(const std::string& utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    if (c < 0x80) {
      out += utf8[i];
    } else {
      const auto next = static_cast<unsigned char>(utf8[++i]);
      out += static_cast<char>((c & 3U) << 6 | (next & 0x3fU));
    }
  }
  return out;
}

json cases() {
  std::ifstream file(std::string(SEKISHO_CONFORMANCE) + "/smtp/cases.json");
  return json::parse(file);
}

// A client that waits for the 354 before it sends the message, as RFC 2920 §3.1 demands.
std::string say_all(SmtpTalk& talk, std::string stream) {
  std::string replies;
  for (std::size_t at; (at = stream.find("DATA\r\n")) != std::string::npos;) {
    replies += talk.say(stream.substr(0, at + 6));
    stream.erase(0, at + 6);
  }
  return replies + talk.say(stream);
}

std::unique_ptr<SmtpTalk> talk_to(SmtpHouse& house) {
  house.change([](Site& site) {
    site.rules.helo = OnHelo::log;
    site.rules.sender_domain = OnSenderDomain::log;
  });
  return std::make_unique<SmtpTalk>(house);
}

}  // namespace

TEST(SmtpConformance, EndOfData) {
  std::size_t run = 0;
  const auto all = cases();
  for (const auto& each : all.at("end_of_data")) {
    SmtpHouse house;
    const auto talk = talk_to(house);
    const auto stream = octets(each.at("stream").get<std::string>());
    const auto replies = say_all(*talk, stream);
    const auto expected = each.at("expect").at("messages").get<std::size_t>();
    const bool or_reject = each.at("expect").value("or_reject", false);
    const auto taken = house.kept().size();
    EXPECT_TRUE(taken == expected || (or_reject && taken < expected))
        << each.at("id") << ": " << taken << "\n"
        << replies;
    ++run;
  }
  EXPECT_EQ(run, 23U);
}

TEST(SmtpConformance, DotStuffing) {
  std::size_t run = 0;
  const auto all = cases();
  for (const auto& each : all.at("dot_stuffing")) {
    const auto wire = octets(each.at("wire").get<std::string>());
    for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
      SmtpHouse house;
      const auto talk = talk_to(house);
      talk->say("EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n");
      talk->say("From: a@example.com\r\n\r\n");
      talk->say_in_pieces(wire, {piece});
      const auto kept = house.kept();
      ASSERT_EQ(kept.size(), 1U) << each.at("id");
      const auto& content = kept[0].content;
      const auto body = content.substr(content.find("\r\n\r\n") + 4);
      if (each.at("body").is_null()) {
        EXPECT_NE(body.find("..b"), std::string::npos) << each.at("id");
      } else {
        EXPECT_EQ(body, octets(each.at("body").get<std::string>())) << each.at("id");
      }
    }
    ++run;
  }
  EXPECT_EQ(run, 8U);
}

// What each case says in words, as the reply to its last command but one (QUIT and its like).
TEST(SmtpConformance, Commands) {
  struct Expected {
    const char* last;   // the first octets of the last reply
    std::size_t taken;  // messages
  };
  const std::map<std::string, Expected> expected = {
      {"cmd-pipelined-after-data", {"554", 0}}, {"cmd-starttls-injection", {"502 5.5.1", 0}},
      {"cmd-bare-lf-command", {"500", 0}},      {"cmd-nul-in-command", {"501", 0}},
      {"cmd-long-command", {"50", 0}},          {"cmd-http", {"421", 0}},
      {"cmd-addr-comment", {"501", 0}},         {"cmd-addr-two", {"501", 0}},
      {"cmd-addr-route", {"250", 0}},           {"cmd-addr-quoted", {"250", 0}},
      {"cmd-null-sender", {"250", 0}},          {"cmd-helo-literal", {"250", 0}},
      {"cmd-utf8-no-smtputf8", {"553", 0}},
  };
  std::size_t run = 0;
  const auto all = cases();
  for (const auto& each : all.at("commands")) {
    const auto id = each.at("id").get<std::string>();
    if (id == "cmd-bdat-last") continue;
    ASSERT_TRUE(expected.contains(id)) << id;
    const auto& want = expected.at(id);
    SmtpHouse house;
    const auto talk = talk_to(house);
    std::string replies = talk->say(octets(each.at("stream").get<std::string>()));
    // No TLS is offered here: the injected command is the only one that counts.
    if (id == "cmd-starttls-injection") replies = replies.substr(0, replies.find("\n250 2") + 1);
    if (!replies.empty()) replies.pop_back();
    const auto last = replies.substr(replies.rfind('\n') + 1);
    EXPECT_THAT(last, testing::StartsWith(want.last)) << id << "\n" << replies;
    EXPECT_EQ(house.kept().size(), want.taken) << id;
    ++run;
  }
  EXPECT_EQ(run, 13U);
}

}  // namespace sekisho::smtp
