// The milter packets of the suite: what each says, and that malformed ones end the conversation.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "milter/conversation.h"
#include "support/fake_dns.h"
#include "support/milter_client.h"
#include "support/session_gate.h"

namespace sekisho::milter {

namespace {

using nlohmann::json;
using Next = Conversation::Next;

// A latin-1 byte string of the suite.
std::string octets_of(const json& text) {
  std::string out;
  const auto utf8 = text.get<std::string>();
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    if (c < 0x80) {
      out += utf8[i];
    } else {
      out += static_cast<char>((c & 3U) << 6U | (static_cast<unsigned char>(utf8[++i]) & 0x3fU));
    }
  }
  return out;
}

std::string unhex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return out;
}

class Suite : public testing::Test {
 protected:
  Suite() : data_(test::read_json(test::conformance_path("milter/packets.json"))) {
    for (const auto& packet : data_["packets"]) by_id_[packet["id"]] = packet;
  }
  std::string octets(const std::string& id) const {
    return unhex(by_id_.at(id)["hex"].get<std::string>());
  }

  json data_;
  std::map<std::string, json> by_id_;
};

class Talk {
 public:
  Talk() : gate_(test::snapshot_on_zone("example.com. TXT \"v=spf1 -all\"\n")) {
    conversation_ = std::make_unique<Conversation>(
        gate_.engine(), policy::Role::mx, std::shared_ptr<Executor>(&gate_.queue(), [](auto*) {}),
        [this](std::string out) { sent_ += out; });
  }
  Next say(std::string_view octets) {
    // A copy of its own length: reading past the end is seen by AddressSanitizer.
    const std::vector<char> exact(octets.begin(), octets.end());
    std::string_view rest(exact.data(), exact.size());
    Packet packet;
    std::size_t used = 0;
    auto next = Next::go_on;
    framing_ = next_packet(rest, packet, used);
    while (next == Next::go_on && framing_ == Framing::packet) {
      next = conversation_->receive(packet);
      rest.remove_prefix(used);
      framing_ = next_packet(rest, packet, used);
    }
    return next;
  }
  Framing framing() const { return framing_; }
  std::vector<std::string> replies() { return test::shown(std::exchange(sent_, {})); }
  std::vector<std::string> log() const { return gate_.recorder().lines(); }

 private:
  mutable test::Gate gate_;
  std::unique_ptr<Conversation> conversation_;
  std::string sent_;
  Framing framing_ = Framing::incomplete;
};

void expect_connect(const json& fields, std::string_view data) {
  const auto peer = parse_connect(data);
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->host_name, octets_of(fields["host"]));
  const auto family = fields["family"].get<std::string>();
  EXPECT_EQ(peer->unix_socket, family == "L");
  ASSERT_EQ(peer->address.has_value(), family == "4" || family == "6");
  if (peer->address) {
    EXPECT_EQ(*peer->address, mail::IpAddress::parse(fields["address"].get<std::string>()).value());
  }
}

void expect_macros(const json& fields, std::string_view data) {
  const auto macros = parse_macros(data);
  ASSERT_TRUE(macros);
  EXPECT_EQ(std::string(1, macros->command), fields["for"].get<std::string>());
  ASSERT_EQ(macros->values.size(), fields["macros"].size());
  for (const auto& [name, value] : fields["macros"].items()) {
    const auto bare = name.front() == '{' ? name.substr(1, name.size() - 2) : name;
    EXPECT_EQ(macros->values.at(bare), octets_of(value));
  }
}

TEST_F(Suite, WhatEachPacketSays) {
  int read = 0;
  for (const auto& [id, packet] : by_id_) {
    if (packet["direction"] != "mta>filter" || packet.value("malformed", false)) continue;
    SCOPED_TRACE(id);
    const auto whole = octets(id);
    Packet one;
    std::size_t used = 0;
    ASSERT_EQ(next_packet(whole, one, used), Framing::packet);
    EXPECT_EQ(used, whole.size());
    EXPECT_EQ(std::string(1, one.command), packet["command"].get<std::string>());
    ++read;
    const json fields = packet.value("fields", json::object());
    if (one.command == 'O') {
      const auto offered = parse_negotiation(one.data);
      ASSERT_TRUE(offered);
      EXPECT_EQ(offered->version, fields["version"]);
      EXPECT_EQ(offered->actions, fields["actions"]);
      EXPECT_EQ(offered->steps, fields["protocol"]);
    } else if (one.command == 'C') {
      expect_connect(fields, one.data);
    } else if (one.command == 'D') {
      expect_macros(fields, one.data);
    } else if (one.command == 'M' || one.command == 'R') {
      const auto strings = parse_strings(one.data);
      ASSERT_TRUE(strings);
      EXPECT_EQ(strings->front(), octets_of(fields["address"]));
    }
  }
  EXPECT_GE(read, 35);
}

