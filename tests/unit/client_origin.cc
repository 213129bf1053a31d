#include "client/origin.h"
#include "support/cpu_time.h"

#include <chrono>

#include <gtest/gtest.h>

namespace sekisho::client {
namespace {

using namespace std::string_literals;
using Stop = Origin::Stop;

constexpr const char* date = "; Wed, 25 Nov 2026 10:00:00 +0900";

mail::IpAddress address(std::string_view text) { return mail::IpAddress::parse(text).value(); }

// Two backup MX, a gateway behind them, and the content filter of one of them.
std::vector<mail::IpPrefix> relays() {
  std::vector<mail::IpPrefix> out;
  for (const char* text : {"192.0.2.25", "2001:db8:25::/64", "10.0.0.25", "127.0.0.1"}) {
    out.push_back(mail::IpPrefix::parse(text).value());
  }
  return out;
}

// As Postfix writes it.
std::string from(const std::string& helo, const std::string& name, const std::string& client) {
  return " from " + helo + " (" + name + " [" + client +
         "])\r\n\tby mx2.example.jp (Postfix) with " + "ESMTP id 4bXY" + date;
}

std::vector<mail::HeaderField> header(const std::vector<std::string>& received) {
  std::vector<mail::HeaderField> fields{{"Authentication-Results", " mx2.example.jp; none"}};
  for (const auto& value : received) {
    fields.push_back({"Received", value});
    fields.push_back({"X-Received", from("forged", "forged.test", "198.51.100.99")});
  }
  fields.push_back({"From", " a@foreign.test"});
  return fields;
}

Origin origin(const std::vector<std::string>& received, std::string_view client = "192.0.2.25") {
  return find_origin(address(client), header(received), relays());
}

const std::string foreign = from("mail.foreign.test", "out7.foreign.test", "198.51.100.7");
const std::string forged = from("mail.bank.test", "mail.bank.test", "203.0.113.9");
const std::string from_relay = from("mx3.example.jp", "mx3.example.jp", "IPv6:2001:db8:25::3");

void expect_foreign(const Origin& found, std::size_t hops) {
  EXPECT_EQ(found.stop, Stop::foreign_client) << found.reason;
  ASSERT_NE(found.judged(), nullptr);
  EXPECT_EQ(found.judged()->text(), "198.51.100.7");
  EXPECT_EQ(found.helo, "mail.foreign.test");
  EXPECT_EQ(found.name, "out7.foreign.test");
  EXPECT_EQ(found.hops, hops);
  EXPECT_EQ(found.reason, "");
}

TEST(Origin, ofAnybodyElseIsTheClient) {
  const Origin found = origin({foreign}, "198.51.100.200");
  EXPECT_EQ(found.stop, Stop::not_a_relay);
  ASSERT_NE(found.judged(), nullptr);
  EXPECT_EQ(found.judged()->text(), "198.51.100.200");
  EXPECT_EQ(found.hops, 0U);
  EXPECT_FALSE(found.relay);
  EXPECT_EQ(found.helo, "");
  // Without a list nobody is a relay.
  EXPECT_EQ(find_origin(address("192.0.2.25"), header({foreign}), {}).stop, Stop::not_a_relay);
}

TEST(Origin, behindOneRelay) {
  const Origin found = origin({foreign, forged});
  expect_foreign(found, 1);
  EXPECT_EQ(found.relay->text(), "192.0.2.25");
}

// The first of ours that got it is the last whose field is read.
TEST(Origin, saysWhenTheFirstRelayGotIt) {
  const auto at = [](const std::string& field, const std::string& when) {
    return field.substr(0, field.find(';')) + "; " + when;
  };
  const auto first = at(foreign, "Mon, 23 Nov 2026 08:00:00 +0000");
  const auto received = [](const Origin& found) {
    return found.received ? to_iso8601(*found.received) : "none";
  };
  EXPECT_EQ(received(origin({first, forged})), "2026-11-23T08:00:00Z");
  EXPECT_EQ(received(origin({from_relay, first, forged})), "2026-11-23T08:00:00Z");
  EXPECT_EQ(received(origin({from_relay, at(foreign, "never"), forged})), "2026-11-25T01:00:00Z")
      << "the relay behind it had it by then";
  EXPECT_EQ(received(origin({at(foreign, "never"), forged})), "none");
  EXPECT_EQ(received(origin({first}, "198.51.100.200")), "none") << "the field of a stranger";
  EXPECT_EQ(received(origin({" gibberish", first})), "none");
}

TEST(Origin, behindTwoRelays) {
  const Origin found = origin({from_relay, foreign, forged});
  expect_foreign(found, 2);
  EXPECT_EQ(found.relay->text(), "2001:db8:25::3");
}

TEST(Origin, behindAListedPrivateGateway) {
  expect_foreign(origin({from("gw", "unknown", "10.0.0.25"), foreign, forged}), 2);
}

TEST(Origin, behindTheContentFilterOfARelay) {
  const std::string to_filter =
      " from mx2.example.jp ([127.0.0.1]) by localhost (mx2.example.jp [127.0.0.1]) (amavisd-new, "
      "port 10024) with ESMTP id A"s +
      date;
  const Origin found =
      origin({from("localhost", "localhost", "127.0.0.1"), to_filter, foreign, forged});
  expect_foreign(found, 3);
  EXPECT_EQ(found.relay->text(), "192.0.2.25");
}

TEST(Origin, behindQmailStandsOneFieldLower) {
  const std::string queue = " (qmail 4711 invoked from network); 25 Nov 2026 01:00:00 -0000";
  const std::string smtpd =
      " from out7.foreign.test (HELO mail.foreign.test) (198.51.100.7) by mx2.example.jp with "
      "SMTP; "
      "25 Nov 2026 01:00:00 -0000";
  expect_foreign(origin({queue, smtpd, forged}), 1);
  EXPECT_EQ(origin({queue}).stop, Stop::no_received);
}

// Below the first foreign host stands what that host wants us to read.
TEST(Origin, forgedFieldsBelowTheBoundaryAreNotRead) {
  const std::string claims[] = {
      forged,
      from_relay,
      from("mx2.example.jp", "mx2.example.jp", "192.0.2.25"),
      " by mx2.example.jp (Postfix, from userid 0) id A"s + date,
      std::string(900'000, '('),
      "",
  };
  for (const auto& claim : claims) expect_foreign(origin({foreign, claim, forged}), 1);
}

TEST(Origin, submittedOnTheRelayItself) {
  const Origin found = origin({" by mx2.example.jp (Postfix, from userid 0) id A"s + date, forged});
  EXPECT_EQ(found.stop, Stop::local_submission);
  EXPECT_EQ(found.judged(), nullptr);
  EXPECT_EQ(found.address, address("192.0.2.25"));
  EXPECT_NE(found.reason.find("192.0.2.25"), std::string::npos);
}

TEST(Origin, submittedToTheRelayFromItself) {
  const Origin found = find_origin(address("192.0.2.25"),
                                   header({from("localhost", "localhost", "127.0.0.1"), forged}),
                                   {mail::IpPrefix::parse("192.0.2.25").value()});
  EXPECT_EQ(found.stop, Stop::local_submission);
  EXPECT_EQ(found.address, address("192.0.2.25"));
  EXPECT_EQ(found.judged(), nullptr);
}

TEST(Origin, isUnknownWithAReason) {
  const struct {
    const char* what;
    std::vector<std::string> received;
    Stop stop;
    const char* reason;
  } cases[] = {
      {"none", {}, Stop::no_received, "no Received field of the relay 192.0.2.25"},
      {"no syntax", {" gibberish", forged}, Stop::unreadable, "192.0.2.25 cannot be read"},
      {"no client",
       {" by mx2.example.jp id A"s + date, forged},
       Stop::unreadable,
       "names no client"},
      {"two clients",
       {from("x (y [203.0.113.9])", "real", "198.51.100.7"), forged},
       Stop::unreadable,
       "more than one client"},
      {"the second relay's",
       {from_relay, " gibberish", forged},
       Stop::unreadable,
       "the relay 2001:db8:25::3 cannot be read"},
      {"none of the second relay", {from_relay}, Stop::no_received, "relay 2001:db8:25::3"},
      {"private", {from("x", "unknown", "10.0.0.26"), forged}, Stop::private_client, "10.0.0.26"},
  };
  for (const auto& test_case : cases) {
    const Origin found = origin(test_case.received);
    EXPECT_EQ(found.stop, test_case.stop) << test_case.what;
    EXPECT_NE(found.reason.find(test_case.reason), std::string::npos) << found.reason;
    EXPECT_FALSE(found.address) << test_case.what;
    EXPECT_EQ(found.judged(), nullptr) << test_case.what;
    EXPECT_EQ(found.helo, "") << test_case.what;
  }
}

TEST(Origin, hopsAreBounded) {
  std::vector<std::string> received(max_relay_hops - 1, from_relay);
  received.push_back(foreign);
  expect_foreign(origin(received), max_relay_hops);
  received.insert(received.begin(), from_relay);
  const Origin found = origin(received);
  EXPECT_EQ(found.stop, Stop::too_many_hops);
  EXPECT_EQ(found.judged(), nullptr);
  EXPECT_NE(found.reason.find("more than 10"), std::string::npos);

  const std::string queue = " (qmail 4711 invoked from network); 25 Nov 2026 01:00:00 -0000";
  EXPECT_EQ(origin(std::vector<std::string>(1'000, queue)).stop, Stop::too_many_hops);
}

TEST(Origin, longHeadersCostNoTime) {
  const auto fields = header(std::vector<std::string>(5'000, from_relay));
  const auto before = cpu_time();
  for (int round = 0; round < 100; ++round) {
    EXPECT_EQ(find_origin(address("192.0.2.25"), fields, relays()).stop, Stop::too_many_hops);
  }
  EXPECT_LT(cpu_time() - before, std::chrono::seconds(1));
}

TEST(Origin, stopsHaveNames) {
  EXPECT_EQ(to_string(Stop::not_a_relay), "not-a-relay");
  EXPECT_EQ(to_string(Stop::foreign_client), "foreign-client");
  EXPECT_EQ(to_string(Stop::local_submission), "local-submission");
  EXPECT_EQ(to_string(Stop::private_client), "private-client");
  EXPECT_EQ(to_string(Stop::no_received), "no-received");
  EXPECT_EQ(to_string(Stop::unreadable), "unreadable");
  EXPECT_EQ(to_string(Stop::too_many_hops), "too-many-hops");
}

}  // namespace
}  // namespace sekisho::client
