// `sekisho selftest relay`: the matrix of a DMZ host, computed by the daemon's own map.
#include "cli/selftest.h"

#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace sekisho::cli {
namespace {

relay::MapOptions dmz() {
  relay::MapOptions options;
  relay::Route inside;
  inside.domain = {"example.jp", ".lab.example.jp"};
  inside.via = {relay::Via::Kind::smtp_host, "192.168.1.10", 25};
  inside.recipients = relay::Recipients{relay::Recipients::Kind::any, ""};
  options.routes = {inside};
  options.permits = {{{"192.168.1.10"}, {"*"}, "milter.conf:9"},
                     {{"192.168.2.0/24", "!192.168.2.254"}, {"partner.example"}, "milter.conf:12"}};
  options.networks.add(*mail::PrefixSet::parse_entry("192.168.0.0/16"));
  options.relays.add(*mail::PrefixSet::parse_entry("203.0.113.25"));
  options.hostname = "dmz.example.jp";
  options.own_names = {"localhost"};
  return options;
}

using Matrix = std::map<std::pair<std::string, std::string>, bool>;

Matrix matrix(const relay::Map& map) {
  Matrix out;
  for (const auto& one : relay_cases(map)) out[{one.from, one.to}] = one.reach.allowed;
  return out;
}

TEST(Selftest, TheFourDirections) {
  const relay::Map map(dmz());
  const auto all = matrix(map);
  const auto allowed = [&](const std::string& from, const std::string& to) {
    const auto found = all.find({from, to});
    EXPECT_NE(found, all.end()) << from << " to " << to;
    return found != all.end() && found->second;
  };
  const std::string stranger = "a stranger, 198.51.100.77";
  EXPECT_TRUE(allowed(stranger, "example.jp"));
  EXPECT_TRUE(allowed(stranger, "below.lab.example.jp"));
  EXPECT_FALSE(allowed(stranger, "below.example.jp"));
  EXPECT_FALSE(allowed(stranger, "partner.example"));
  EXPECT_FALSE(allowed(stranger, "anywhere.invalid"));
  const std::string server = "[[permit]] 192.168.1.10, 192.168.1.10";
  EXPECT_TRUE(allowed(server, "anywhere.invalid"));
  EXPECT_TRUE(allowed(server, "example.jp"));
  const std::string narrow = "[[permit]] 192.168.2.0/24, 192.168.2.0";
  EXPECT_TRUE(allowed(narrow, "partner.example"));
  EXPECT_FALSE(allowed(narrow, "anywhere.invalid"));
  EXPECT_FALSE(allowed("[[permit]] !192.168.2.254, 192.168.2.254", "partner.example"));
  const std::string lan = "trust.networks 192.168.0.0/16, 192.168.0.0";
  EXPECT_TRUE(allowed(lan, "example.jp"));
  EXPECT_FALSE(allowed(lan, "anywhere.invalid"));
  const std::string relay = "trust.relays 203.0.113.25/32, 203.0.113.25";
  EXPECT_TRUE(allowed(relay, "example.jp"));
  EXPECT_FALSE(allowed(relay, "anywhere.invalid"));
  EXPECT_TRUE(allowed("a login", "anywhere.invalid"));
  EXPECT_TRUE(allowed("this host", "anywhere.invalid"));
}

TEST(Selftest, KnowsAStrangerAlsoWhereExampleAddressesAreOurs) {
  auto options = dmz();
  options.networks.add(*mail::PrefixSet::parse_entry("198.51.100.0/24"));
  bool found = false;
  for (const auto& one : relay_cases(relay::Map(options))) {
    found = found || (one.is_stranger && one.from == "a stranger, 203.0.113.77");
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace sekisho::cli
