#include "mail/ip_address.h"

#include <gtest/gtest.h>

namespace sekisho::mail {
namespace {

using namespace std::string_literals;

TEST(IpAddress, isReadAndWritten) {
  const struct {
    std::string_view text, written, reversed;
  } cases[] = {
      {"192.0.2.1", "192.0.2.1", "1.2.0.192.in-addr.arpa"},
      {"0.0.0.0", "0.0.0.0", "0.0.0.0.in-addr.arpa"},
      {"::ffff:192.0.2.1", "192.0.2.1", "1.2.0.192.in-addr.arpa"},
      {"::FFFF:c000:201", "192.0.2.1", "1.2.0.192.in-addr.arpa"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1",
       "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
      {"::", "::", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"},
  };
  for (const auto& test_case : cases) {
    const auto address = IpAddress::parse(test_case.text);
    ASSERT_TRUE(address) << test_case.text;
    EXPECT_EQ(address->text(), test_case.written);
    EXPECT_EQ(address->reverse_name(), test_case.reversed);
    EXPECT_EQ(address->bits(), address->is_v4() ? 32 : 128);
    EXPECT_EQ(IpAddress::parse(address->text()), *address);
  }
}

// What a domain publishes says what it says: RFC 7208 §5.3 compares an AAAA record with clients of
// IPv6, and no client has a mapped address.
TEST(IpAddress, asPublishedAMappedOneStaysIpv6) {
  const auto published = IpAddress::parse_published("::ffff:192.0.2.1").value();
  EXPECT_FALSE(published.is_v4());
  EXPECT_EQ(published.bits(), 128);
  EXPECT_EQ(published.text(), "::ffff:192.0.2.1");
  EXPECT_EQ(IpAddress::parse_published(published.text()), published);
  EXPECT_EQ(IpAddress::published_v6(published.octets()), published);
  EXPECT_NE(published, IpAddress::parse("::ffff:192.0.2.1").value());
  EXPECT_EQ(IpAddress::v6(published.octets()), IpAddress::parse("192.0.2.1").value());
  EXPECT_EQ(IpPrefix::around(published, 1).text(), "::/1");
  EXPECT_EQ(IpPrefix::around(published, 100).text(), "::ffff:192.0.0.0/100");
  EXPECT_TRUE(IpPrefix::around(published, 1).contains(IpAddress::parse("2001:db8::1").value()));
  EXPECT_FALSE(IpPrefix::around(published, 96).contains(IpAddress::parse("192.0.2.1").value()));
  EXPECT_FALSE(IpPrefix::around(IpAddress::parse("192.0.2.1").value(), 0).contains(published));
  for (const char* same : {"192.0.2.1", "2001:db8::1", "::", "::192.0.2.1"}) {
    EXPECT_EQ(IpAddress::parse_published(same), IpAddress::parse(same)) << same;
  }
  EXPECT_FALSE(IpAddress::parse_published("[::1]"));
}

TEST(IpAddress, otherTextIsNone) {
  const std::string texts[] = {
      "",           "192.0.2",      "192.0.2.256",   "192.0.2.01",
      "192.0.2.1 ", " 192.0.2.1",   "192.0.2.1.1",   "0x7f.1",
      "[::1]",      "fe80::1%eth0", "2001:db8::/32", ":::",
      "1::2::3",    "localhost",    "::1\0"s,        std::string(500, '1')};
  for (const auto& text : texts) EXPECT_FALSE(IpAddress::parse(text)) << text;
}

TEST(IpPrefix, isReadAndWritten) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"192.0.2.0/24", "192.0.2.0/24"},
      {"192.0.2.1", "192.0.2.1/32"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"2001:db8::/32", "2001:db8::/32"},
      {"2001:db8::1", "2001:db8::1/128"},
      {"::/0", "::/0"},
      {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
      {"::ffff:0:0/96", "0.0.0.0/0"},
  };
  for (const auto& [text, written] : cases) {
    const auto prefix = IpPrefix::parse(text);
    ASSERT_TRUE(prefix) << text;
    EXPECT_EQ(prefix->text(), written);
  }
}

TEST(IpPrefix, otherTextIsNone) {
  for (const std::string_view text :
       {"", "/", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/024",
        "192.0.2.0/24 ", "192.0.2.0/24/24", "2001:db8::/129", "192.0.2.1/24", "2001:db8::1/64",
        "::ffff:192.0.2.0/95", "192.0.2.0/999999999999"}) {
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
  }
  EXPECT_NE(IpPrefix::parse("192.0.2.1/24").error().what.find("192.0.2.0/24"), std::string::npos);
}

TEST(IpPrefix, containsByItsBits) {
  const struct {
    std::string_view prefix, inside, outside;
  } cases[] = {
      {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
      {"192.0.2.0/25", "192.0.2.127", "192.0.2.128"},
      {"192.0.2.7/32", "192.0.2.7", "192.0.2.6"},
      {"0.0.0.0/0", "255.255.255.255", "2001:db8::1"},
      {"10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"},
      {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
      {"::/0", "2001:db8::1", "192.0.2.1"},
  };
  for (const auto& test_case : cases) {
    const auto prefix = IpPrefix::parse(test_case.prefix).value();
    EXPECT_TRUE(prefix.contains(IpAddress::parse(test_case.inside).value())) << test_case.prefix;
    EXPECT_FALSE(prefix.contains(IpAddress::parse(test_case.outside).value())) << test_case.prefix;
  }
}

TEST(IpPrefix, aroundCutsBitsAndLengths) {
  const auto v4 = IpAddress::parse("192.0.2.77").value();
  const auto v6 = IpAddress::parse("2001:db8::77").value();
  EXPECT_EQ(IpPrefix::around(v4, 24).text(), "192.0.2.0/24");
  EXPECT_EQ(IpPrefix::around(v4, 128).text(), "192.0.2.77/32");
  EXPECT_EQ(IpPrefix::around(v4, -1).text(), "0.0.0.0/0");
  EXPECT_EQ(IpPrefix::around(v6, 64).text(), "2001:db8::/64");
}

TEST(IpAddress, ofThisHostAndOfOnesOwnNetwork) {
  const struct {
    std::string_view text;
    bool loopback, own;
  } cases[] = {
      {"127.0.0.1", true, false},
      {"127.255.255.255", true, false},
      {"::1", true, false},
      {"::ffff:127.0.0.1", true, false},
      {"126.255.255.255", false, false},
      {"128.0.0.0", false, false},
      {"::2", false, false},
      {"10.0.0.0", false, true},
      {"10.255.255.255", false, true},
      {"11.0.0.0", false, false},
      {"172.15.255.255", false, false},
      {"172.16.0.0", false, true},
      {"172.31.255.255", false, true},
      {"172.32.0.0", false, false},
      {"192.167.255.255", false, false},
      {"192.168.0.0", false, true},
      {"192.169.0.0", false, false},
      {"100.63.255.255", false, false},
      {"100.64.0.0", false, true},
      {"100.127.255.255", false, true},
      {"100.128.0.0", false, false},
      {"169.254.0.1", false, true},
      {"169.255.0.0", false, false},
      {"fbff::1", false, false},
      {"fc00::1", false, true},
      {"fdff::1", false, true},
      {"fe00::1", false, false},
      {"fe80::1", false, true},
      {"febf::1", false, true},
      {"fec0::1", false, false},
      {"2001:db8::1", false, false},
      {"192.0.2.1", false, false},
  };
  for (const auto& test_case : cases) {
    const auto address = IpAddress::parse(test_case.text).value();
    EXPECT_EQ(is_loopback(address), test_case.loopback) << test_case.text;
    EXPECT_EQ(is_private(address), test_case.own) << test_case.text;
  }
}

}  // namespace
}  // namespace sekisho::mail
