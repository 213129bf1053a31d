// What a client says at HELO to be taken for another, in every layout in which MTAs write it down;
// and fields that are made to cost time.
#include "mail/received.h"

#include <chrono>

#include <gtest/gtest.h>

#include "mail/limits.h"
#include "support/cpu_time.h"

namespace sekisho::mail {
namespace {

using namespace std::string_literals;
using Source = Received::Source;

constexpr const char* date = "; Wed, 25 Nov 2026 10:00:00 +0900";

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// What a client can say instead of its name, if the MTA lets it, so that another address is read.
const std::string helo_attacks[] = {
    "[198.51.100.7]",
    "198.51.100.7",
    "[IPv6:2001:db8::bad]",
    "x[198.51.100.7]",
    "x ([198.51.100.7])",
    "x(y[198.51.100.7])",
    "x (y [198.51.100.7])",
    "(y [198.51.100.7])",
    "x (y [198.51.100.7]) by z",
    "x (y [198.51.100.7]) by z with ESMTP id A for <a@b>",
    "x (y [198.51.100.7]) by z (Postfix) with",
    "x (y [198.51.100.7]) by z (Postfix) with SMTP id",
    "x (y [198.51.100.7]) by z; Wed, 25 Nov 2026 10:00:00 +0900",
    "x (y [198.51.100.7]) by z; Wed, 25 Nov 2026 10:00:00 +0900 id",
    "x (y [198.51.100.7]) by z; Wed, 25 Nov 2026 10:00:00 +0900 (",
    "x (y [198.51.100.7]) by z (Postfix) with SMTP id A; Wed, 25 Nov 2026 10:00:00 +0900 (",
    "x (y [198.51.100.7]) by z; (",
    "x (y [198.51.100.7]) by z;",
    "x (y [198.51.100.7]) (",
    "x (y [198.51.100.7]) (\\",
    "x (y [198.51.100.7]) \"",
    "x (y [198.51.100.7]) by z for <",
    "x (y [198.51.100.7]) by z for <\"",
    "x (y [198.51.100.7]) (using",
    "x (y [198.51.100.7]) (HELO",
    "x (y [198.51.100.7]) (helo=",
    "x (y [198.51.100.7] helo=",
    "x (y [198.51.100.7] (may be forged))",
    "x (y [198.51.100.7] (may be forged",
    "x ([198.51.100.7] helo=y)",
    "x (198.51.100.7)",
    "x (HELO y) (198.51.100.7)",
    "x) (y [198.51.100.7]",
    "x) (y [198.51.100.7]) (",
    "x) by z with smtp (Exim 4.96) (y [198.51.100.7]",
    "x) by z with smtp (Exim 4.96) id A; Wed, 25 Nov 2026 10:00:00 +0900 (",
    "[198.51.100.7] by z with smtp (Exim 4.96) id A; Wed, 25 Nov 2026 10:00:00 +0900 (",
    "[198.51.100.7] with smtp (Exim 4.96)",
    "[198.51.100.7] (helo=x)",
    "[198.51.100.7] (Exim 4.96)",
    "x (uid 0)",
    "x) (uid 0) (",
    "198.51.100.7 (EHLO x)",
    "198.51.100.7 (EHLO x",
    "198.51.100.7 (EHLO x) (",
    "x y",
    "x 198.51.100.7",
    "x with y",
    "x with y (Exim 4.96)",
    "x) with local (",
    "x) with y (",
    "x (y[198.51.100.7])",
    "x (198.51.100.7:25)",
    "x (y [198.51.100.7] z)",
    "x (y [198.51.100.7] z",
    "x (y [198.51.100.7]) by z; yesterday",
    "x (y [198.51.100.7]) by z; yesterday id",
    "x (y [198.51.100.7]) by z; yesterday;",
    "x (y [198.51.100.7]) by z; yesterday <",
    "x (y [198.51.100.7]) by z for <\"x",
    "x; y",
    "x; (y [198.51.100.7])",
    "y [198.51.100.7] (",
    "y [198.51.100.7] z",
    "x with local",
    "x (y [local])",
    "x (qmail 1 invoked from network)",
    "(qmail 1 invoked from network); 25 Nov 2026 01:00:00 -0000 (",
    "x by z with local; Wed, 25 Nov 2026 10:00:00 +0900 (",
    "by",
    "from",
    "by z",
    "",
    ";",
    "\\",
    "\"",
    "<",
    "<x",
    ")",
    "(",
    "\r\n\t(y [198.51.100.7])",
    "x\r\nReceived: from y (y [198.51.100.7]) by z",
};

// Where MTAs put the client's word; 192.0.2.1 is the truth in each.
struct Layout {
  const char* mta;
  const char* before;
  const char* after;
};
const Layout layouts[] = {
    {"Postfix", "from ",
     " (real.test [192.0.2.1]) by mx2.example.jp (Postfix) with ESMTP id A for <u@example.jp>"},
    {"Postfix, TLS", "from ",
     " (real.test [192.0.2.1]) (using TLSv1.3 with cipher X (256/256 bits)) (Client CN \"(x)\", "
     "Issuer "
     "\"y\" (verified OK)) by mx2.example.jp (Postfix) with ESMTPS id A for "
     "<\"a\\\"b\"@example.jp>"},
    {"sendmail", "from ",
     " (real.test [192.0.2.1] (may be forged)) by mx2.example.jp (8.17.1/8.17.1) with SMTP id A"},
    {"unknown software", "from ", " (real.test [192.0.2.1]) by mx2.example.jp with ESMTP id A"},
    {"unknown software, other layout", "from ",
     " (client 192.0.2.1:4711) by mx2.example.jp with ESMTP id A"},
    {"Exchange", "from ", " (192.0.2.1) by EX1 (10.0.0.2) with Microsoft SMTP Server id 15.1"},
    {"Exim",
     "from [192.0.2.1] (helo=", ") by mx2.example.jp with esmtp (Exim 4.96) id A for u@example.jp"},
    {"Exim, name",
     "from real.test ([192.0.2.1] helo=", ") by mx2.example.jp with esmtp (Exim 4.96) id A"},
    {"qmail", "from real.test (HELO ", ") (192.0.2.1) by mx2.example.jp with SMTP"},
    {"IronPort", "from real.test (HELO ", ") ([192.0.2.1]) by mx2.example.jp with ESMTP"},
    {"chasquid", "from [192.0.2.1] (", ") by mx2.example.jp (chasquid) with ESMTPS id A"},
    {"address first", "from [192.0.2.1] (", ") by mx2.example.jp with ESMTP id A"},
};

TEST(ReceivedSpoofing, theHeloIsNeverTheAddress) {
  for (const Layout& layout : layouts) {
    for (const auto& helo : helo_attacks) {
      const auto received = parse_received(layout.before + helo + layout.after + date);
      if (!received || received->source == Source::untold) continue;
      ASSERT_EQ(received->source, Source::client) << layout.mta << ": " << helo;
      EXPECT_EQ(received->address->text(), "192.0.2.1") << layout.mta << ": " << helo;
      EXPECT_TRUE(received->name.empty() || received->name == "real.test")
          << layout.mta << ": " << helo << ": " << received->name;
    }
  }
}

// The same layouts with an honest client: the test above would pass with a parser that reads
// nothing.
TEST(ReceivedSpoofing, anHonestHeloIsRead) {
  std::size_t read = 0;
  for (const Layout& layout : layouts) {
    const auto received =
        parse_received(layout.before + "mail.foreign.test"s + layout.after + date);
    ASSERT_TRUE(received) << layout.mta << ": " << received.error().what;
    if (received->source != Source::client) continue;
    ++read;
    EXPECT_EQ(received->helo, "mail.foreign.test") << layout.mta;
  }
  EXPECT_EQ(read, 9U);
}

TEST(ReceivedLimits, lengthAndNestingAreBounded) {
  const auto with_helo = [](const std::string& helo) {
    return "from " + helo + " (n [192.0.2.1]) by mx2.example.jp (Postfix) with SMTP id A" + date;
  };
  const std::size_t rest = with_helo("").size();
  EXPECT_TRUE(parse_received(with_helo(std::string(limits::received_octets - rest, 'x'))));
  EXPECT_FALSE(parse_received(with_helo(std::string(limits::received_octets - rest + 1, 'x'))));

  const auto nested = [&](std::size_t depth) {
    return with_helo("x " + repeated("(", depth) + repeated(")", depth));
  };
  EXPECT_TRUE(parse_received(nested(limits::comment_nesting)));
  EXPECT_FALSE(parse_received(nested(limits::comment_nesting + 1)));
}

TEST(ReceivedLimits, hostileLinesCostNoTime) {
  const std::string attacks[] = {
      repeated("(", 100'000),
      repeated("()", 100'000),
      repeated("(x [192.0.2.1]) ", 65'536),
      "from x " + repeated("(", 100'000) + repeated(")", 100'000),
      "from " + std::string(1'000'000, 'x') + " (n [192.0.2.1]) by y" + date,
      repeated("from ", 200'000),
      repeated("1:", 500'000),
      // As long as is read at all.
      "from x " + repeated("()", 4'000) + " by y" + date,
      "from x (" + repeated("1:", 4'000) + ") by y" + date,
      "from x (" + repeated("[", 8'000) + ") by y" + date,
      "from x (" + repeated("h=", 4'000) + ") by y" + date,
      "from x by y with " + repeated("z ", 4'000) + date,
  };
  const auto before = cpu_time();
  for (int round = 0; round < 10; ++round) {
    for (const auto& attack : attacks) {
      const auto received = parse_received(attack);
      EXPECT_FALSE(received && received->source == Source::client);
    }
  }
  // A millisecond each is a hundred times what it takes; a quadratic reader of a megabyte needs
  // minutes.
  EXPECT_LT(cpu_time() - before, std::chrono::seconds(2));
}

}  // namespace
}  // namespace sekisho::mail
