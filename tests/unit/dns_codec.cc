// Packets octet by octet: what is sent, and what a reply means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dns/codec.h"
#include "support/cpu_time.h"

namespace sekisho::dns {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Kind = Reply::Kind;

std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
std::string u32(std::uint32_t value) { return u16(value >> 16) + u16(value & 0xffff); }
std::string wire(std::string_view name) { return to_wire(Name::from(name).value()); }
std::string rr(const std::string& owner, unsigned type, std::uint32_t ttl,
               const std::string& data) {
  return owner + u16(type) + u16(1) + u32(ttl) + u16(static_cast<unsigned>(data.size())) + data;
}
std::string soa(const std::string& zone, std::uint32_t ttl, std::uint32_t minimum) {
  return rr(wire(zone), 6, ttl,
            wire("ns.x") + wire("h.x") + u32(1) + u32(2) + u32(3) + u32(4) + u32(minimum));
}
std::string cname(std::string_view owner, std::string_view target, std::uint32_t ttl = 300) {
  return rr(wire(owner), 5, ttl, wire(target));
}
std::string a(std::string_view owner, std::uint32_t ttl = 300) {
  return rr(wire(owner), 1, ttl, std::string("\xc0\x00\x02\x01", 4));
}

Sent sent_a(std::string_view name = "q.example") {
  const auto parsed = Name::from(name).value();
  return Sent{{parsed, Type::a}, to_wire(parsed), 0x1234, 0, false};
}

struct Parts {
  std::vector<std::string> answers = {};
  std::vector<std::string> authorities = {};
  unsigned flags = 0x8180;
};

Reply parse(const Parts& parts, const Sent& sent = sent_a()) {
  std::string packet = u16(sent.id) + u16(parts.flags) + u16(1) +
                       u16(static_cast<unsigned>(parts.answers.size())) +
                       u16(static_cast<unsigned>(parts.authorities.size())) + u16(0) +
                       sent.wire_name + u16(static_cast<unsigned>(sent.question.type)) + u16(1);
  for (const auto& record : parts.answers) packet += record;
  for (const auto& record : parts.authorities) packet += record;
  return parse_reply({reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()}, sent);
}

TEST(Codec, BuildsAQueryThatAsksAResolver) {
  EXPECT_EQ(build_query(wire("a.b"), Type::txt, 0xabcd, false),
            u16(0xabcd) + u16(0x0100) + u16(1) + u16(0) + u16(0) + u16(0) +
                std::string("\1a\1b\0", 5) + u16(16) + u16(1));
  EXPECT_EQ(build_query(wire("a"), Type::a, 1, true),
            u16(1) + u16(0x0100) + u16(1) + u16(0) + u16(0) + u16(1) + std::string("\1a\0", 3) +
                u16(1) + u16(1) + std::string("\0", 1) + u16(41) + u16(1232) +
                std::string(6, '\0'));
}

TEST(Codec, FollowsAChainInAnyOrder) {
  const auto reply =
      parse({.answers = {a("end.example", 60), cname("two.example", "END.example"),
                         cname("q.example", "two.example", 30), a("stray.example", 1)}});
  EXPECT_EQ(reply.kind, Kind::answered);
  EXPECT_EQ(reply.answer.addresses.size(), 1U);
  EXPECT_EQ(reply.answer.ttl, 30s) << "the smallest along the chain, and of nothing else";
  EXPECT_EQ(reply.aliases, 2);
  EXPECT_EQ(reply.answer.canonical, "end.example");
  EXPECT_EQ(parse({.answers = {a("q.example")}}).answer.canonical, "") << "no alias";
}

TEST(Codec, ADnameWithItsCnameWorks) {
  const auto reply = parse({.answers = {rr(wire("example"), 39, 300, wire("other.test")),
                                        cname("q.example", "q.other.test"), a("q.other.test")}});
  EXPECT_EQ(reply.answer.addresses.size(), 1U);
}

TEST(Codec, ChainsEndAtTheEighthLink) {
  for (const int links : {8, 9}) {
    Parts parts{.answers = {a("c" + std::to_string(links) + ".example")}};
    for (int n = 0; n < links; ++n) {
      parts.answers.push_back(cname(n == 0 ? "q.example" : "c" + std::to_string(n) + ".example",
                                    "c" + std::to_string(n + 1) + ".example"));
    }
    EXPECT_EQ(parse(parts).answer.error, links == 8 ? "" : "cname loop");
  }
  auto sent = sent_a();
  sent.aliases = 1;  // an earlier packet had led here
  EXPECT_EQ(parse({.answers = {a("q.example")}}, sent).answer.canonical, "q.example");
  sent.aliases = 8;  // links of earlier packets count
  EXPECT_EQ(
      parse({.answers = {cname("q.example", "b.example"), a("b.example")}}, sent).answer.error,
      "cname loop");
}

TEST(Codec, AChainThatLeavesThePacketIsToBeAsked) {
  const auto reply = parse({.answers = {cname("q.example", "Elsewhere.test", 20)}});
  EXPECT_EQ(reply.kind, Kind::alias);
  EXPECT_EQ(reply.alias->text(), "elsewhere.test");
  EXPECT_EQ(reply.aliases, 1);
  EXPECT_EQ(reply.answer.ttl, 20s);
  // RFC 2308 §2.2: with the SOA of the target's zone it is the end.
  EXPECT_EQ(parse({.answers = {cname("q.example", "e.test")}, .authorities = {soa("test", 60, 60)}})
                .answer.outcome,
            Outcome::nodata);
  EXPECT_EQ(parse({.answers = {cname("q.example", "e.test")}, .authorities = {soa("test", 60, 60)}})
                .answer.canonical,
            "e.test");
  EXPECT_EQ(
      parse({.answers = {cname("q.example", "e.test")}, .authorities = {soa("example", 60, 60)}})
          .kind,
      Kind::alias)
      << "the SOA of another zone";
  // RFC 6604 §3: NXDOMAIN speaks of the end of the chain.
  EXPECT_EQ(parse({.answers = {cname("q.example", "e.test")}, .flags = 0x8183}).answer.outcome,
            Outcome::nxdomain);
  // At the root there is none of what we ask for.
  const std::string root = rr(wire("q.example"), 5, 60, std::string(1, '\0'));
  EXPECT_EQ(parse({.answers = {root}}).answer.outcome, Outcome::nodata);
  // A target that no question can name.
  const std::string dotted = rr(wire("q.example"), 5, 60, std::string("\3a.b\0", 5));
  EXPECT_EQ(parse({.answers = {dotted}}).answer.error, "unusable alias");
}

TEST(Codec, NegativeAnswersHoldAsLongAsTheirSoaSays) {
  struct Case {
    std::uint32_t ttl, minimum;
    std::chrono::seconds want;
  };
  for (const auto& [ttl, minimum, want] : std::vector<Case>{{300, 60, 60s},
                                                            {60, 300, 60s},
                                                            {86400, 86400, 3600s},
                                                            {0, 60, 0s},
                                                            {0xffffffff, 60, 0s}}) {
    EXPECT_EQ(parse({.authorities = {soa("example", ttl, minimum)}}).answer.ttl, want)
        << ttl << " " << minimum;
  }
  EXPECT_EQ(parse({}).answer.outcome, Outcome::nodata);
  EXPECT_EQ(parse({}).answer.ttl, negative_ttl_without_soa());
  EXPECT_EQ(parse({.authorities = {soa("test", 300, 300)}}).answer.ttl, negative_ttl_without_soa())
      << "not its zone";
}

TEST(Codec, PositiveAnswersHoldADayAtMost) {
  EXPECT_EQ(parse({.answers = {a("q.example", 7 * 86400)}}).answer.ttl, 24h);
  EXPECT_EQ(parse({.answers = {a("q.example", 0x80000000)}}).answer.ttl, 0s) << "RFC 2181 §8";
}

TEST(Codec, RecordsOfOtherOwnersAndClassesAreNotAnswers) {
  const std::string chaos =
      wire("q.example") + u16(1) + u16(3) + u32(60) + u16(4) + std::string(4, '\1');
  EXPECT_EQ(parse({.answers = {a("other.example"), chaos}}).answer.outcome, Outcome::nodata);
}

TEST(Codec, TextIsJoinedAndAnyOctetKept) {
  auto sent = sent_a();
  sent.question.type = Type::txt;
  const std::string odd("\5a\r\n\0\x1b\2\xff\"", 9);
  const auto reply = parse({.answers = {rr(wire("q.example"), 16, 60, odd),
                                        rr(wire("q.example"), 16, 60, std::string(1, '\0')),
                                        rr(wire("q.example"), 16, 60, "")}},
                           sent);
  EXPECT_THAT(reply.answer.texts, ElementsAre(std::string("a\r\n\0\x1b\xff\"", 7), "", ""));
}

TEST(Codec, AHundredRecordsAreUsed) {
  Parts parts;
  for (int n = 0; n < 400; ++n) parts.answers.push_back(a("q.example"));
  EXPECT_EQ(parse(parts).answer.addresses.size(), max_records);
  for (int n = 0; n < 4000; ++n) parts.answers.push_back(a("q.example"));
  EXPECT_EQ(parse(parts).answer.addresses.size(), max_records);
}

// However long the walks over compression pointers that a packet asks for, it is read in no time.
TEST(Codec, PointersToPointersCostLittle) {
  auto sent = sent_a();
  std::string packet = u16(sent.id) + u16(0x8180) + u16(1) + u16(3000) + u16(0) + u16(0) +
                       sent.wire_name + u16(1) + u16(1);
  // One record whose data are pointers, each to the one before; and thousands whose owner is the
  // last of them.
  const unsigned first = static_cast<unsigned>(packet.size()) + 12;
  std::string pointers;
  for (unsigned n = 0; first + 2 * n < 0x3ff0; ++n)
    pointers += u16(0xc000 | (n == 0 ? 12U : first + 2 * n - 2));
  packet += rr(std::string("\xc0\x0c", 2), 65280, 60, pointers);
  const unsigned last = first + static_cast<unsigned>(pointers.size()) - 2;
  while (packet.size() < 65000) packet += rr(u16(0xc000 | last), 1, 60, std::string(4, '\1'));
  const auto begin = cpu_time();
  parse_reply({reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()}, sent);
  EXPECT_LT(cpu_time() - begin, 1s);
}

TEST(Codec, WhatIsNotTheReplyIsIgnored) {
  const auto sent = sent_a();
  const std::string good = u16(sent.id) + u16(0x8180) + u16(1) + u16(0) + u16(0) + u16(0) +
                           sent.wire_name + u16(1) + u16(1);
  const auto kind = [&](const std::string& packet) {
    return parse_reply({reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()}, sent)
        .kind;
  };
  ASSERT_EQ(kind(good), Kind::answered);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(kind(good.substr(0, size)), Kind::not_ours) << size;
  const auto with = [&](std::size_t at, char value) {
    std::string changed = good;
    changed[at] = value;
    return kind(changed);
  };
  EXPECT_EQ(with(1, '\x35'), Kind::not_ours) << "id";
  EXPECT_EQ(with(2, '\x01'), Kind::not_ours) << "a query";
  EXPECT_EQ(with(2, '\x91'), Kind::not_ours) << "opcode";
  EXPECT_EQ(with(5, 2), Kind::not_ours) << "two questions";
  EXPECT_EQ(with(5, 0), Kind::not_ours) << "no question";
  EXPECT_EQ(with(13, 'r'), Kind::not_ours) << "another name";
  EXPECT_EQ(with(good.size() - 3, 16), Kind::not_ours) << "another type";
  EXPECT_EQ(with(good.size() - 1, 3), Kind::not_ours) << "another class";
  EXPECT_EQ(with(13, 'Q'), Kind::truncated) << "another case: over TCP";
  EXPECT_EQ(with(2, '\x83'), Kind::truncated);
}

}  // namespace
}  // namespace sekisho::dns
