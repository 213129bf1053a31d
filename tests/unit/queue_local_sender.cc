// Mail of this host's own programs as it leaves: the sender and From of cron and others.
#include <string>

#include <gtest/gtest.h>

#include "queue/local_sender.h"

namespace sekisho::queue {
namespace {

const LocalSender with{"reports@example.jp", "vps.example", "host.vps.example"};
const LocalSender without{"", "vps.example", "host.vps.example"};

struct Case {
  std::string value;
  std::string with_sender;
  std::string without_sender;
};

TEST(LocalSender, FromKeepsItsName) {
  const Case table[] = {
      {" root (Cron Daemon)\r\n", " reports@example.jp (Cron Daemon)\r\n",
       " root@vps.example (Cron Daemon)\r\n"},
      {" root", " reports@example.jp", " root@vps.example"},
      {" \"A <b@c>\" <root>", " \"A <b@c>\" <reports@example.jp>",
       " \"A <b@c>\" <root@vps.example>"},
      {" Log Watch\r\n <root@vps.example>", " Log Watch\r\n <reports@example.jp>",
       " Log Watch\r\n <root@vps.example>"},
      {" root@HOST.vps.example", " reports@example.jp", " root@HOST.vps.example"},
      // Others, and what is not one address, stay.
      {" bob@b.example", " bob@b.example", " bob@b.example"},
      {" Bob <bob@below.vps.example>", " Bob <bob@below.vps.example>",
       " Bob <bob@below.vps.example>"},
      {" root, bob@b.example", " root, bob@b.example", " root, bob@b.example"},
      {" <root>, <bob>", " <root>, <bob>", " <root>, <bob>"},
      {" team: root;", " team: root;", " team: root;"},
      {" (root)", " (root)", " (root)"},
      {" ", " ", " "},
      {" <root", " <root", " <root"},
  };
  for (const auto& each : table) {
    EXPECT_EQ(author_as_it_leaves(each.value, with), each.with_sender);
    EXPECT_EQ(author_as_it_leaves(each.value, without), each.without_sender);
  }
}

TEST(LocalSender, TheEnvelope) {
  EXPECT_EQ(sender_as_it_leaves("root@vps.example", with), "reports@example.jp");
  EXPECT_EQ(sender_as_it_leaves("root@vps.example", without), "root@vps.example");
  EXPECT_EQ(sender_as_it_leaves("bob@b.example", with), "bob@b.example");
  EXPECT_EQ(sender_as_it_leaves("", with), "");
}

TEST(LocalSender, OnlyFromIsReplacedInAHeader) {
  EXPECT_EQ(header_as_it_leaves("Sender: root\r\nFROM : root\r\nTo: root\r\n root\r\n\r\n", with),
            "Sender: root\r\nFROM : reports@example.jp\r\nTo: root\r\n root\r\n\r\n");
}

TEST(LocalSender, WhatIsDeliveredHereStays) {
  relay::Route route;
  route.via.kind = relay::Via::Kind::maildir;
  EXPECT_FALSE(leaves_host(&route));
  route.via.kind = relay::Via::Kind::smtp_host;
  EXPECT_TRUE(leaves_host(&route));
  EXPECT_TRUE(leaves_host(nullptr));
}

}  // namespace
}  // namespace sekisho::queue
