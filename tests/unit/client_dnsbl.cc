// Lookups in DNS lists: names, codes, reasons, and what lists do that they must not.
#include "client/dnsbl.h"

#include <algorithm>

#include "support/fake_dns.h"

namespace sekisho::test {
namespace {

using namespace client;

mail::IpAddress address(std::string_view text) { return mail::IpAddress::parse(text).value(); }

DnsListDefinition list(std::string name, std::string_view text,
                       DnsListKind kind = DnsListKind::dnsbl) {
  DnsListDefinition out;
  out.name = std::move(name);
  out.kind = kind;
  out.list = DnsListZone::parse(text).value();
  if (kind != DnsListKind::rhsbl) out.on = {DnsListOn::client};
  return out;
}

Options zen() { return {{list("zen", "zen.test=127.0.0.[2..11]")}}; }

DnsListResult run(const DnsListLookup& lookup, FakeDns& dns, Reason reason = Reason::wanted,
                  int* rounds = nullptr) {
  return run_to_end([&](const dns::Answers& answers) { return look_up(lookup, answers, reason); },
                    dns, true, rounds);
}

DnsListResult of_client(const Options& options, std::string_view client, FakeDns& dns) {
  return run(address_lookups(options, address(client)).at(0), dns);
}

TEST(Dnsbl, NamesThatAreAsked) {
  const auto options = zen();
  const auto v4 = address_lookups(options, address("192.0.2.1"));
  ASSERT_EQ(v4.size(), 1U);
  EXPECT_EQ(v4[0].question->name.text(), "1.2.0.192.zen.test");
  EXPECT_EQ(v4[0].value, "192.0.2.1");
  // RFC 5782 §2.4.
  const auto v6 = address_lookups(options, address("2001:db8:1:2:3:4:567:89ab"));
  EXPECT_EQ(v6[0].question->name.text(),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.zen.test");
  EXPECT_EQ(address_lookups(options, address("::ffff:192.0.2.1"))[0].question, v4[0].question);
}

TEST(Dnsbl, AHitCostsTwoRoundsAndAMissOne) {
  const auto options = zen();
  FakeDns dns;
  dns.a("1.2.0.192.zen.test", "127.0.0.4")
      .a("1.2.0.192.zen.test", "127.0.0.10")
      .a("1.2.0.192.zen.test", "127.0.0.99")
      .txt("1.2.0.192.zen.test", "https://check.test/192.0.2.1");
  int rounds = 0;
  const auto lookups = address_lookups(options, address("192.0.2.1"));
  const auto hit = run(lookups[0], dns, Reason::wanted, &rounds);
  EXPECT_EQ(rounds, 2);
  EXPECT_EQ(hit.code, DnsListCode::listed);
  EXPECT_EQ(hit.codes, "127.0.0.4,127.0.0.10");
  EXPECT_EQ(hit.reason, "https://check.test/192.0.2.1");
  EXPECT_EQ(hit.name, "zen");

  FakeDns empty;
  const auto miss = run(lookups[0], empty, Reason::wanted, &rounds);
  EXPECT_EQ(rounds, 1);
  EXPECT_EQ(miss.code, DnsListCode::not_listed);
  EXPECT_EQ(empty.asked.size(), 1U);
}

TEST(Dnsbl, AHitWithoutItsReasonIsAHit) {
  const auto options = zen();
  const auto lookup = address_lookups(options, address("192.0.2.1"))[0];
  FakeDns dns;
  dns.a("1.2.0.192.zen.test", "127.0.0.4").error("1.2.0.192.zen.test", dns::Type::txt);
  const auto failed = run(lookup, dns);
  EXPECT_EQ(failed.code, DnsListCode::listed);
  EXPECT_EQ(failed.reason, "");
  EXPECT_EQ(failed.fault, DnsListFault::none);
  int rounds = 0;
  FakeDns slow;
  slow.a("1.2.0.192.zen.test", "127.0.0.4");
  EXPECT_EQ(run(lookup, slow, Reason::if_known, &rounds).code, DnsListCode::listed);
  EXPECT_EQ(rounds, 1);
  EXPECT_EQ(slow.asked.size(), 1U);
}

TEST(Dnsbl, NobodyAsksADnswlForItsReason) {
  const Options options{{list("good", "good.test", DnsListKind::dnswl)}};
  FakeDns dns;
  dns.a("1.2.0.192.good.test", "127.0.5.1");
  EXPECT_EQ(of_client(options, "192.0.2.1", dns).code, DnsListCode::listed);
  EXPECT_EQ(dns.asked.size(), 1U);
}

struct Outcome {
  const char* what;
  std::vector<const char*> answers;
  DnsListCode code;
  DnsListFault fault = DnsListFault::none;
  const char* codes = "";
};

// What a list says that is no listing.
TEST(Dnsbl, LiesOfAList) {
  const Outcome table[] = {
      {"another code", {"127.0.0.1"}, DnsListCode::not_listed, DnsListFault::none, "127.0.0.1"},
      {"public resolver",
       {"127.255.255.254"},
       DnsListCode::set_aside,
       DnsListFault::error_code,
       "127.255.255.254"},
      {"an error beside a code",
       {"127.0.0.2", "127.255.255.255"},
       DnsListCode::set_aside,
       DnsListFault::error_code,
       "127.255.255.255"},
      {"a parked domain", {"8.8.8.8"}, DnsListCode::set_aside, DnsListFault::outside, "8.8.8.8"},
      {"a parked domain beside a code",
       {"127.0.0.2", "8.8.8.8"},
       DnsListCode::set_aside,
       DnsListFault::outside,
       "8.8.8.8"},
      {"a private address",
       {"10.0.0.2"},
       DnsListCode::set_aside,
       DnsListFault::outside,
       "10.0.0.2"},
      {"all zero", {"0.0.0.0"}, DnsListCode::set_aside, DnsListFault::outside, "0.0.0.0"},
  };
  const auto options = zen();
  for (const Outcome& each : table) {
    FakeDns dns;
    for (const char* answer : each.answers) dns.a("1.2.0.192.zen.test", answer);
    const auto result = of_client(options, "192.0.2.1", dns);
    EXPECT_EQ(result.code, each.code) << each.what;
    EXPECT_EQ(result.fault, each.fault) << each.what;
    EXPECT_EQ(result.codes, each.codes) << each.what;
    EXPECT_EQ(dns.asked.size(), 1U) << each.what;  // never its TXT
  }
}

TEST(Dnsbl, FailuresAreNotListed) {
  struct Row {
    const char* error;
    DnsListFault fault;
  };
  const Row table[] = {
      {"timeout", DnsListFault::no_answer},
      {"server unreachable", DnsListFault::no_answer},
      {"servfail", DnsListFault::refused},
      {"refused", DnsListFault::refused},
      {"cname loop", DnsListFault::refused},
      {"truncated, and no answer over TCP", DnsListFault::no_answer},
      {"query budget", DnsListFault::none},
      {"time budget", DnsListFault::none},
      {"shutting down", DnsListFault::none},
  };
  const auto options = zen();
  for (const Row& row : table) {
    FakeDns dns;
    dns.error("1.2.0.192.zen.test", row.error);
    const auto result = of_client(options, "192.0.2.1", dns);
    EXPECT_EQ(result.code, DnsListCode::temperror) << row.error;
    EXPECT_EQ(result.fault, row.fault) << row.error;
    EXPECT_EQ(result.reason, row.error);
  }
}

TEST(Dnsbl, ACnameLoopIsAFailure) {
  const auto options = zen();
  FakeDns dns;
  dns.cname("1.2.0.192.zen.test", "a.zen.test").cname("a.zen.test", "1.2.0.192.zen.test");
  const auto result = of_client(options, "192.0.2.1", dns);
  EXPECT_EQ(result.code, DnsListCode::temperror);
  EXPECT_EQ(result.fault, DnsListFault::refused);
}

TEST(Dnsbl, ManyAnswersAreBounded) {
  const auto options = zen();
  FakeDns dns;
  for (int i = 0; i < 90; ++i) dns.a("1.2.0.192.zen.test", "127.0.0." + std::to_string(2 + i % 10));
  const auto result = of_client(options, "192.0.2.1", dns);
  EXPECT_EQ(result.code, DnsListCode::listed);
  EXPECT_LT(result.codes.size(), 120U);
  EXPECT_TRUE(result.codes.ends_with(",+")) << result.codes;
}

// --- the reason ----------------------------------------------------------------------------------

TEST(DnsblReason, IsPrintableAscii) {
  const auto definition = list("zen", "zen.test");
  using namespace std::string_literals;
  EXPECT_EQ(clean_reason("a\r\n250 OK\0\x1b[2J\xc3\xa9\x7f"s, definition), "a??250 OK??[2J???");
  EXPECT_EQ(clean_reason("  spaces \t", definition), "spaces");
  EXPECT_EQ(clean_reason("", definition), "");
  EXPECT_EQ(clean_reason(std::string(4096, 'x'), definition), std::string(max_reason_octets, 'x'));
}

TEST(DnsblReason, DoesNotTellTheZoneOrItsKey) {
  const std::string key = "canary0123456789abcdef";
  const auto definition = list("zen", key + ".zen.test");
  const std::string texts[] = {"see 1.2.0.192." + key + ".zen.test!",
                               "your key is CANARY0123456789ABCDEF, keep it", key + key,
                               std::string(190, 'x') + key};
  for (const std::string& text : texts) {
    const std::string shown = clean_reason(text, definition);
    EXPECT_EQ(shown.find("canary"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("CANARY"), std::string::npos) << shown;
  }
  EXPECT_EQ(clean_reason("1.2." + key + ".zen.test!", definition), "1.2.zen!");
}

// The host of a URL may be the zone itself: without it a listed sender cannot ask why.
TEST(DnsblReason, LeavesAUrlWhole) {
  const std::string url = "https://bl.lists.example/?q=192.0.2.1";
  EXPECT_EQ(clean_reason(url, list("bl", "bl.lists.example=127.0.0.2")), url);
  EXPECT_EQ(clean_reason(url, list("other", "lists.example")), url);
  EXPECT_EQ(clean_reason("192.0.2.1 is in bl.lists.example", list("bl", "bl.lists.example")),
            "192.0.2.1 is in bl.lists.example");
}

// A zone that stands in a file of its own holds a key, whatever it looks like; elsewhere a UUID
// looks like one.
TEST(DnsblReason, DoesNotTellAKeyOfAnyForm) {
  const std::string uuid = "0a1b2c3d-4e5f-4a6b-8c7d-112233445566";
  const std::string text = "see https://lists.example/why?k=" + uuid + "&p=hunter-two";
  auto definition = list("uuid", uuid + ".lists.example");
  EXPECT_EQ(clean_reason(text, definition),
            "see https://lists.example/why?k=(secret)&p=hunter-two");
  definition = list("words", "hunter-two.dq.lists.example");
  EXPECT_NE(clean_reason(text, definition).find("hunter"), std::string::npos);
  definition.file = "/etc/sekisho/key";
  EXPECT_EQ(clean_reason(text, definition),
            "see https://lists.example/why?k=" + uuid + "&p=(secret)");
  EXPECT_FALSE(holds_key("zen.spamhaus-with-a-long-name-of-words.example"));
}

// No field of any result holds the key, whatever happens.
TEST(DnsblReason, NoResultTellsTheKey) {
  const std::string key = "canary0123456789abcdef";
  const Options options{{list("zen", key + ".zen.test")}};
  const std::string name = "1.2.0.192." + key + ".zen.test";
  FakeDns table[] = {FakeDns().a(name, "127.0.0.2").txt(name, "listed in " + name),
                     FakeDns().a(name, "127.255.255.254"), FakeDns().a(name, "8.8.8.8"),
                     FakeDns().error(name, "timeout"), FakeDns()};
  for (FakeDns& dns : table) {
    const auto result = of_client(options, "192.0.2.1", dns);
    for (const std::string& field : {result.name, result.value, result.codes, result.reason}) {
      EXPECT_EQ(field.find("canary"), std::string::npos) << field;
    }
  }
}

// --- domains -------------------------------------------------------------------------------------

Options dbl() {
  auto one = list("dbl", "dbl.test=127.0.1.[2..99]", DnsListKind::rhsbl);
  auto other = list("helo", "helo.test", DnsListKind::rhsbl);
  other.on = {DnsListOn::helo};
  return {{one, other, list("zen", "zen.test")}};
}

std::vector<DnsListLookup> domain_lookups(const Options& options, DnsListOn on,
                                          std::string_view name) {
  std::vector<DnsListLookup> lookups;
  const auto domain = listable(name);
  for (const auto& list : options.lists) {
    if (domain && list.holds(on)) lookups.push_back(domain_lookup(list, on, *domain));
  }
  return lookups;
}

TEST(Rhsbl, AsksForTheDomainAsItIs) {
  const auto options = dbl();
  const auto helo = domain_lookups(options, DnsListOn::helo,
                                   "Mail.B\xc3\xbc"
                                   "cher.example.");
  ASSERT_EQ(helo.size(), 2U);
  EXPECT_EQ(helo[0].question->name.text(), "mail.xn--bcher-kva.example.dbl.test");
  EXPECT_EQ(helo[1].question->name.text(), "mail.xn--bcher-kva.example.helo.test");
  EXPECT_EQ(helo[0].value, "mail.xn--bcher-kva.example");
  EXPECT_EQ(domain_lookups(options, DnsListOn::sender, "a.example").size(), 1U);
  FakeDns dns;
  dns.a("a.example.dbl.test", "127.0.1.2");
  const auto hit = run(domain_lookups(options, DnsListOn::sender, "a.example")[0], dns);
  EXPECT_EQ(hit.code, DnsListCode::listed);
  EXPECT_EQ(to_string(hit.on), "sender");
}

TEST(Rhsbl, WhatIsNoDomainIsNotAskedFor) {
  const auto options = dbl();
  for (const char* text : {"", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]", "192.0.2.1",
                           "a..b.example", "a b.example", "unknown", ".", "user@a.example"}) {
    EXPECT_TRUE(domain_lookups(options, DnsListOn::helo, text).empty()) << text;
  }
}

TEST(Rhsbl, ANameThatWouldBeTooLongIsNotListed) {
  const auto options = dbl();
  std::string domain;
  while (domain.size() < 240) domain += std::string(39, 'a') + ".";
  domain += "example";
  ASSERT_LE(domain.size(), 253U);
  const auto lookups = domain_lookups(options, DnsListOn::sender, domain);
  ASSERT_EQ(lookups.size(), 1U);
  EXPECT_FALSE(lookups[0].question);
  FakeDns dns;
  const auto result = run(lookups[0], dns);
  EXPECT_EQ(result.code, DnsListCode::not_listed);
  EXPECT_EQ(result.reason, "too long to be looked up");
  EXPECT_TRUE(dns.asked.empty());
}

}  // namespace
}  // namespace sekisho::test