TEST_F(Suite, OurRepliesAreTheSuites) {
  std::string out;
  put_reply(out, "550 5.7.1 100% sure");
  EXPECT_EQ(out, octets("milter-r-reply-percent"));
  for (const auto& [id, packet] : by_id_) {
    if (packet["direction"] != "filter>mta" || !packet.contains("fields")) continue;
    const auto& fields = packet["fields"];
    std::string ours;
    const auto command = packet["command"].get<std::string>();
    if (command == "q") {
      put_quarantine(ours,
                     octets_of(fields.contains("reason") ? fields["reason"] : fields["text"]));
    } else if (command == "i") {
      put_insert_header(ours, fields["index"], octets_of(fields["name"]),
                        octets_of(fields["value"]));
    } else if (command == "m") {
      put_change_header(ours, fields["index"], octets_of(fields["name"]),
                        octets_of(fields["value"]));
    } else {
      continue;
    }
    EXPECT_EQ(ours, octets(id)) << id;
  }
}

TEST_F(Suite, MalformedPacketsEndTheConversationInEveryStage) {
  const std::vector<std::string> before = {"milter-optneg-v6", "milter-connect-4", "milter-helo",
                                           "milter-mail",      "milter-rcpt",      "milter-header",
                                           "milter-eoh",       "milter-body"};
  int malformed = 0;
  for (const auto& [id, packet] : by_id_) {
    if (!packet.value("malformed", false)) continue;
    ++malformed;
    for (std::size_t stage = 0; stage <= before.size(); ++stage) {
      SCOPED_TRACE(id + " after " + std::to_string(stage));
      Talk talk;
      for (std::size_t i = 0; i < stage; ++i) ASSERT_EQ(talk.say(octets(before[i])), Next::go_on);
      // A chunk of a body may hold anything: that one is in order there.
      if (id == "milter-bad-body-before-mail" && stage >= 7) continue;
      const auto next = talk.say(octets(id));
      const bool over = next == Next::protocol_error || talk.framing() == Framing::invalid;
      EXPECT_TRUE(over || id == "milter-bad-truncated");
    }
  }
  EXPECT_GE(malformed, 12);
}

TEST_F(Suite, Sequences) {
  for (const auto& sequence : data_["sequences"]) {
    SCOPED_TRACE(sequence["id"].get<std::string>());
    Talk talk;
    std::size_t verdicts = 0;
    auto next = Next::go_on;
    for (const auto& id : sequence["packets"]) {
      ASSERT_EQ(next, Next::go_on) << "before " << id;
      next = talk.say(octets(id));
      const auto replies = talk.replies();
      if (id.get<std::string>().starts_with("milter-eom")) {
        ASSERT_FALSE(replies.empty());
        EXPECT_NE(std::string("ctry").find(replies.back()[0]), std::string::npos);
        ++verdicts;
      }
    }
    EXPECT_EQ(next, Next::close);
    EXPECT_EQ(talk.log().size(), verdicts);
    EXPECT_GE(verdicts, 1U);
  }
}

// Each sequence cut at every octet, and each of its octets changed.
TEST_F(Suite, SequencesCutAndChanged) {
  for (const auto& sequence : data_["sequences"]) {
    std::string whole;
    for (const auto& id : sequence["packets"]) {
      if (id != "milter-body-65535") whole += octets(id);
    }
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
      Talk().say(std::string_view(whole).substr(0, cut));
      auto changed = whole;
      changed[cut] = static_cast<char>(changed[cut] ^ (1 << cut % 8));
      Talk().say(changed);
    }
  }
}

}  // namespace

}  // namespace sekisho::milter
