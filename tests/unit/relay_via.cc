// `via`, the domains and the recipients of a route: what is read, and what is said of the rest.
#include "relay/via.h"

#include <gtest/gtest.h>

namespace sekisho::relay {
namespace {

using Kind = Via::Kind;

TEST(RelayVia, EveryForm) {
  struct Case {
    const char* text;
    Via want;
    const char* again;
  };
  const Case table[] = {
      {"lmtp:unix:/run/dovecot/lmtp", {Kind::lmtp_unix, "/run/dovecot/lmtp", 0}, nullptr},
      {"lmtp:dovecot:24", {Kind::lmtp, "dovecot", 24}, nullptr},
      {"lmtp:127.0.0.1:24", {Kind::lmtp, "127.0.0.1", 24}, nullptr},
      {"lmtp:[::1]:24", {Kind::lmtp, "::1", 24}, nullptr},
      {"lmtp:[fe80::1%eth0]:24", {Kind::lmtp, "fe80::1%eth0", 24}, nullptr},
      {"maildir:/var/mail/{domain}/{user}",
       {Kind::maildir, "/var/mail/{domain}/{user}", 0},
       nullptr},
      {"smtp:[relay.example]:587", {Kind::smtp_host, "relay.example", 587}, nullptr},
      {"smtp:[Relay.Example.]", {Kind::smtp_host, "relay.example", 25}, "smtp:[relay.example]:25"},
      {"smtp:[192.0.2.1]", {Kind::smtp_host, "192.0.2.1", 25}, "smtp:[192.0.2.1]:25"},
      {"smtp:[2001:DB8::1]:26", {Kind::smtp_host, "2001:db8::1", 26}, "smtp:[2001:db8::1]:26"},
      {"smtp:[IPv6:::1]", {Kind::smtp_host, "::1", 25}, "smtp:[::1]:25"},
      {"smtp:[fe80::1%eth0]", {Kind::smtp_host, "fe80::1%eth0", 25}, "smtp:[fe80::1%eth0]:25"},
      {"smtp:[fe80::1%br-0.10]:25", {Kind::smtp_host, "fe80::1%br-0.10", 25}, nullptr},
      {"smtps:[relay.example]",
       {Kind::smtps_host, "relay.example", 465},
       "smtps:[relay.example]:465"},
      {"smtps:[192.0.2.1]:10465", {Kind::smtps_host, "192.0.2.1", 10465}, nullptr},
      {"smtp:example.net", {Kind::smtp_domain, "example.net", 25}, "smtp:example.net:25"},
      {"smtp:example.net:2525", {Kind::smtp_domain, "example.net", 2525}, nullptr},
      {"smtp:例え.jp", {Kind::smtp_domain, "xn--r8jz45g.jp", 25}, "smtp:xn--r8jz45g.jp:25"},
      {"mx", {Kind::mx, "", 0}, nullptr},
      {"discard", {Kind::discard, "", 0}, nullptr},
  };
  for (const Case& each : table) {
    const auto via = parse_via(each.text);
    ASSERT_TRUE(via) << each.text << ": " << via.error().what;
    EXPECT_EQ(*via, each.want) << each.text;
    const std::string text = text_of(*via);
    EXPECT_EQ(text, each.again == nullptr ? each.text : each.again);
    EXPECT_EQ(parse_via(text).value(), *via) << text;
  }
}

TEST(RelayVia, WhatIsSaidOfTheRest) {
  const std::pair<const char*, const char*> table[] = {
      {"", "write lmtp:unix:/PATH"},
      {"relay.example:587", "smtp:[HOST]:PORT"},
      {"SMTP:[a.example]", "smtp:[HOST]:PORT"},
      {"smtp:", "no host name"},
      {"smtp:192.0.2.1", "write smtp:[ADDRESS]:PORT"},
      {"smtp:192.0.2.1:25", "write smtp:[ADDRESS]:PORT"},
      {"smtp:2001:db8::1", "write smtp:[ADDRESS]:PORT"},
      {"smtp:fe80::1%eth0", "write smtp:[ADDRESS]:PORT"},
      {"smtp:[a.example", "the closing ] is missing"},
      {"smtp:[]", "no host name"},
      {"smtp:[a b]", "\"a b\" is no host name and no address"},
      {"smtp:[192.0.2.300]", "is no host name and no address"},
      {"smtp:[a.example]587", "the port must be from 1 to 65535"},
      {"smtp:[a.example]:", "the port must be from 1 to 65535"},
      {"smtp:[a.example]:0", "the port must be from 1 to 65535"},
      {"smtp:[a.example]:65536", "the port must be from 1 to 65535"},
      {"smtp:[a.example]:smtp", "the port must be from 1 to 65535"},
      {"smtp:[a.example]:25:26", "the port must be from 1 to 65535"},
      {"smtp:a.example:25x", "the port must be from 1 to 65535"},
      {"smtp:[fe80::1%]", "the name of an interface must stand behind the %"},
      {"smtp:[fe80::1%eth 0]", "the name of an interface must stand behind the %"},
      {"smtp:[fe80::1%averyverylongname]", "the name of an interface must stand behind the %"},
      {"smtp:[2001:db8::1%eth0]", "is no link-local address"},
      {"smtps:a.example", "write smtps:[HOST]:PORT"},
      {"lmtp:/run/lmtp", "write lmtp:unix:/PATH"},
      {"lmtp:unix:run/lmtp", "must begin with /"},
      {"lmtp:unix:", "must begin with /"},
      {"lmtp:dovecot", "the port is missing"},
      {"lmtp:[::1]", "the port is missing"},
      {"lmtp:::1:24", "an IPv6 address stands in brackets"},
      {"maildir:var/mail", "must begin with /"},
      {"maildir:/var/{users}", "only {domain} and {user}"},
      {"maildir:/var/{user", "only {domain} and {user}"},
      {"maildir:/var/../etc/{user}", "no .."},
  };
  for (const auto& [text, want] : table) {
    const auto via = parse_via(text);
    ASSERT_FALSE(via) << text;
    EXPECT_NE(via.error().what.find(want), std::string::npos) << text << ": " << via.error().what;
  }
}

TEST(RelayVia, DomainsOfARoute) {
  EXPECT_EQ(parse_route_domain("*").value(), "*");
  EXPECT_EQ(parse_route_domain("Example.JP.").value(), "example.jp");
  EXPECT_EQ(parse_route_domain(".Example.jp").value(), ".example.jp");
  EXPECT_EQ(parse_route_domain("例え.jp").value(), "xn--r8jz45g.jp");
  for (const char* text : {"", ".", "**", "*.example.jp", "a@example.jp", "192.0.2.1", "::1",
                           "example..jp", "..example.jp"}) {
    EXPECT_FALSE(parse_route_domain(text)) << text;
  }
  EXPECT_NE(parse_route_domain("*.example.jp").error().what.find("\".example.jp\""),
            std::string::npos);
}

TEST(RelayVia, RecipientsOfARoute) {
  for (const char* text : {"users", "any", "ask", "file:/etc/sekisho/recipients"}) {
    EXPECT_EQ(text_of(parse_recipients(text).value()), text);
  }
  for (const char* text : {"", "all", "file:", "File:/a"}) {
    EXPECT_FALSE(parse_recipients(text)) << text;
  }
}

}  // namespace
}  // namespace sekisho::relay
