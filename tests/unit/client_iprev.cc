#include "client/iprev.h"

#include "support/fake_dns.h"

namespace sekisho::test {
namespace {

using client::IprevCode;

mail::IpAddress address(std::string_view text) { return mail::IpAddress::parse(text).value(); }

client::IprevResult run(std::string_view client, FakeDns& dns, int* rounds = nullptr) {
  return run_to_end(
      [&](const dns::Answers& answers) { return client::iprev(address(client), answers); }, dns,
      true, rounds);
}

FakeDns with_names(std::initializer_list<std::string_view> names) {
  FakeDns dns;
  for (const auto each : names) dns.ptr("1.2.0.192.in-addr.arpa", each);
  return dns;
}

TEST(Iprev, OneNameThatLeadsBack) {
  FakeDns dns = with_names({"mx.news.test"});
  dns.a("mx.news.test", "192.0.2.7").a("mx.news.test", "192.0.2.1");
  int rounds = 0;
  const auto result = run("192.0.2.1", dns, &rounds);
  EXPECT_EQ(result.code, IprevCode::pass);
  EXPECT_EQ(result.name, "mx.news.test");
  EXPECT_EQ(rounds, 2);
}

TEST(Iprev, OutcomesOfOneAddress) {
  struct Row {
    const char* what;
    IprevCode want;
    FakeDns dns;
  };
  Row rows[] = {
      {"no name", IprevCode::permerror, FakeDns()},
      {"nodata", IprevCode::permerror, FakeDns().exists("1.2.0.192.in-addr.arpa")},
      {"the reverse zone fails", IprevCode::temperror, FakeDns().error("1.2.0.192.in-addr.arpa")},
      {"another address", IprevCode::fail,
       with_names({"mx.news.test"}).a("mx.news.test", "192.0.2.2")},
      {"the name does not exist", IprevCode::fail, with_names({"mx.news.test"})},
      {"only an AAAA", IprevCode::fail,
       with_names({"mx.news.test"}).a("mx.news.test", "2001:db8::1")},
      {"the name fails", IprevCode::temperror, with_names({"mx.news.test"}).error("mx.news.test")},
      {"the second passes", IprevCode::pass,
       with_names({"a.test", "b.test"}).error("a.test").a("b.test", "192.0.2.1")},
      {"one fails, one is elsewhere", IprevCode::temperror,
       with_names({"a.test", "b.test"}).error("a.test").a("b.test", "192.0.2.2")},
      {"no host name", IprevCode::fail, with_names({"", ".", "a..b", "bad name", "x\xff.test"})},
  };
  for (Row& row : rows) {
    const auto result = run("192.0.2.1", row.dns);
    EXPECT_EQ(result.code, row.want) << row.what;
    EXPECT_EQ(result.name.empty(), row.want != IprevCode::pass) << row.what;
    EXPECT_EQ(result.reason.empty(), row.want == IprevCode::pass) << row.what;
  }
}

TEST(Iprev, Ipv6AsksForAaaa) {
  FakeDns dns;
  dns.ptr(address("2001:db8::1").reverse_name(), "mx.news.test").a("mx.news.test", "2001:db8::1");
  EXPECT_EQ(run("2001:db8::1", dns).code, IprevCode::pass);
  ASSERT_EQ(dns.asked.size(), 2U);
  EXPECT_EQ(dns.asked[1].type, dns::Type::aaaa);
}

TEST(Iprev, MappedAddressIsTheIpv4Address) {
  FakeDns dns = with_names({"mx.news.test"});
  dns.a("mx.news.test", "192.0.2.1");
  EXPECT_EQ(run("::ffff:192.0.2.1", dns).code, IprevCode::pass);
}

// An AAAA record speaks of IPv6, where this address is nobody's.
TEST(Iprev, AMappedAddressInTheDnsIsNotTheClient) {
  FakeDns dns;
  dns.ptr(address("2001:db8::1").reverse_name(), "mx.news.test")
      .a("mx.news.test", "::ffff:192.0.2.1");
  EXPECT_EQ(run("2001:db8::1", dns).code, IprevCode::fail);
  FakeDns v4 = with_names({"mx.news.test"});
  v4.a("mx.news.test", "::ffff:192.0.2.1");
  EXPECT_EQ(run("192.0.2.1", v4).code, IprevCode::fail);
}

TEST(Iprev, TheFirstNameThatLeadsBackCounts) {
  FakeDns dns = with_names({"b.test", "a.test"});
  dns.a("a.test", "192.0.2.1").a("b.test", "192.0.2.1");
  EXPECT_EQ(run("192.0.2.1", dns).name, "b.test");
}

// Which name is shown must not depend on which answer came first.
TEST(Iprev, ALaterNameWaitsForTheEarlierOnes) {
  FakeDns dns = with_names({"b.test", "a.test"});
  dns.a("a.test", "192.0.2.1").a("b.test", "192.0.2.1");
  dns::Answers answers;
  const auto client = address("192.0.2.1");
  const auto first = client::iprev(client, answers).needed;
  ASSERT_EQ(first.size(), 1U);
  answers.add(first[0], dns.answer(first[0]));
  const auto names = client::iprev(client, answers).needed;
  ASSERT_EQ(names.size(), 2U);
  answers.add(names[1], dns.answer(names[1]));
  EXPECT_EQ(client::iprev(client, answers).needed, std::vector{names[0]});
  answers.add(names[0], dns.answer(names[0]));
  EXPECT_EQ(client::iprev(client, answers).result.value().name, "b.test");
}

// Attacks, by name.

TEST(IprevHostile, HundredNamesAreTenQuestionsInOneRound) {
  FakeDns dns;
  for (int i = 0; i < 100; ++i)
    dns.ptr("1.2.0.192.in-addr.arpa", "n" + std::to_string(i) + ".test");
  dns.a("n50.test", "192.0.2.1");
  int rounds = 0;
  EXPECT_EQ(run("192.0.2.1", dns, &rounds).code, IprevCode::fail);
  EXPECT_EQ(dns.asked.size(), 11U);
  EXPECT_EQ(rounds, 2);
}

TEST(IprevHostile, UnspecifiedAddressIsClean) {
  FakeDns dns;
  EXPECT_EQ(run("::", dns).code, IprevCode::permerror);
  EXPECT_EQ(run("0.0.0.0", dns).code, IprevCode::permerror);
}

}  // namespace
}  // namespace sekisho::test
