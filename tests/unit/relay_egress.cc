// From where a next hop is reached, how hosts in brackets are resolved, and what is this host.
#include "relay/egress.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/host_lookup.h"
#include "relay/own_host.h"

namespace sekisho::relay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

mail::IpAddress ip(const char* text) { return *mail::IpAddress::parse(text); }

Egress pinned() {
  Egress egress;
  egress.ipv4 = "192.0.2.7";
  egress.ipv6 = "2001:db8::7";
  return egress;
}

std::string text_of(const net::SocketName& name) {
  char text[INET6_ADDRSTRLEN] = "";
  if (name.family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(name.get());
    ::inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    return std::string(text) + " " + std::to_string(ntohs(in->sin_port));
  }
  const auto* in = reinterpret_cast<const sockaddr_in6*>(name.get());
  ::inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
  return std::string(text) + " " + std::to_string(ntohs(in->sin6_port)) + " " +
         std::to_string(in->sin6_scope_id);
}

TEST(RelayEgress, EachFamilyHasItsOwnAddress) {
  EXPECT_EQ(text_of(*source_for(pinned(), {ip("198.51.100.1"), 0})), "192.0.2.7 0");
  EXPECT_EQ(text_of(*source_for(pinned(), {ip("2001:db8:1::1"), 0})), "2001:db8::7 0 0");
  EXPECT_EQ(source_text(pinned(), {ip("2001:db8:1::1"), 0}), "egress.ipv6 = 2001:db8::7");
  // One that is pinned does not bind the other.
  Egress v4;
  v4.ipv4 = "192.0.2.7";
  EXPECT_FALSE(source_for(v4, {ip("2001:db8:1::1"), 0}));
  EXPECT_FALSE(source_for(Egress(), {ip("198.51.100.1"), 0}));
}

TEST(RelayEgress, LoopbackIsReachedFromAnywhere) {
  EXPECT_FALSE(source_for(pinned(), {ip("127.0.0.1"), 0}));
  EXPECT_FALSE(source_for(pinned(), {ip("::1"), 0}));
  EXPECT_EQ(source_text(pinned(), {ip("127.0.0.1"), 0}), "");
}

TEST(RelayEgress, AScopedHop) {
  const HopAddress to{ip("fe80::1"), 3};
  EXPECT_EQ(text_of(socket_name(to, 25)), "fe80::1 25 3");
  EXPECT_FALSE(source_for(Egress(), to)) << "the system takes the interface's link-local address";
  Egress egress;
  egress.ipv6 = "fe80::2";
  EXPECT_EQ(text_of(*source_for(egress, to)), "fe80::2 0 3");
}

std::vector<std::string> found(const std::string& host, Family family = Family::prefer_ipv4) {
  std::vector<std::string> out;
  const auto all = look_up_host(host, family);
  if (!all) return {"none"};
  for (const auto& one : *all)
    out.push_back(one.address.text() + (one.scope == 0 ? "" : "%" + std::to_string(one.scope)));
  return out;
}

TEST(RelayHostLookup, AddressesAreThemselves) {
  EXPECT_THAT(found("192.0.2.1"), ElementsAre("192.0.2.1"));
  EXPECT_THAT(found("2001:db8::1"), ElementsAre("2001:db8::1"));
  // It was written so, whatever the family of the others.
  EXPECT_THAT(found("2001:db8::1", Family::ipv4_only), ElementsAre("2001:db8::1"));
}

TEST(RelayHostLookup, OnlyAnAddressIsKnownAtOnce) {
  EXPECT_EQ(numeric_host("192.0.2.1").value().size(), 1U);
  EXPECT_EQ(numeric_host("2001:db8::1").value().size(), 1U);
  EXPECT_FALSE(numeric_host("localhost"));
}

TEST(RelayHostLookup, AScopedAddress) {
  const unsigned lo = ::if_nametoindex("lo");
  ASSERT_NE(lo, 0U);
  EXPECT_THAT(found("fe80::1%lo"), ElementsAre("fe80::1%" + std::to_string(lo)));
}

TEST(RelayHostLookup, NamesOfTheSystem) {
  EXPECT_EQ(found("localhost", Family::ipv4_only).front(), "127.0.0.1");
  EXPECT_THAT(found("localhost", Family::ipv6_only), testing::Contains("127.0.0.1"))
      << "the family is for what leaves this host";
  const auto absent = look_up_host("no name", Family::prefer_ipv4);
  ASSERT_FALSE(absent.has_value());
  EXPECT_THAT(absent.error().what, HasSubstr("no name: "));
}

TEST(RelayOwnHost, NamesAndAddresses) {
  const OwnHost own({"mx.example.jp", "[192.0.2.1]", "[IPv6:2001:db8::1]"}, {ip("198.51.100.1")});
  for (const char* name : {"mx.example.jp", "MX.EXAMPLE.JP", "localhost", "x.localhost",
                           "192.0.2.1", "2001:db8::1", "127.0.0.1", "0.0.0.0"})
    EXPECT_TRUE(own.is_name(name)) << name;
  EXPECT_FALSE(own.is_name("example.jp"));
  for (const char* address :
       {"192.0.2.1", "2001:db8::1", "198.51.100.1", "127.9.9.9", "::1", "::", "0.5.0.0"})
    EXPECT_TRUE(own.has(ip(address))) << address;
  EXPECT_TRUE(own.has(*mail::IpAddress::parse_published("::ffff:192.0.2.1")));
  EXPECT_TRUE(own.has(*mail::IpAddress::parse_published("::ffff:127.0.0.1")));
  EXPECT_FALSE(own.has(ip("192.0.2.2")));
  EXPECT_FALSE(own.has(ip("2001:db8::")));
}

TEST(RelayOwnHost, TheInterfacesHaveLoopback) {
  EXPECT_EQ(addresses_of_interfaces().count(ip("127.0.0.1")), 1U);
}

}  // namespace
}  // namespace sekisho::relay
