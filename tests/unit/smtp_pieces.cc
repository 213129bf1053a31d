// In how many pieces replies leave: some clients (sslscan is one) read each of them once.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/conversation.h"
#include "support/smtp_house.h"

namespace sekisho::smtp {

TEST(SmtpPieces, TheReplyToEhloIsOne) {
  test::SmtpHouse house;
  Client client;
  client.address = mail::IpAddress::parse("192.0.2.10").value();
  client.name = "mx.a.example";
  std::vector<std::string> pieces;
  Conversation conversation(house.services(),
                            {.send = [&](std::string octets) { pieces.push_back(octets); },
                             .resume = [] {},
                             .owner = house.owner(),
                             .broken = [](const std::exception&) { FAIL(); },
                             .later = nullptr},
                            client);
  conversation.open();
  pieces.clear();
  conversation.take("EHLO mx.a.example\r\n");
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_THAT(pieces[0], testing::StartsWith("250-mx.example.jp\r\n"));
  EXPECT_THAT(pieces[0], testing::EndsWith("\r\n250 DSN\r\n"));
}

}  // namespace sekisho::smtp
