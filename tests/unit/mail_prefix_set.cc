// Networks with exclusions, and how much of the public address space they are.
#include "mail/prefix_set.h"

#include <random>

#include <gtest/gtest.h>

#include "mail/public_space.h"

namespace sekisho::mail {
namespace {

using Family = IpAddress::Family;

PrefixSet set_of(const std::vector<std::string>& texts) {
  PrefixSet out;
  for (const auto& text : texts) out.add(PrefixSet::parse_entry(text).value());
  return out;
}

bool has(const PrefixSet& set, const char* address) {
  return set.contains(IpAddress::parse(address).value());
}

TEST(MailPrefixSet, TheMostSpecificEntryDecides) {
  const PrefixSet set = set_of(
      {"192.0.2.0/24", "!192.0.2.128/25", "192.0.2.129", "2001:db8::/32", "!2001:db8:1::/48"});
  EXPECT_TRUE(has(set, "192.0.2.1"));
  EXPECT_FALSE(has(set, "192.0.2.128"));
  EXPECT_TRUE(has(set, "192.0.2.129"));
  EXPECT_TRUE(has(set, "::ffff:192.0.2.1"));
  EXPECT_FALSE(has(set, "198.51.100.1"));
  EXPECT_TRUE(has(set, "2001:db8::1"));
  EXPECT_FALSE(has(set, "2001:db8:1::1"));
  EXPECT_EQ(set.deciding(IpAddress::parse("192.0.2.129").value())->text(), "192.0.2.129/32");
}

TEST(MailPrefixSet, OfTwoEqualOnesTheExclusionDecides) {
  EXPECT_FALSE(has(set_of({"192.0.2.1", "!192.0.2.1"}), "192.0.2.1"));
  EXPECT_FALSE(has(set_of({"!192.0.2.1", "192.0.2.1"}), "192.0.2.1"));
}

TEST(MailPrefixSet, EntriesAsTheyAreWritten) {
  EXPECT_EQ(set_of({"!192.0.2.1", "10.0.0.0/8"}).texts(),
            (std::vector<std::string>{"!192.0.2.1/32", "10.0.0.0/8"}));
  for (const char* text : {"", "!", "!!192.0.2.1", "192.0.2.1/24", "a.example", "! 192.0.2.1"}) {
    EXPECT_FALSE(PrefixSet::parse_entry(text)) << text;
  }
}

TEST(MailPrefixSet, ASharedAddressIsOutUnlessItIsNamed) {
  const auto gateway = IpAddress::parse("192.168.1.1").value();
  PrefixSet set = set_of({"192.168.1.0/24"});
  set.exclude_unless_named(gateway);
  EXPECT_FALSE(has(set, "192.168.1.1"));
  EXPECT_TRUE(has(set, "192.168.1.2"));
  PrefixSet named = set_of({"192.168.1.0/24", "192.168.1.1"});
  named.exclude_unless_named(gateway);
  EXPECT_TRUE(has(named, "192.168.1.1"));
}

// Against each set asked alone, for every address of a small space.
TEST(MailPrefixSet, AnyOfContainsWhatAnyContains) {
  std::mt19937 random(7);
  const auto below = [&](int most) { return std::uniform_int_distribution<int>(0, most)(random); };
  for (int round = 0; round < 300; ++round) {
    std::vector<PrefixSet> sets(3);
    for (PrefixSet& set : sets) {
      for (int i = below(5); i > 0; --i) {
        const auto address = IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(below(255))});
        set.add({IpPrefix::around(address, 24 + below(8)), below(1) == 0});
      }
    }
    const PrefixSet any = PrefixSet::any_of(sets);
    for (int last = 0; last < 256; ++last) {
      const auto address = IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(last)});
      const bool want =
          sets[0].contains(address) || sets[1].contains(address) || sets[2].contains(address);
      ASSERT_EQ(any.contains(address), want) << address.text() << " in round " << round;
    }
  }
}

TEST(MailPublicSpace, CountsEachAddressOnce) {
  const auto v4 = [](const std::vector<std::string>& texts) {
    return public_space({set_of(texts)}, Family::v4);
  };
  EXPECT_EQ(v4({}), 0U);
  EXPECT_EQ(v4({"8.8.8.8"}), 1U);
  EXPECT_EQ(v4({"8.8.0.0/16"}), 65'536U);
  EXPECT_EQ(v4({"8.8.0.0/16", "8.8.8.0/24", "8.8.0.0/17"}), 65'536U);
  EXPECT_EQ(v4({"8.8.0.0/16", "!8.8.8.0/24"}), 65'536U - 256U);
  EXPECT_EQ(v4({"8.8.0.0/16", "!8.8.8.0/24", "8.8.8.8"}), 65'536U - 255U);
  EXPECT_EQ(v4({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
                "192.0.2.0/24", "169.254.0.0/16"}),
            0U);
  EXPECT_EQ(v4({"11.0.0.0/8", "10.0.0.0/8"}), std::uint64_t{1} << 24U);
  EXPECT_EQ(v4({"0.0.0.0/0", "2001:db8::/32"}), v4({"0.0.0.0/1", "128.0.0.0/1"}));
  EXPECT_GT(v4({"0.0.0.0/0"}), std::uint64_t{3'500'000'000});
}

TEST(MailPublicSpace, OfIpv6CountsTheNetworks) {
  const auto v6 = [](const std::vector<std::string>& texts) {
    return public_space({set_of(texts)}, Family::v6);
  };
  EXPECT_EQ(v6({"2a00:1::1"}), 1U);
  EXPECT_EQ(v6({"2a00:1::1", "2a00:1::2", "2a00:1::/64"}), 1U);
  EXPECT_EQ(v6({"2a00:1::/32"}), std::uint64_t{1} << 32U);
  EXPECT_EQ(v6({"2001:db8::/32", "fc00::/7", "fe80::/10", "::1"}), 0U);
  EXPECT_EQ(v6({"2002::/16"}), std::uint64_t{1} << 48U);
  EXPECT_GT(v6({"::/0"}), std::uint64_t{1} << 63U);
}

TEST(MailPublicSpace, SetsAddUp) {
  const std::vector<PrefixSet> sets{set_of({"8.8.0.0/17"}), set_of({"8.8.128.0/17"}),
                                    set_of({"!8.8.0.0/16"})};
  EXPECT_EQ(public_space(sets, Family::v4), 65'536U);
}

}  // namespace
}  // namespace sekisho::mail
