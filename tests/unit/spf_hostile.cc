// Attacks on SPF evaluators, by name: each gets a defined result, and nothing grows with what the
// attacker sends.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/fake_dns.h"
#include "support/spf_cases.h"

namespace sekisho::test {

namespace {

const mail::IpAddress client = mail::IpAddress::v4({192, 0, 2, 7});

bool is_clean(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

spf::Result evaluate(FakeDns dns, const std::string& mail_from = "user@s.test",
                     const std::string& helo = "helo.test", const spf::Options& options = {}) {
  const auto query = spf::mail_from_query(client, helo, mail_from, "mx.receiver.test", {});
  auto result = run_to_end(
      [&](const dns::Answers& answers) { return spf::check_host(query, answers, options); }, dns);
  EXPECT_TRUE(is_clean(result.reason)) << result.reason;
  EXPECT_LE(result.reason.size(), 600U);
  EXPECT_TRUE(is_clean(result.explanation)) << result.explanation;
  EXPECT_LE(result.explanation.size(), 400U);
  return result;
}

FakeDns policy(const std::string& record) { return FakeDns().txt("s.test", record); }

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// A question that is not asked any more ends the reading with permerror wherever it stands, but for
// the explanation: and never with temperror, or with what a name without records would come to.
TEST(SpfHostile, WhatIsNotAskedIsPermerror) {
  dns::Answer answer;
  answer.outcome = dns::Outcome::refused;
  answer.error = "query budget";
  const auto refused = std::make_shared<const dns::Answer>(answer);
  const struct {
    const char* record;
    const char* name;
    dns::Type type;
    spf::Code code;
  } rows[] = {
      {"v=spf1 -all", "s.test", dns::Type::txt, spf::Code::permerror},
      {"v=spf1 a -all", "s.test", dns::Type::a, spf::Code::permerror},
      {"v=spf1 mx -all", "s.test", dns::Type::mx, spf::Code::permerror},
      {"v=spf1 mx:m.test -all", "h.test", dns::Type::a, spf::Code::permerror},
      {"v=spf1 include:i.test -all", "i.test", dns::Type::txt, spf::Code::permerror},
      {"v=spf1 redirect=i.test", "i.test", dns::Type::txt, spf::Code::permerror},
      {"v=spf1 exists:e.test -all", "e.test", dns::Type::a, spf::Code::permerror},
      {"v=spf1 ptr -all", "7.2.0.192.in-addr.arpa", dns::Type::ptr, spf::Code::permerror},
      {"v=spf1 redirect=%{p}.test", "7.2.0.192.in-addr.arpa", dns::Type::ptr, spf::Code::permerror},
      {"v=spf1 -all exp=x.test", "x.test", dns::Type::txt, spf::Code::fail},
      {"v=spf1 ip4:192.0.2.7 a -all", "s.test", dns::Type::a, spf::Code::pass},
  };
  for (const auto& row : rows) {
    FakeDns dns = policy(row.record);
    dns.mx("m.test", 1, "h.test").exists("s.test").txt("i.test", "v=spf1 -all");
    const dns::Question unasked{dns::Name::from(row.name).value(), row.type};
    const auto query = spf::mail_from_query(client, "helo.test", "user@s.test", "mx.test", {});
    const auto result = run_to_end(
        [&](const dns::Answers& answers) {
          dns::Answers own = answers;
          own.add(unasked, refused);
          return spf::check_host(query, own, spf::Options{});
        },
        dns);
    EXPECT_EQ(to_string(result.code), to_string(row.code)) << row.record;
    EXPECT_EQ(result.explanation, "") << row.record;
    if (row.code == spf::Code::permerror) {
      EXPECT_NE(result.reason.find("query budget"), std::string::npos) << result.reason;
    }
  }
}

// libspf2 counted the length of an expansion wrongly when literal text followed many macros.
TEST(SpfHostile, Cve202342118MacroExpansionUnderflow) {
  std::vector<int> tails(65);
  for (int i = 0; i <= 64; ++i) tails[static_cast<std::size_t>(i)] = i;
  tails.push_back(4000);
  for (const int tail : tails) {
    const std::string text =
        repeated("%{s}", 127) + std::string(static_cast<std::size_t>(tail), 'A');
    EXPECT_EQ(evaluate(policy("v=spf1 -all exp=x.test").txt("x.test", text)).explanation.size(),
              400U);
    EXPECT_EQ(evaluate(policy("v=spf1 exists:" + text + ".test -all")).code, spf::Code::fail);
    EXPECT_EQ(evaluate(policy("v=spf1 redirect=" + text + ".test")).code, spf::Code::permerror);
    EXPECT_EQ(evaluate(policy("v=spf1 other=" + text + " -all")).code, spf::Code::fail);
    if (tail > 0) {
      EXPECT_EQ(evaluate(policy("v=spf1 exists:" + text + " -all")).code, spf::Code::permerror);
    }
  }
}

TEST(SpfHostile, Cve202120314LiteralAtBufferSizes) {
  for (const std::size_t size : {254U, 255U, 256U, 511U, 512U, 513U, 4095U, 4096U, 4097U, 65000U}) {
    const std::string literal(size, 'b');
    EXPECT_EQ(evaluate(policy("v=spf1 a:" + literal + ".test -all")).code, spf::Code::fail);
    EXPECT_EQ(evaluate(policy("v=spf1 include:" + literal + " -all")).code, spf::Code::permerror);
    const auto dns = policy("v=spf1 -all exp=x.test").txt("x.test", literal);
    EXPECT_EQ(evaluate(dns).explanation.size(), std::min<std::size_t>(size, 400));
  }
}

// libspf2 printed a signed char, eight digits long.
TEST(SpfHostile, Cve202133912EightBitLocalPart) {
  std::string local;
  std::string escaped;
  for (int octet = 0x80; octet <= 0xff; ++octet) {
    local.push_back(static_cast<char>(octet));
    constexpr std::string_view digits = "0123456789ABCDEF";
    escaped += {'%', digits[static_cast<std::size_t>(octet >> 4)],
                digits[static_cast<std::size_t>(octet & 15)]};
  }
  const auto dns =
      policy("v=spf1 exists:%{L}.%{S}.test -all exp=x.test").txt("x.test", "%{L}|%{S}|%{l}");
  const spf::Result result = evaluate(dns, local + "@s.test");
  EXPECT_EQ(result.code, spf::Code::fail);
  EXPECT_EQ(result.explanation, (escaped + "|" + escaped + "%40s.test|").substr(0, 400));
}

TEST(SpfHostile, Cve202133913ReverseOfManyLabels) {
  const std::string domain = repeated("a.", 125) + "s.test";  // 127 labels of 256 octets: too long
  EXPECT_EQ(evaluate(FakeDns().txt(domain, "v=spf1 -all"), "u@" + domain).code, spf::Code::none);

  const std::string longest = repeated("a.", 123) + "s.test";
  FakeDns dns;
  dns.txt(longest,
          "v=spf1 exists:%{d1r}.x.test exists:%{o127r}.y.test exists:%{l99r-+=}.z.test -all "
          "exp=%{dr}.w.test");
  EXPECT_EQ(evaluate(dns, "a-b+c=d@" + longest).code, spf::Code::permerror);  // three void lookups
  dns.a("a.x.test", "127.0.0.2");
  EXPECT_EQ(evaluate(dns, "a-b+c=d@" + longest).reason,
            "matched exists:%{d1r}.x.test in record of " + longest.substr(0, 80) +
                "..., which allows any address");
  for (const char* macro : {"%{o127r}.y.test", "%{o255r}.y.test", "%{d99999r}.y.test"}) {
    FakeDns cut;
    cut.txt(longest, std::string("v=spf1 exists:") + macro + " -all");
    cut.a(repeated("a.", 123) + "y.test", "127.0.0.2");  // "test." and "s." fell off at the left
    EXPECT_EQ(evaluate(cut, "u@" + longest).code, spf::Code::pass) << macro;
  }
}

TEST(SpfHostile, Cve20082469TxtLengths) {
  EXPECT_EQ(evaluate(policy("")).code, spf::Code::none);
  const std::string filler(65000, ' ');
  EXPECT_EQ(evaluate(policy("v=spf1 " + filler + "-all")).code, spf::Code::fail);
  EXPECT_EQ(
      evaluate(policy("v=spf1 " + repeated("ip4:198.51.100.1 ", 3800) + "ip4:192.0.2.7")).code,
      spf::Code::pass);
  EXPECT_EQ(evaluate(policy("v=spf1 " + repeated("a:%{l} ", 9000) + "-all")).code,
            spf::Code::permerror);
  EXPECT_EQ(evaluate(policy("v=spf1 a:" + repeated("%{l}", 16000) + " -all"),
                     std::string(5000, 'x') + "@s.test")
                .code,
            spf::Code::fail);
}

TEST(SpfHostile, FourVoidLookupsBeforeAMatch) {
  const auto dns = policy("v=spf1 a:n1.test a:n2.test a:n3.test a:n4.test ip4:192.0.2.7 -all");
  EXPECT_EQ(evaluate(dns).code, spf::Code::permerror);
}

TEST(SpfHostile, ElevenMxHosts) {
  FakeDns dns = policy("v=spf1 mx -all");
  for (unsigned i = 0; i < 11; ++i) dns.mx("s.test", i, "h" + std::to_string(i) + ".test");
  dns.a("h0.test", "192.0.2.7");
  EXPECT_EQ(evaluate(dns).code, spf::Code::permerror);
}

TEST(SpfHostile, ElevenPointers) {
  FakeDns dns = policy("v=spf1 ptr -all");
  for (int i = 0; i < 10; ++i)
    dns.ptr("7.2.0.192.in-addr.arpa", "h" + std::to_string(i) + ".s.test");
  dns.ptr("7.2.0.192.in-addr.arpa", "good.s.test").a("good.s.test", "192.0.2.7");
  EXPECT_EQ(evaluate(dns).code, spf::Code::fail);
}

TEST(SpfHostile, Loops) {
  EXPECT_EQ(evaluate(policy("v=spf1 include:s.test -all")).code, spf::Code::permerror);
  EXPECT_EQ(evaluate(policy("v=spf1 redirect=s.test")).code, spf::Code::permerror);
  const auto crossed = policy("v=spf1 include:t.test").txt("t.test", "v=spf1 redirect=s.test");
  EXPECT_EQ(evaluate(crossed).code, spf::Code::permerror);
}

TEST(SpfHostile, SeveralAndSplitRecords) {
  EXPECT_EQ(evaluate(policy("v=spf1 -all").txt("s.test", "v=spf1 +all")).code,
            spf::Code::permerror);
  EXPECT_EQ(evaluate(policy("v=spf1 -all").txt("s.test", "v=spf10 +all")).code, spf::Code::fail);
}

// libspf2 was said to read beyond a PTR name shorter than the domain that it is held against.
TEST(SpfHostile, PtrNamesOfAnyLength) {
  for (const char* name : {"", ".", "d", "tld", "spec.tld", "omain-spec.tld", "xdomain-spec.tld",
                           "a.b.c.tld", "..", "domain-spec.tld."}) {
    FakeDns dns = policy("v=spf1 -ptr:domain-spec.tld ?all");
    dns.ptr("7.2.0.192.in-addr.arpa", name);
    const bool equal = std::string_view(name).starts_with("domain-spec");
    if (equal) dns.a("domain-spec.tld", "192.0.2.7");
    EXPECT_EQ(evaluate(dns).code, equal ? spf::Code::fail : spf::Code::neutral) << name;
  }
}

TEST(SpfHostile, ExplanationInjection) {
  using namespace std::string_literals;
  for (const std::string& text :
       {"a\r\n250 ok"s, "a\nb"s, "a\0b"s, "\x1b[31m"s, "caf\xe9"s, "\xe2\x80\xae"s, "100%"s}) {
    EXPECT_EQ(evaluate(policy("v=spf1 -all exp=x.test").txt("x.test", text)).explanation, "");
  }
  const auto dns =
      policy("v=spf1 -all exp=x.test").txt("x.test", "%{l} %{h} %%" + std::string(4096, 'z'));
  EXPECT_TRUE(evaluate(dns, "a\r\n250 b\x1b@s.test", "h\r\nQUIT\0"s)
                  .explanation.starts_with("a250 b hQUIT %zz"));
}

// What others wrote comes into the reason, too.
TEST(SpfHostile, ReasonInjection) {
  evaluate(policy("v=spf1 \r\nX-Injected:\x1b[1m"));
  evaluate(policy("v=spf1 exists:%{l}.x.test include:%{h} -all"), "\r\n\x80@s.test",
           "\x1b]0;x\x07.test");
  evaluate(FakeDns(), "u@" + std::string("\r\n\xff", 3) + std::string(5000, 'q'));
}

TEST(SpfHostile, BroadRecordsPassAndAreTold) {
  for (const char* term : {"+all", "all", "ip4:0.0.0.0/0", "ip4:198.51.100.1/0"}) {
    const spf::Result result = evaluate(policy(std::string("v=spf1 ") + term));
    EXPECT_EQ(result.code, spf::Code::pass);
    EXPECT_TRUE(result.overbroad);
    EXPECT_FALSE(result.proves());
    EXPECT_NE(result.reason.find("allows any address"), std::string::npos) << result.reason;
  }
  const spf::Result neutral = evaluate(policy("v=spf1 ?all"));
  EXPECT_EQ(neutral.code, spf::Code::neutral);
  EXPECT_FALSE(neutral.overbroad);
  EXPECT_EQ(neutral.reason, "matched ?all in record of s.test");
}

// BreakSPF: a network need not be the whole world for everybody to find a host in it.
TEST(SpfHostile, ABroadNetworkIsOneLargerThanAnyOwnerHas) {
  struct Row {
    const char* record;
    bool overbroad;
  };
  for (const auto& [record, overbroad] : {
           Row{"v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", true},
           Row{"v=spf1 ip4:192.0.0.0/7 -all", true},
           Row{"v=spf1 ip4:192.0.0.0/8 -all", false},
           Row{"v=spf1 a/7 -all", true},
           Row{"v=spf1 a/8 -all", false},
           Row{"v=spf1 a -all", false},
           Row{"v=spf1 a//0 -all", false},
           Row{"v=spf1 include:all.test -all", true},
           Row{"v=spf1 redirect=all.test", true},
           Row{"v=spf1 ip4:192.0.2.7 +all", false},
           Row{"v=spf1 exists:any.test -all", true},
           Row{"v=spf1 exists:%{l}.%{h}.test -all", true},
           Row{"v=spf1 exists:%{ir}.in.test -all", false},
       }) {
    const auto result = evaluate(policy(record)
                                     .a("s.test", "192.0.2.7")
                                     .a("any.test", "127.0.0.2")
                                     .a("user.helo.test.test", "127.0.0.2")
                                     .a("7.2.0.192.in.test", "127.0.0.2")
                                     .txt("all.test", "v=spf1 +all"));
    EXPECT_EQ(result.code, spf::Code::pass) << record;
    EXPECT_EQ(result.overbroad, overbroad) << record << ": " << result.reason;
  }
  // What is not pass is not overbroad, whatever let it come there.
  for (const char* record : {"v=spf1 -include:all.test ?all", "v=spf1 ~include:all.test -all"}) {
    EXPECT_FALSE(evaluate(policy(record).txt("all.test", "v=spf1 +all")).overbroad) << record;
  }
}

TEST(SpfHostile, ABroadPassNeedNotBeBelieved) {
  spf::Options options;
  options.overbroad = spf::Code::neutral;
  const auto broad = evaluate(policy("v=spf1 +all"), "user@s.test", "helo.test", options);
  EXPECT_EQ(broad.code, spf::Code::neutral);
  EXPECT_TRUE(broad.overbroad);
  EXPECT_EQ(broad.reason,
            "matched +all in record of s.test, which allows any address, and is not believed");
  const auto narrow =
      evaluate(policy("v=spf1 ip4:192.0.2.0/24 +all"), "user@s.test", "helo.test", options);
  EXPECT_EQ(narrow.code, spf::Code::pass);
}

// CVE-2019-20790: what the HELO name may send says nothing of the MAIL FROM domain.
TEST(SpfHostile, Cve201920790HeloIsNotMailFrom) {
  const auto dns = policy("v=spf1 -all").txt("helo.test", "v=spf1 +all");
  EXPECT_EQ(evaluate(dns).code, spf::Code::fail);
  EXPECT_EQ(evaluate(dns, "user@other.test").code, spf::Code::none);
  EXPECT_EQ(evaluate(dns, "").domain, "helo.test");
}

}  // namespace

}  // namespace sekisho::test
