// Zones: what answers they give, and what is said of those that cannot be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/encoding.h"
#include "dns/make_resolver.h"
#include "dns/zone.h"
#include "dns/zone_resolver.h"
#include "support/cpu_time.h"
#include "support/fake_dns.h"

namespace sekisho::dns {
namespace {

Question question(std::string_view name, Type type) { return {Name::from(name).value(), type}; }

// "OUTCOME TTL DATA…" as answers.want has it.
std::string written(const Answer& answer) {
  std::string text =
      std::string(to_string(answer.outcome)) + " " + std::to_string(answer.ttl.count());
  std::vector<std::string> data;
  for (const auto& t : answer.texts) {
    std::string shown;
    for (const char c : t) {
      const auto octet = static_cast<unsigned char>(c);
      shown +=
          octet < 0x20 || octet > 0x7e ? "\\x" + hex_encode(std::string(1, c)) : std::string(1, c);
    }
    data.push_back(shown);
  }
  for (const auto& a : answer.addresses) data.push_back(a.text());
  for (const auto& mx : answer.exchanges)
    data.push_back(std::to_string(mx.preference) + " " + mx.exchange);
  data.insert(data.end(), answer.pointers.begin(), answer.pointers.end());
  if (answer.is_error()) data.push_back(answer.error);
  for (std::size_t n = 0; n < data.size(); ++n) text += (n == 0 ? " " : " | ") + data[n];
  return text;
}

TEST(Zone, AnswersAsAResolverWould) {
  const auto zone = Zone::load(test::data_path("dns/answers.zone"));
  ASSERT_TRUE(zone) << zone.error().what;
  std::istringstream wants(test::read_file(test::data_path("dns/answers.want")));
  int asked = 0;
  for (std::string line; std::getline(wants, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto first = line.find(' ');
    const auto second = line.find(' ', first + 1);
    const auto type = parse_type(line.substr(first + 1, second - first - 1));
    ASSERT_TRUE(type) << line;
    EXPECT_EQ(written(*zone->answer(question(line.substr(0, first), *type))),
              line.substr(second + 1))
        << line;
    ++asked;
  }
  EXPECT_GT(asked, 40);
}

TEST(Zone, NamesWithAnyOctetCanBeAskedFor) {
  const auto zone = Zone::load(test::data_path("dns/answers.zone")).value();
  const std::string odd("odd label\0.example.com", 22);
  EXPECT_THAT(zone.answer(question(odd, Type::txt))->texts, testing::ElementsAre("odd"));
}

TEST(Zone, SaysWhereAndWhatWasExpected) {
  struct Case {
    std::string text, want;
  };
  const std::vector<Case> cases{
      {"a A 192.0.2.300", "zone:1: expected one IPv4 address, found `192.0.2.300`"},
      {"a A 2001:db8::1", "zone:1: expected one IPv4 address"},
      {"a AAAA 192.0.2.1", "zone:1: expected one IPv6 address"},
      {"a A", "zone:1: expected one IPv4 address, found nothing"},
      {"\n\na TXTT x", "zone:3: expected a type such as TXT, found `TXTT`"},
      {"a 300 IN", "zone:1: expected a type such as TXT, found nothing"},
      {"a CH TXT x", "zone:1: expected class IN, found `CH`"},
      {"a TXT", "zone:1: expected a text"},
      {"a TXT \"open", "zone:1: expected a closing `\"`"},
      {"a TXT \"open\n\"", "zone:1: expected a closing `\"`"},
      {"a TXT " + std::string(256, 'x'), "zone:1: expected strings of 255 octets at most"},
      {"a TXT \\256", "zone:1: expected \\DDD of 000 to 255"},
      {"a TXT \\1", "zone:1: expected \\DDD of 000 to 255"},
      {"a TXT (\nb\n", "zone:1: expected `)`, found `the end of the file`"},
      {"a TXT b)", "zone:1: expected a record, found `)`"},
      {"a MX mail", "zone:1: expected a preference and a name"},
      {"a MX 65536 mail", "zone:1: expected a preference of 0 to 65535"},
      {"a CNAME", "zone:1: expected one name"},
      {"a SOA b c 1 2 3 4", "zone:1: expected the seven fields of a SOA"},
      {"a..b A 192.0.2.1", "zone:1: expected labels of 1 to 63 octets"},
      {std::string(64, 'a') + " A 192.0.2.1", "zone:1: expected labels of 1 to 63 octets"},
      {";!servfail .", "zone:1: expected a name that can be asked for, found `.`"},
      {";!servfail a\\.b", "zone:1: expected a name that can be asked for"},
      {"a TXT \\#", "zone:1: expected \\#, a length and as many octets in hexadecimal"},
      {"a TXT \\# 3 0361", "zone:1: expected \\#, a length and as many octets in hexadecimal"},
      {"a TXT \\# 2 036", "zone:1: expected \\#, a length and as many octets in hexadecimal"},
      {"a TXT \\# 2 0x61", "zone:1: expected \\#, a length and as many octets in hexadecimal"},
      {"a TXT \\# 2 0361", "zone:1: expected octets that make a record of this type"},
      {"a TXT \\# 0", "zone:1: expected octets that make a record of this type"},
      {"a A \\# 5 c000020101", "zone:1: expected octets that make a record of this type"},
      {"a MX \\# 2 000a", "zone:1: expected octets that make a record of this type"},
      {"a MX \\# 4 000a0161", "zone:1: expected octets that make a record of this type"},
      {"a CNAME \\# 2 c00c", "zone:1: expected octets that make a record of this type"},
      {"a CNAME \\# 2 0000", "zone:1: expected octets that make a record of this type"},
      {"a CLASS3 TXT x", "zone:1: expected class IN, found `CLASS3`"},
      {"a TYPE65536 x", "zone:1: expected a type such as TXT"},
      {"a CNAME .\na TXT x", "zone:2: expected no other record beside the CNAME of a"},
      {"a CNAME .\na CNAME b", "zone:2: expected no other record beside the CNAME of a"},
      {" A 192.0.2.1", "zone:1: expected a name at the beginning of the line"},
      {"$INCLUDE other", "zone:1: expected $ORIGIN, $TTL or a record, found `$INCLUDE`"},
      {"$TTL soon", "zone:1: expected a number of seconds after $TTL, found `soon`"},
      {"$ORIGIN", "zone:1: expected one name after $ORIGIN"},
      {"a CNAME b\na TXT c", "zone:2: expected no other record beside the CNAME of a"},
      {"a TXT c\na CNAME b", "zone:2: expected no other record beside the CNAME of a"},
      {"a CNAME b\na CNAME c", "zone:2: expected no other record beside the CNAME of a"},
      {";!nxdomain a", "zone:1: expected `;!servfail NAME [TYPE]` or `;!timeout NAME [TYPE]`"},
      {";!timeout", "zone:1: expected a name and perhaps a type after ;!timeout"},
      {";!timeout a SRV",
       "zone:1: expected one of the types A, AAAA, CNAME, MX, PTR, TXT, found `SRV`"},
      {"a A \x1b[31m", "zone:1: expected one IPv4 address, found `\\x1b"},
  };
  for (const auto& [text, want] : cases) {
    const auto zone = Zone::parse(text);
    ASSERT_FALSE(zone) << text;
    EXPECT_THAT(zone.error().what, testing::StartsWith(want)) << text;
  }
}

TEST(Zone, HoldsTheLimitsOfTheRealResolver) {
  std::string text;
  for (int n = 0; n < 150; ++n) text += "many A 192.0.2." + std::to_string(n) + "\n";
  for (int n = 0; n < 10; ++n)
    text += "c" + std::to_string(n) + " CNAME c" + std::to_string(n + 1) + "\n";
  text += "c10 TXT end\n";
  const auto zone = Zone::parse(text).value();
  EXPECT_EQ(zone.answer(question("many", Type::a))->addresses.size(), max_records);
  EXPECT_THAT(zone.answer(question("c2", Type::txt))->texts, testing::ElementsAre("end"))
      << "eight links";
  EXPECT_EQ(zone.answer(question("c1", Type::txt))->error, "cname loop") << "nine links";
}

TEST(Zone, LoadsAHundredThousandRecordsFast) {
  std::string text = "$ORIGIN example.com.\n";
  for (int n = 0; n < 100'000; ++n) text += "host" + std::to_string(n) + " TXT \"v=spf1 -all\"\n";
  const auto begin = cpu_time();
  const auto zone = Zone::parse(text).value();
  EXPECT_EQ(zone.records(), 100'000U);
  EXPECT_THAT(zone.answer(question("host99999.example.com", Type::txt))->texts,
              testing::ElementsAre("v=spf1 -all"));
  // Half a second is usual; a quadratic reader would take minutes, even under a sanitizer.
  EXPECT_LT(cpu_time() - begin, std::chrono::seconds(20));
}

TEST(ZoneResolver, AnswersAtOnceAndCounts) {
  ZoneResolver resolver(Zone::parse("a TXT x\n;!timeout b\n;!servfail c\n").value(), "lab.zone");
  EXPECT_NE(resolver.at_hand(question("a", Type::txt)), nullptr);
  std::string error;
  const auto ticket =
      resolver.ask(question("b", Type::txt), [&](AnswerPtr answer) { error = answer->error; });
  EXPECT_EQ(error, "timeout");
  resolver.cancel(ticket);
  EXPECT_EQ(resolver.at_hand(question("c", Type::txt))->error, "servfail");
  const auto status = resolver.status();
  EXPECT_EQ(status.questions, 3U);
  EXPECT_EQ(status.answered, 1U);
  EXPECT_EQ(status.timeouts, 1U);
  EXPECT_EQ(status.failures, 1U);
  EXPECT_THAT(status.servers, testing::ElementsAre("lab.zone"));
}

TEST(MakeResolver, SaysWhatIsWrongWithTheOptions) {
  Options options;
  options.zone_file = "/nonexistent/zone";
  auto made = make_resolver(options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().what, "/nonexistent/zone: No such file or directory");

  const std::string path = testing::TempDir() + "sekisho_bad.zone";
  std::ofstream(path) << "a A 192.0.2.1\nb A nonsense\n";
  options.zone_file = path;
  made = make_resolver(options);
  std::remove(path.c_str());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().what, path + ":2: expected one IPv4 address, found `nonsense`");

  options.zone_file.clear();
  options.servers = {"127.0.0.1", "ns.example.com"};
  made = make_resolver(options);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().what, testing::EndsWith("found `ns.example.com`"));
}

TEST(MakeResolver, ReadsTheZoneItIsGiven) {
  Options options;
  options.zone_file = test::data_path("dns/answers.zone");
  const auto made = make_resolver(options);
  ASSERT_TRUE(made);
  EXPECT_NE((*made)->at_hand(question("example.com", Type::txt)), nullptr);
}

}  // namespace
}  // namespace sekisho::dns
