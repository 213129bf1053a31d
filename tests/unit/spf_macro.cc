// The examples of RFC 7208 §7.4, and the bounds of an expansion.
#include "spf/macro.h"

#include <gtest/gtest.h>

namespace sekisho::spf {

namespace {

MacroValues values_of(const mail::IpAddress& client) {
  return {.client = client,
          .local_part = "strong-bad",
          .sender_domain = "email.example.com",
          .domain = "email.example.com",
          .helo = "mx.example.org",
          .receiver = "mx.receiver.test",
          .validated_name = "mx.example.org",
          .now = WallTime{std::chrono::seconds(1'700'000'000)}};
}

const mail::IpAddress v4_client = mail::IpAddress::v4({192, 0, 2, 3});

std::string explanation(std::string_view text, const MacroValues& values) {
  const auto parsed = MacroString::parse(text, MacroString::Kind::explanation);
  return parsed ? expand_explanation(*parsed, values) : "error: " + parsed.error().what;
}

std::string name(std::string_view text, const MacroValues& values) {
  const auto parsed = MacroString::parse(text, MacroString::Kind::domain_spec);
  if (!parsed) return "error: " + parsed.error().what;
  const auto expanded = expand_name(*parsed, values);
  return expanded ? expanded->text() : "no name";
}

TEST(SpfMacro, ExamplesOfTheRfc) {
  const struct {
    const char* macro;
    const char* want;
  } rows[] = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(explanation(row.macro, values_of(v4_client)), row.want) << row.macro;
}

TEST(SpfMacro, NamesOfTheRfc) {
  const auto v6_client = mail::IpAddress::parse("2001:db8::cb01").value();
  const struct {
    const char* macro;
    mail::IpAddress client;
    const char* want;
  } rows[] = {
      {"%{ir}.%{v}._spf.%{d2}", v4_client, "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", v4_client, "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", v4_client,
       "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", v4_client,
       "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", v4_client, "example.com.trusted-domains.example.net"},
      {"%{ir}.%{v}._spf.%{d2}", v6_client,
       "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(name(row.macro, values_of(row.client)), row.want) << row.macro;
}

TEST(SpfMacro, NamesAreCutFromTheLeftAtLabels) {
  const std::string label(60, 'x');
  const std::string long_name = label + "." + label + "." + label + "." + label;
  EXPECT_EQ(name("a.b." + long_name + ".tail.test", values_of(v4_client)),
            long_name + ".tail.test");
  EXPECT_EQ(name(std::string(300, 'y') + ".test", values_of(v4_client)), "test");
  EXPECT_EQ(name("a..test", values_of(v4_client)), "no name");
  EXPECT_EQ(name("example.test.", values_of(v4_client)), "example.test");
}

TEST(SpfMacro, WhatANameMayNotHold) {
  for (const char* text : {"", "test", "%{d}test", "a.123", "a.-b", "a b.test", "%{c}", "%{r}.test",
                           "%{t}.test", "%"}) {
    EXPECT_TRUE(name(text, values_of(v4_client)).starts_with("error: ")) << text;
  }
}

}  // namespace

}  // namespace sekisho::spf
