// Next hops by DNS: preference, the random order within one, implicit and null MX, what is us, and
// answers that fail.
#include "relay/mx.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dns/zone.h"

namespace sekisho::relay {
namespace {

using NextCode = NextHops::Code;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Asks the zone until the evaluation is done.
NextHops resolve(const std::string& zone_text, const std::string& domain,
                 const MxOptions& options = {}) {
  const auto zone = dns::Zone::parse("$ORIGIN test.\n" + zone_text);
  EXPECT_TRUE(zone.has_value()) << zone.error().what;
  dns::Answers answers;
  for (int rounds = 0; rounds < 10; ++rounds) {
    auto found = next_hops(*mail::DomainName::parse(domain), options, answers);
    if (found.done()) return *found.result;
    EXPECT_FALSE(found.needed.empty());
    for (const auto& question : found.needed) answers.add(question, zone->answer(question));
  }
  ADD_FAILURE() << "it asks for ever";
  return {};
}

std::vector<std::string> names(const NextHops& hops) {
  std::vector<std::string> out;
  for (const auto& host : hops.hosts) out.push_back(host.name);
  return out;
}

std::vector<std::string> addresses(const NextHops& hops) {
  std::vector<std::string> out;
  for (const auto& host : hops.hosts) {
    for (const auto& address : host.addresses) out.push_back(address.text());
  }
  return out;
}

MxOptions family(Family chosen) {
  MxOptions options;
  options.family = chosen;
  return options;
}

TEST(RelayMx, InOrderOfPreference) {
  const auto hops = resolve("d MX 20 b\nd MX 10 a\na A 192.0.2.1\nb A 192.0.2.2\n", "d.test");
  EXPECT_EQ(hops.code, NextCode::found);
  EXPECT_THAT(names(hops), ElementsAre("a.test", "b.test"));
}

TEST(RelayMx, InRandomOrderWithinAPreference) {
  std::set<std::string> first;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    MxOptions options;
    options.seed = seed;
    const auto hops = resolve(
        "d MX 10 a\nd MX 10 b\nd MX 10 c\nd MX 20 z\na A 192.0.2.1\nb A 192.0.2.2\n"
        "c A 192.0.2.3\nz A 192.0.2.4\n",
        "d.test", options);
    first.insert(names(hops).front());
    EXPECT_EQ(names(hops).back(), "z.test");
  }
  EXPECT_THAT(first, ElementsAre("a.test", "b.test", "c.test"));
}

TEST(RelayMx, WithoutMxTheAddressCounts) {
  EXPECT_THAT(addresses(resolve("d A 192.0.2.9\n", "d.test")), ElementsAre("192.0.2.9"));
  EXPECT_THAT(names(resolve("d AAAA 2001:db8::9\n", "d.test")), ElementsAre("d.test"));
  EXPECT_THAT(addresses(resolve("d CNAME e\ne A 192.0.2.9\n", "d.test")), ElementsAre("192.0.2.9"));
}

TEST(RelayMx, AnAliasOfAHostIsFollowed) {
  const auto hops = resolve("d MX 10 alias\nalias CNAME real\nreal A 192.0.2.1\n", "d.test");
  EXPECT_THAT(names(hops), ElementsAre("alias.test"));
  EXPECT_THAT(addresses(hops), ElementsAre("192.0.2.1"));
}

TEST(RelayMx, NullMx) {
  EXPECT_EQ(resolve("d MX 0 .\n", "d.test").code, NextCode::null_mx);
  // Beside another it is no null MX.
  const auto hops = resolve("d MX 0 .\nd MX 10 a\na A 192.0.2.1\n", "d.test");
  EXPECT_THAT(names(hops), ElementsAre("a.test"));
}

TEST(RelayMx, NoDomain) {
  EXPECT_EQ(resolve("x A 192.0.2.1\n", "d.test").code, NextCode::no_domain);
  EXPECT_EQ(resolve("d TXT x\n", "d.test").code, NextCode::no_domain);
}

// A server failure never says that there is no such domain.
TEST(RelayMx, AFailureOfTheDnsIsTemporary) {
  EXPECT_EQ(resolve(";!servfail d MX\n", "d.test").code, NextCode::no_address);
  EXPECT_EQ(resolve("d MX 10 a\n;!timeout a\n", "d.test").code, NextCode::no_address);
  EXPECT_EQ(resolve("d TXT x\n;!servfail d A\n", "d.test").code, NextCode::no_address);
  // Another host serves meanwhile.
  const auto hops = resolve("d MX 10 a\nd MX 20 b\n;!servfail a\nb A 192.0.2.2\n", "d.test");
  EXPECT_THAT(names(hops), ElementsAre("b.test"));
}

TEST(RelayMx, HostsWithoutAddress) {
  const auto hops = resolve("d MX 10 nowhere\n", "d.test");
  EXPECT_EQ(hops.code, NextCode::no_address);
  EXPECT_THAT(hops.why, HasSubstr("the MX nowhere.test has no address"));
}

MxOptions as_host(std::vector<std::string> own, std::set<mail::IpAddress> own_addresses) {
  MxOptions options;
  options.own = OwnHost(std::move(own), std::move(own_addresses));
  return options;
}

TEST(RelayMx, OurselvesCutOffWhatIsWorse) {
  const std::string zone =
      "d MX 10 a\nd MX 20 us\nd MX 20 b\nd MX 30 c\na A 192.0.2.1\nb A 192.0.2.2\n"
      "c A 192.0.2.3\nus A 192.0.2.9\n";
  EXPECT_THAT(names(resolve(zone, "d.test", as_host({"us.test"}, {}))), ElementsAre("a.test"));
  const auto by_address = as_host({}, {*mail::IpAddress::parse("192.0.2.9")});
  EXPECT_THAT(names(resolve(zone, "d.test", by_address)), ElementsAre("a.test"));
  const auto by_literal = as_host({"[192.0.2.9]"}, {});
  EXPECT_THAT(names(resolve(zone, "d.test", by_literal)), ElementsAre("a.test"));
}

TEST(RelayMx, OnlyOurselvesIsALoop) {
  for (const char* zone :
       {"d MX 10 us\nus A 192.0.2.9\n", "d MX 10 localhost.\n", "d MX 10 a\na A 127.0.0.5\n",
        "d MX 10 a\na A 0.0.0.0\n", "d MX 10 a\na A 0.1.2.3\n", "d MX 10 a\na AAAA ::\n",
        "d MX 10 a\na AAAA ::1\n", "d MX 10 a\na AAAA ::ffff:127.0.0.1\n",
        "d MX 10 a\na AAAA ::ffff:192.0.2.9\n", "d A 127.0.0.1\n", "d MX 10 127.0.0.1.\n",
        "d MX 10 x.localhost.\n"}) {
    const auto options = as_host({"us.test"}, {*mail::IpAddress::parse("192.0.2.9")});
    EXPECT_EQ(resolve(zone, "d.test", options).code, NextCode::loop) << zone;
  }
}

TEST(RelayMx, Families) {
  const std::string zone = "d MX 10 a\na A 192.0.2.1\na AAAA 2001:db8::1\n";
  const auto by = [&](Family chosen) { return addresses(resolve(zone, "d.test", family(chosen))); };
  EXPECT_THAT(by(Family::prefer_ipv4), ElementsAre("192.0.2.1", "2001:db8::1"));
  EXPECT_THAT(by(Family::prefer_ipv6), ElementsAre("2001:db8::1", "192.0.2.1"));
  EXPECT_THAT(by(Family::ipv4_only), ElementsAre("192.0.2.1"));
  EXPECT_THAT(by(Family::ipv6_only), ElementsAre("2001:db8::1"));
}

// The reason names the family, and it is no reason to bounce at once.
TEST(RelayMx, NoAddressOfTheFamily) {
  for (const char* zone : {"d MX 10 a\na AAAA 2001:db8::1\n", "d AAAA 2001:db8::1\n"}) {
    const auto hops = resolve(zone, "d.test", family(Family::ipv4_only));
    EXPECT_EQ(hops.code, NextCode::no_address);
    EXPECT_THAT(hops.why, HasSubstr("egress.family = ipv4-only"));
  }
}

TEST(RelayMx, ADomainWithManyHostsCostsFewAttempts) {
  std::string zone;
  for (int i = 0; i < 90; ++i) {
    const std::string name = "h" + std::to_string(i);
    zone += "d MX " + std::to_string(i) + " " + name + "\n";
    for (int each = 0; each < 5; ++each) {
      zone += name + " A 192.0." + std::to_string(i) + "." + std::to_string(each + 1) + "\n";
    }
  }
  const auto hops = resolve(zone, "d.test");
  EXPECT_EQ(hops.hosts.size(), max_hosts);
  for (const auto& host : hops.hosts) EXPECT_EQ(host.addresses.size(), max_addresses_of_host);
  EXPECT_EQ(hops.hosts.front().name, "h0.test");
}

}  // namespace
}  // namespace sekisho::relay
