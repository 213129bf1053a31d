// What clients and logins have used up, and what a proxy says.
#include "smtp/limits.h"

#include <atomic>
#include <fstream>

#include <gtest/gtest.h>

#include "smtp/login_quota.h"
#include "smtp/proxy.h"
#include "support/smtp_house.h"
#include "support/temporary_folder.h"

namespace sekisho::smtp {

namespace {

using namespace std::chrono_literals;

std::string address(std::string_view text) {
  return client_key(mail::IpAddress::parse(text).value());
}

// One more recipient, if there is room.
bool take(LoginQuota& quota, std::string_view login, std::uint32_t most) {
  const bool room = quota.has_room(login, most);
  if (room) quota.count(login);
  return room;
}

}  // namespace

TEST(SmtpLimits, AClientIsAnAddressOrASlash64) {
  EXPECT_EQ(address("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(address("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
  EXPECT_EQ(address("::ffff:192.0.2.1"), "192.0.2.1");
}

TEST(SmtpLimits, ConnectionsAtATimeAndInAMinute) {
  ClientLimits limits;
  const Limits two{.connections = 2, .connections_per_minute = 4};
  const auto now = steady_now();
  EXPECT_TRUE(limits.connected("a", two, now));
  EXPECT_TRUE(limits.connected("a", two, now));
  EXPECT_FALSE(limits.connected("a", two, now));
  EXPECT_TRUE(limits.connected("b", two, now));
  limits.disconnected("a");
  EXPECT_TRUE(limits.connected("a", two, now));
  limits.disconnected("a");
  EXPECT_FALSE(limits.connected("a", two, now));  // the fifth in this minute
  EXPECT_TRUE(limits.connected("a", two, now + 61s));
}

TEST(SmtpLimits, NoneIsNoLimit) {
  ClientLimits limits;
  Limits none;
  none.messages_per_minute = 0;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(limits.message("a", none));
}

TEST(SmtpLimits, AFloodOfClientsIsBounded) {
  ClientLimits limits;
  const Limits one{.messages_per_minute = 1};
  const auto now = steady_now();
  EXPECT_TRUE(limits.message("first", one, now));
  for (std::size_t i = 0; i < ClientLimits::most_clients + 10; ++i) {
    limits.message(std::to_string(i), one, now);
  }
  EXPECT_FALSE(limits.message("first", one, now));
  EXPECT_TRUE(limits.message("too many", one, now));
  EXPECT_TRUE(limits.message("too many", one, now));
}

TEST(SmtpLimits, FailedLoginsByPairAndByClient) {
  LoginFailures failures;
  const auto now = steady_now();
  for (int i = 0; i < 10; ++i) failures.failed("a", "Alice", now);
  EXPECT_TRUE(failures.blocked("a", "alice", 10, now));
  EXPECT_FALSE(failures.blocked("a", "bob", 10, now));
  EXPECT_FALSE(failures.blocked("b", "alice", 10, now));
  EXPECT_FALSE(failures.blocked("a", "alice", 10, now + 11min));
  EXPECT_FALSE(failures.blocked("a", "alice", 0, now));
  // Slow for strangers at that address, and not for whom it belongs to.
  EXPECT_EQ(failures.delay("a", "carol", now), LoginFailures::slow_by);
  failures.succeeded("a", "carol", now);
  EXPECT_EQ(failures.delay("a", "carol", now), 0s);
  EXPECT_EQ(failures.delay("b", "carol", now), 0s);
  EXPECT_EQ(failures.delay("a", "carol", now + 1min), 0s);
}

TEST(SmtpLimits, WhereALoginBelongsOutlivesARestart) {
  const test::TemporaryFolder folder;
  const auto path = folder.file("known-logins");
  const auto lines = std::make_shared<test::LogLines>();
  Log log(lines, LogLevel::info);
  const auto is_slow = [](LoginFailures& failures, std::string_view login) {
    for (int i = 0; i < 10; ++i) failures.failed("192.0.2.1", "guess");
    return failures.delay("192.0.2.1", login) > 0s;
  };
  {
    LoginFailures failures(path, log);
    failures.succeeded("192.0.2.1", "Alice Smith");
    failures.succeeded("192.0.2.1", "Alice Smith");
    failures.succeeded("192.0.2.1", "a\nb");
  }
  const auto long_ago = std::to_string(wall_now().time_since_epoch().count() - 31 * 24 * 3600);
  std::ofstream(path, std::ios::app) << long_ago << " 192.0.2.1 carol\n99999999999 192.0.2.1 dave\n"
                                     << "x\ncut o";
  LoginFailures failures(path, log);
  EXPECT_FALSE(is_slow(failures, "alice smith"));
  for (const char* stranger : {"carol", "dave", "bob", "a\nb"}) {
    EXPECT_TRUE(is_slow(failures, stranger)) << stranger;
  }
  EXPECT_TRUE(lines->all().empty());
}

TEST(SmtpLimits, BrokenTlsIsForgottenAfterAnHour) {
  BrokenTls broken;
  const auto now = steady_now();
  broken.failed("a", now);
  EXPECT_TRUE(broken.is_broken("a", now + 59min));
  EXPECT_FALSE(broken.is_broken("a", now + 61min));
  EXPECT_FALSE(broken.is_broken("b", now));
}

TEST(SmtpLimits, TheDayOfALoginOutlivesARestart) {
  const test::TemporaryFolder folder;
  const auto lines = std::make_shared<test::LogLines>();
  Log log(lines, LogLevel::info);
  std::atomic<int> hour{400'000};
  const auto clock = [&] { return WallTime(std::chrono::hours(hour.load())); };
  {
    LoginQuota quota(folder.file("logins"), log, clock);
    EXPECT_TRUE(take(quota, "bob", 5));
    hour += 23;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(take(quota, "Alice", 5));
  }
  std::ofstream(folder.file("logins"), std::ios::app) << "cut o";
  LoginQuota quota(folder.file("logins"), log, clock);
  EXPECT_EQ(quota.used("alice"), 3U);
  EXPECT_TRUE(take(quota, "alice", 5));
  EXPECT_TRUE(take(quota, "alice", 5));
  EXPECT_FALSE(take(quota, "alice", 5));
  EXPECT_EQ(quota.used("bob"), 1U);
  hour += 2;
  EXPECT_EQ(quota.used("bob"), 0U);
  EXPECT_FALSE(take(quota, "alice", 5));
  hour += 23;
  EXPECT_TRUE(take(quota, "alice", 5));
  EXPECT_TRUE(lines->all().empty());
}

TEST(SmtpLimits, AQuotaThatCannotBeWrittenStillCounts) {
  const auto lines = std::make_shared<test::LogLines>();
  Log log(lines, LogLevel::info);
  {
    LoginQuota quota("/nowhere/at/all", log);
    EXPECT_TRUE(take(quota, "alice", 1));
    EXPECT_FALSE(take(quota, "alice", 1));
  }
  EXPECT_TRUE(lines->has("/nowhere/at/all"));
}

TEST(SmtpProxy, VersionOne) {
  const auto read = read_proxy_header("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\nEHLO");
  ASSERT_EQ(read.read, ProxyHeader::Read::complete);
  EXPECT_EQ(read.client->text(), "192.0.2.1");
  EXPECT_EQ(read.port, 56324);
  EXPECT_EQ(read.octets, 44U);
  EXPECT_EQ(read_proxy_header("PROXY UNKNOWN\r\n").read, ProxyHeader::Read::complete);
  EXPECT_FALSE(read_proxy_header("PROXY UNKNOWN\r\n").client);
  for (const std::string& bad : {std::string("EHLO x\r\n"), std::string("PROXY TCP4 x y 1 2\r\n"),
                                 std::string("PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n"),
                                 std::string("PROXY TCP4 192.0.2.1 198.51.100.1 99999 25\r\n"),
                                 std::string("PROXY TCP4 2001:db8::1 198.51.100.1 1 25\r\n"),
                                 "PROXY " + std::string(101, 'x')}) {
    EXPECT_EQ(read_proxy_header(bad).read, ProxyHeader::Read::invalid) << bad;
  }
  EXPECT_EQ(read_proxy_header("PROX").read, ProxyHeader::Read::incomplete);
  EXPECT_EQ(read_proxy_header("").read, ProxyHeader::Read::incomplete);
}

TEST(SmtpProxy, VersionTwo) {
  const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);
  const std::string v4 = signature + std::string("\x21\x11\x00\x0c", 4) +
                         std::string("\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x00\x19", 12);
  const auto read = read_proxy_header(v4 + "EHLO");
  ASSERT_EQ(read.read, ProxyHeader::Read::complete);
  EXPECT_EQ(read.client->text(), "192.0.2.1");
  EXPECT_EQ(read.octets, v4.size());
  for (std::size_t i = 0; i < v4.size(); ++i) {
    EXPECT_EQ(read_proxy_header(v4.substr(0, i)).read, ProxyHeader::Read::incomplete) << i;
  }
  const auto local = read_proxy_header(signature + std::string("\x20\x00\x00\x00", 4));
  EXPECT_EQ(local.read, ProxyHeader::Read::complete);
  EXPECT_FALSE(local.client);
  for (const auto& head : {std::string("\x21\x11\xff\xff", 4), std::string("\x11\x11\x00\x0c", 4),
                           std::string("\x22\x11\x00\x0c", 4)}) {
    EXPECT_EQ(read_proxy_header(signature + head).read, ProxyHeader::Read::invalid);
  }
  const std::string short_block = signature + std::string("\x21\x11\x00\x04", 4) + "abcd";
  EXPECT_EQ(read_proxy_header(short_block).read, ProxyHeader::Read::invalid);
}

TEST(SmtpProxy, WhoIsOne) {
  const auto proxies = Proxies::parse({"192.0.2.0/28", "xclient:198.51.100.7"}).value();
  const auto kind = [&](const char* text) {
    return proxies.kind_of(mail::IpAddress::parse(text).value());
  };
  EXPECT_EQ(kind("192.0.2.3"), Proxies::Kind::proxy);
  EXPECT_EQ(kind("198.51.100.7"), Proxies::Kind::xclient);
  EXPECT_EQ(kind("198.51.100.8"), Proxies::Kind::none);
  EXPECT_FALSE(Proxies::parse({"nobody"}));
}

TEST(SmtpProxy, Xclient) {
  const auto said = read_xclient("NAME=mx.b.example ADDR=IPV6:2001:db8::1 PORT=99 HELO=a+2Bb");
  ASSERT_TRUE(said);
  EXPECT_EQ(said->name, "mx.b.example");
  EXPECT_EQ(said->address->text(), "2001:db8::1");
  EXPECT_EQ(said->helo, "a+b");
  EXPECT_EQ(read_xclient("NAME=[UNAVAILABLE] ADDR=192.0.2.1")->name, "");
  for (const char* bad : {"", "NAME", "ADDR=x", "PORT=x", "FOO=bar", "NAME=a+0Db"}) {
    EXPECT_FALSE(read_xclient(bad)) << bad;
  }
}

}  // namespace sekisho::smtp
