// Whom Postfix trusts and we do not, out of its main.cf.
#include "cli/postfix_networks.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace sekisho::cli {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> found(std::string_view main_cf, std::vector<std::string> networks,
                               std::vector<std::string> relays = {}) {
  session::TrustOptions trust;
  trust.networks = {};
  for (const auto& each : networks) trust.networks.add(mail::PrefixSet::parse_entry(each).value());
  for (const auto& each : relays) trust.relays.push_back(mail::IpPrefix::parse(each).value());
  std::vector<std::string> texts;
  for (const auto& prefix : not_trusted_here(main_cf, trust)) texts.push_back(prefix.text());
  return texts;
}

TEST(PostfixNetworks, WhatWeDoNotTrust) {
  const char* const debian =
      "myhostname = mx.example.jp\n"
      "mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\n";
  EXPECT_THAT(found(debian, {}), IsEmpty());
  const char* const lan =
      "mynetworks = 10.0.0.0/8\n"
      "#mynetworks = 203.0.113.0/24\n"
      "mynetworks=127.0.0.0/8, 192.168.1.0/24\n"
      "  # a comment\n"
      "\t[2001:db8:1::]/64 198.51.100.7 !192.168.1.9 $more cidr:/etc/postfix/nets\n"
      "mynetworks_style = host\n"
      "  203.0.113.9\n";
  EXPECT_THAT(found(lan, {}), ElementsAre("192.168.1.0/24", "2001:db8:1::/64", "198.51.100.7/32"));
  EXPECT_THAT(found(lan, {"192.168.0.0/16", "2001:db8::/32"}, {"198.51.100.7"}), IsEmpty());
  EXPECT_THAT(found(lan, {"192.168.1.0/25", "2001:db8::/32"}, {"198.51.100.7"}),
              ElementsAre("192.168.1.0/24"));
  EXPECT_THAT(found("", {}), IsEmpty());
}

TEST(PostfixNetworks, SaysSoOfAFileThatIsThere) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(warn_of_postfix(folder.file("main.cf"), {}), IsEmpty());
  std::ofstream(folder.file("main.cf")) << "mynetworks = 192.168.1.0/24\n";
  session::TrustOptions trust;
  EXPECT_THAT(warn_of_postfix(folder.file("main.cf"), trust),
              ElementsAre(HasSubstr("mynetworks has 192.168.1.0/24, and trust.networks has not")));
}

}  // namespace

}  // namespace sekisho::cli
