// What the SMTP core gets from the settings; gateways and bridges of a host.
#include "setup/site.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "config/load.h"
#include "setup/snapshot.h"
#include "support/temporary_folder.h"

namespace sekisho::setup {
namespace {

mail::IpAddress ip(const char* text) { return mail::IpAddress::parse(text).value(); }

config::Settings settings_of(const std::string& text) {
  const auto loaded = config::load_text(text, "a.conf");
  EXPECT_TRUE(loaded);
  return loaded ? loaded->settings : config::Settings();
}

const char* const site_text = R"(
[identity]
hostname = "MX.Example.JP"
origin = "example.jp"
domains = ["example.jp"]
addresses = ["203.0.113.7"]
[trust]
networks = ["192.168.0.0/16"]
[[listener]]
profile = "mx"
address = ["127.0.0.1:2525"]
proxies = ["xclient:10.0.0.6"]
[[listener]]
profile = "submission"
address = ["127.0.0.1:2587"]
limits = {connections = 3}
[tls]
certificate = "/c"
key = "/k"
[users]
source = "file:/users"
[[route]]
domain = ["example.jp"]
via = "maildir:/m/{user}"
recipients = "users"
[[permit]]
from = ["198.51.100.0/24"]
to = ["*"]
)";

TEST(SetupSite, TheMapKnowsThisHost) {
  const HostAddresses host{{ip("192.0.2.1"), ip("2001:db8::1")}, {ip("192.168.1.1")}};
  const auto map = make_map(settings_of(site_text), host);
  EXPECT_EQ(map->options().hostname, "mx.example.jp");
  EXPECT_EQ(map->options().egress.helo, "mx.example.jp");
  for (const char* name :
       {"mx.example.jp", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]", "[203.0.113.7]"}) {
    EXPECT_TRUE(map->is_own_name(name)) << name;
  }
  EXPECT_FALSE(map->is_own_name("[192.0.2.2]"));
  EXPECT_TRUE(map->trusted().contains(ip("192.168.1.2")));
  EXPECT_FALSE(map->trusted().contains(ip("192.168.1.1")));
  EXPECT_EQ(directory_options(settings_of(site_text), map).origin, "example.jp");
}

TEST(SetupSite, TheListenersSeeTheirKeys) {
  const auto settings = settings_of(site_text);
  std::vector<std::string> asked;
  SiteParts parts;
  parts.context = [&](const std::string& resumption) {
    asked.push_back(resumption);
    return nullptr;
  };
  const auto site = make_site(settings, make_map(settings, {}), parts);
  ASSERT_TRUE(site) << site.error();
  EXPECT_EQ((*site)->hostname, "mx.example.jp");
  EXPECT_EQ((*site)->origin, "example.jp");
  EXPECT_TRUE((*site)->smtputf8);
  ASSERT_EQ((*site)->listeners.size(), 3U);
  const auto& [mx, submission, local] =
      std::tie((*site)->listeners[0], (*site)->listeners[1], (*site)->listeners[2]);
  EXPECT_EQ(mx.proxies.kind_of(ip("10.0.0.6")), smtp::Proxies::Kind::xclient);
  EXPECT_EQ(submission.limits.connections, 3U);
  EXPECT_EQ(submission.tls, smtp::ListenerTls::required);
  EXPECT_EQ(local.profile, smtp::Profile::local);
  EXPECT_EQ(asked, (std::vector<std::string>{"", "submission"}));
}

TEST(SetupSite, Utf8IsOfferedOnlyWhereEveryOpenRouteTakesIt) {
  auto settings = settings_of(site_text);
  settings.routes.push_back(settings.routes.front());
  settings.routes.back().domain = {"example.net"};
  settings.routes.back().via.kind = relay::Via::Kind::smtp_host;
  EXPECT_FALSE((*make_site(settings, make_map(settings, {}), {}))->smtputf8);
  settings.routes.back().recipients.reset();
  EXPECT_TRUE((*make_site(settings, make_map(settings, {}), {}))->smtputf8);
  settings.routes.clear();
  EXPECT_FALSE((*make_site(settings, make_map(settings, {}), {}))->smtputf8);
}

TEST(SetupSnapshot, ClientsThatMaySendAnywhereAreTrusted) {
  auto settings = settings_of(site_text);
  const auto alone = make_offline_snapshot(settings, "");
  ASSERT_TRUE(alone) << alone.error();
  EXPECT_TRUE((*alone)->options.trust.networks.contains(ip("198.51.100.9")));
  settings.listeners.clear();
  const auto beside = make_offline_snapshot(settings, "");
  EXPECT_FALSE((*beside)->options.trust.networks.contains(ip("198.51.100.9")));
}

// A gateway that came later stands for the whole Internet from then on.
TEST(SetupSnapshot, NetworksFollowTheAddressesOfThisHost) {
  config::Settings settings;
  settings.listeners.emplace_back();
  settings.session.identity.hostname = "mx.example.jp";
  settings.session.trust.networks =
      mail::PrefixSet({mail::IpPrefix::parse("172.16.0.0/12").value()});
  const auto before = make_offline_snapshot(settings, "digest").value();
  const auto bridge = mail::IpAddress::parse("172.17.0.1").value();
  EXPECT_TRUE(before->options.trust.networks.contains(bridge));
  const auto after = with_networks_of(*make_map(settings, {{}, {bridge}}), *before);
  EXPECT_FALSE(after->options.trust.networks.contains(bridge));
  EXPECT_TRUE(after->options.trust.networks.contains(mail::IpAddress::parse("172.17.0.2").value()));
  EXPECT_EQ(after->digest, before->digest);
}

TEST(SetupThisHost, GatewaysOfDefaultRoutes) {
  const std::string table =
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
      "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
      "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
      "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
      "tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0\n"
      "eth1\t0000000A\t010200C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n"
      "nonsense\n";
  EXPECT_EQ(default_gateways(table), std::vector<mail::IpAddress>{ip("192.168.1.1")});
  EXPECT_TRUE(default_gateways("").empty());
}

TEST(SetupThisHost, BridgesHaveAFolderOfTheirOwn) {
  const test::TemporaryFolder net;
  std::filesystem::create_directories(net.file("net/docker0/bridge"));
  std::filesystem::create_directories(net.file("net/eth0/queues"));
  EXPECT_EQ(bridges(net.file("net")), std::vector<std::string>{"docker0"});
  EXPECT_TRUE(bridges(net.file("none")).empty());
}

TEST(SetupThisHost, LoopbackIsOurs) {
  const auto host = addresses_of_this_host();
  EXPECT_NE(std::find(host.own.begin(), host.own.end(), ip("127.0.0.1")), host.own.end());
}

}  // namespace
}  // namespace sekisho::setup
