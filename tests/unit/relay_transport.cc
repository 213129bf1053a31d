// Deliveries to real servers of others, over real sockets: aiosmtpd, Postfix's smtp-sink with its
// faults, and one that says what its script says.
#include <algorithm>
#include <deque>
#include <filesystem>
#include <iterator>
#include <thread>

#include <sys/stat.h>

#include <gmock/gmock.h>

#include "base/encoding.h"
#include "base/inet_socket.h"
#include "crypto/digest.h"
#include "relay/delivery.h"
#include "relay/results.h"
#include "support/certificates.h"
#include "support/relay_test.h"
#include "support/scripted_server.h"
#include "support/smtp_party.h"
#include "support/temporary_folder.h"

namespace sekisho::relay {
namespace {

using Code = Result::Code;
using testing::HasSubstr;
using testing::Not;
using Kind = Via::Kind;

class RelayTransport : public test::RelayTest {
 protected:
  using RelayTest::RelayTest;
  Result probe(Job job) {
    std::promise<Result> promise;
    transport_.probe(std::move(job),
                     [&](const JobResult& found) { promise.set_value(found.results.at(0)); });
    return promise.get_future().get();
  }
};

TEST_F(RelayTransport, AMessageArrivesAsItIs) {
  test::SmtpParty party;
  const auto done = deliver(map_of({route_to_port(party.port())}), {"b@d.test", "c@d.test"});
  ASSERT_EQ(done.results.size(), 2U);
  for (const auto& result : done.results) {
    EXPECT_EQ(result.code, Code::sent) << result.why;
    EXPECT_EQ(result.reply, "250 2.0.0 taken");
    EXPECT_EQ(result.host, "[127.0.0.1]:" + std::to_string(party.port()));
  }
  const auto message = party.next();
  EXPECT_EQ(message["content"], test::short_message);
  EXPECT_EQ(message["sender"], "sender@example.com");
  EXPECT_EQ(message["to"], nlohmann::json({"b@d.test", "c@d.test"}));
  EXPECT_EQ(message["helo"], "me.example");
  EXPECT_EQ(done.dialogue.front().who, '*');
}

TEST_F(RelayTransport, ALargeMessageIsReadInBlocks) {
  test::SmtpParty party;
  std::string content = "Subject: large\r\n\r\n";
  for (int i = 0; i < 40'000; ++i) content += ".line " + std::to_string(i) + " \xc3\xa9\r\n";
  const auto done =
      deliver(test::job_for(map_of({route_to_port(party.port())}), {"b@d.test"}, content));
  EXPECT_EQ(done.results.at(0).code, Code::sent) << done.results.at(0).why;
  const auto message = party.next();
  EXPECT_EQ(message["sha256"], hex_encode(crypto::sha256(content).view()));
}

TEST_F(RelayTransport, RefusedRecipientsAndOthers) {
  test::SmtpParty party(
      {"--refuse", "b@d.test=550 5.1.1 no such user", "--refuse", "c@d.test=452 4.2.2 full"});
  const auto done =
      deliver(map_of({route_to_port(party.port())}), {"a@d.test", "b@d.test", "c@d.test"});
  EXPECT_EQ(done.results[0].code, Code::sent);
  EXPECT_EQ(done.results[1].code, Code::failed);
  EXPECT_EQ(done.results[1].status, "5.1.1");
  EXPECT_EQ(done.results[2].code, Code::deferred);
  EXPECT_EQ(party.next()["to"], nlohmann::json({"a@d.test"}));
}

TEST_F(RelayTransport, NobodyListens) {
  std::uint16_t closed = 0;
  {
    const auto listening = listen_inet({"127.0.0.1", 0}, 1);
    closed = port_of(listening->get());
  }
  const auto result = deliver_one(map_of({route_to_port(closed)}));
  EXPECT_EQ(result.code, Code::deferred);
  EXPECT_EQ(result.status, "4.4.1");
  EXPECT_EQ(result.why,
            "connect to [127.0.0.1]:" + std::to_string(closed) + ": Connection refused");
}

struct Fault {
  const char* name;
  std::vector<std::string> options;
  Code code;
};

class RelayFaults : public test::RelayTest, public testing::WithParamInterface<Fault> {};

TEST_P(RelayFaults, OfSmtpSink) {
  test::SmtpSink sink(GetParam().options);
  const auto result = deliver_one(map_of({route_to_port(sink.port())}));
  EXPECT_EQ(result.code, GetParam().code) << result.why;
  EXPECT_FALSE(result.why.empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, RelayFaults,
    testing::Values(Fault{"none", {}, Code::sent},                             //
                    Fault{"no_esmtp", {"-e"}, Code::sent},                     //
                    Fault{"no_pipelining", {"-p"}, Code::sent},                //
                    Fault{"no_8bit_no_dsn", {"-8", "-N"}, Code::sent},         //
                    Fault{"hard_connect", {"-f", "connect"}, Code::deferred},  //
                    Fault{"soft_connect", {"-r", "connect"}, Code::deferred},  //
                    Fault{"hard_ehlo", {"-f", "ehlo"}, Code::sent},            //
                    Fault{"hard_helo", {"-f", "ehlo,helo"}, Code::deferred},   //
                    Fault{"soft_mail", {"-r", "mail"}, Code::deferred},        //
                    Fault{"hard_mail", {"-f", "mail"}, Code::failed},          //
                    Fault{"soft_rcpt", {"-r", "rcpt"}, Code::deferred},        //
                    Fault{"hard_rcpt", {"-f", "rcpt"}, Code::failed},          //
                    Fault{"soft_data", {"-r", "data"}, Code::deferred},        //
                    Fault{"hard_data", {"-f", "data"}, Code::failed},          //
                    Fault{"soft_dot", {"-r", "."}, Code::deferred},            //
                    Fault{"hard_dot", {"-f", "."}, Code::failed},              //
                    Fault{"drop_connect", {"-q", "connect"}, Code::deferred},  //
                    Fault{"drop_ehlo", {"-q", "ehlo"}, Code::deferred},        //
                    Fault{"drop_mail", {"-q", "mail"}, Code::deferred},        //
                    Fault{"drop_rcpt", {"-q", "rcpt"}, Code::deferred},        //
                    Fault{"drop_data", {"-q", "data"}, Code::deferred},        //
                    Fault{"drop_dot", {"-q", "."}, Code::deferred},            //
                    Fault{"closing_at_mail", {"-Q", "mail"}, Code::deferred}),
    [](const auto& each) { return std::string(each.param.name); });

TEST_F(RelayTransport, OneConnectionForManyMessages) {
  test::SmtpSink sink({});
  const auto map = map_of({route_to_port(sink.port())});
  deliver(map);
  const auto second = deliver(map);
  EXPECT_EQ(second.results[0].code, Code::sent);
  const auto said = [&](char who, const char* begin) {
    return std::count_if(second.dialogue.begin(), second.dialogue.end(), [&](const auto& line) {
      return line.who == who && line.text.starts_with(begin);
    });
  };
  EXPECT_EQ(said('*', "connected to"), 1);
  EXPECT_EQ(said('C', "MAIL FROM"), 2);
  EXPECT_EQ(said('C', "QUIT"), 0);
}

TEST_F(RelayTransport, ManyAtOnceShareTheConnections) {
  test::SmtpSink sink({});
  const auto map = map_of({route_to_port(sink.port())});
  std::vector<std::promise<JobResult>> promises(200);
  for (auto& promise : promises) {
    transport_.deliver(test::job_for(map, {"b@d.test"}),
                       [&](JobResult result) { promise.set_value(std::move(result)); });
  }
  for (auto& promise : promises)
    EXPECT_EQ(promise.get_future().get().results.at(0).code, Code::sent);
}

// It was idle for too long; nobody is told of it.
TEST_F(RelayTransport, AConnectionThatWasClosedMeanwhileIsReplaced) {
  test::ScriptedServer server(
      {"220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 taken\r\n", ""},
      false, 2);
  const auto map = map_of({route_to_port(server.port())});
  EXPECT_EQ(deliver_one(map).code, Code::sent);
  EXPECT_EQ(deliver_one(map).code, Code::sent);
  transport_.stop();
}

// A server that has taken enough by one connection.
TEST_F(RelayTransport, AConnectionThatHadItsShareIsReplaced) {
  test::ScriptedServer server({"220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n",
                               "250 taken\r\n", "421 too many messages\r\n"},
                              false, 2);
  const auto map = map_of({route_to_port(server.port())});
  EXPECT_EQ(deliver_one(map).code, Code::sent);
  const auto second = deliver_one(map);
  EXPECT_EQ(second.code, Code::sent) << second.why;
  transport_.stop();
}

// What is trusted no more ends with the message that is under way.
TEST_F(RelayTransport, OtherTrustNeedsAnotherConnection) {
  test::SmtpSink sink({});
  const auto map = map_of({route_to_port(sink.port())});
  deliver(map);
  transport_.configure({dns::Options(), some_trust(""), "+"});
  const auto second = deliver(map).dialogue;
  const auto mails = std::count_if(second.begin(), second.end(), [](const auto& line) {
    return line.who == 'C' && line.text.starts_with("MAIL FROM");
  });
  EXPECT_EQ(mails, 1);
}

// Another delimiter of extensions, after a reload: both parts of an address have their Maildirs.
TEST_F(RelayTransport, AReloadReachesTheNextDelivery) {
  const test::TemporaryFolder folder;
  const auto map = map_of({route_to({Kind::maildir, folder.file("{user}"), 0})});
  EXPECT_EQ(deliver(map, {"a-list@d.test"}).results.at(0).code, Code::sent);
  EXPECT_TRUE(std::filesystem::exists(folder.file("a-list/new")));
  transport_.configure({dns::Options(), some_trust(""), "-"});
  EXPECT_EQ(deliver(map, {"b-list@d.test"}).results.at(0).code, Code::sent);
  EXPECT_TRUE(std::filesystem::exists(folder.file("b/new")));
}

TEST_F(RelayTransport, LmtpByUnixSocket) {
  const test::TemporaryFolder folder;
  ::chmod(folder.file("").c_str(), 0777);
  test::SmtpSink sink({"-L"}, folder.file("lmtp"));
  const auto map = map_of({route_to({Kind::lmtp_unix, folder.file("lmtp"), 0})});
  const auto done = deliver(map, {"a@d.test", "b@d.test", "c@d.test"});
  for (const auto& result : done.results) EXPECT_EQ(result.code, Code::sent) << result.why;
  EXPECT_EQ(done.results[0].host, folder.file("lmtp"));
}

// A local socket that is away is this side's fault.
TEST_F(RelayTransport, ALocalSocketThatIsAway) {
  const auto map = map_of({route_to({Kind::lmtp_unix, "/nonexistent/lmtp", 0})});
  const auto result = deliver_one(map);
  EXPECT_EQ(result.code, Code::own_fault);
  EXPECT_EQ(result.fault, "socket:/nonexistent/lmtp");
}

TEST_F(RelayTransport, ALocalLmtpServerThatIsAway) {
  std::uint16_t closed = 0;
  {
    const auto listening = listen_inet({"127.0.0.1", 0}, 1);
    closed = port_of(listening->get());
  }
  const auto result = deliver_one(map_of({route_to_port(closed, Kind::lmtp)}));
  EXPECT_EQ(result.code, Code::own_fault);
  EXPECT_EQ(result.fault, "socket:[127.0.0.1]:" + std::to_string(closed));
}

TEST_F(RelayTransport, AnEgressAddressThatIsNotThere) {
  Egress egress;
  egress.ipv4 = "203.0.113.77";
  auto route = route_to({Kind::smtp_host, "192.0.2.1", 25});
  const auto result = deliver_one(map_of({route}, egress));
  EXPECT_EQ(result.code, Code::own_fault);
  EXPECT_EQ(result.fault, "egress:203.0.113.77");
  EXPECT_THAT(result.why, HasSubstr("egress.ipv4 = 203.0.113.77"));
}

// Loopback is reached from wherever the system chooses.
TEST_F(RelayTransport, AnEgressAddressIsNotForLoopback) {
  test::SmtpSink sink({});
  Egress egress;
  egress.ipv4 = "203.0.113.77";
  EXPECT_EQ(deliver_one(map_of({route_to_port(sink.port())}, egress)).code, Code::sent);
}

TEST_F(RelayTransport, ASilentServerIsNotWaitedForLonger) {
  test::ScriptedServer server({"220 mx\r\n", "250-"});
  Egress egress;
  egress.timeout = std::chrono::seconds(1);
  const auto result = deliver_one(map_of({route_to_port(server.port())}, egress));
  EXPECT_EQ(result.code, Code::deferred);
  EXPECT_EQ(result.why, "EHLO: no answer within 1 s");
}

TEST_F(RelayTransport, EndlessReplies) {
  test::ScriptedServer server({"220 mx\r\n", "250-more\r\n"}, true);
  const auto result = deliver_one(map_of({route_to_port(server.port())}));
  EXPECT_EQ(result.code, Code::deferred);
  EXPECT_THAT(result.why, HasSubstr("more than 100 lines"));
}

TEST_F(RelayTransport, AMessageThatCannotBeRead) {
  test::SmtpSink sink({});
  auto job = test::job_for(map_of({route_to_port(sink.port())}), {"b@d.test"});
  job.open = []() -> Expected<std::unique_ptr<Content>, std::string> {
    return tl::unexpected<std::string>("Input/output error");
  };
  const auto result = deliver(std::move(job)).results.at(0);
  EXPECT_EQ(result.code, Code::own_fault);
  EXPECT_EQ(result.fault, "queue:messages");
  EXPECT_THAT(result.why, HasSubstr("Input/output error"));
}

// Its first block is there; a character beyond ASCII in it says enough for BODY.
class TornContent final : public Content {
 public:
  std::uint64_t size() const override { return 4 * block_octets; }
  Expected<std::string, std::string> read(std::uint64_t offset, std::size_t count) override {
    if (offset > 0) return tl::unexpected<std::string>("Input/output error");
    std::string out;
    while (out.size() < count) out += "\xc3\xa9\r\n";
    return out;
  }
};

TEST_F(RelayTransport, AMessageThatCannotBeReadToItsEnd) {
  test::SmtpSink sink({});
  auto job = test::job_for(map_of({route_to_port(sink.port())}), {"b@d.test"});
  job.open = []() -> Expected<std::unique_ptr<Content>, std::string> {
    return std::make_unique<TornContent>();
  };
  const auto result = deliver(std::move(job)).results.at(0);
  EXPECT_EQ(result.code, Code::own_fault) << result.why;
  EXPECT_EQ(result.fault, "queue:messages");
}

TEST_F(RelayTransport, Discard) {
  const auto result = deliver_one(map_of({route_to({Kind::discard, "", 0})}));
  EXPECT_EQ(result.code, Code::sent);
}

// One recipient that cannot be told to the server, and a login that is asked for: the next message
// waits for the login, and does not get the refusal of a recipient that is not its own.
TEST_F(RelayTransport, APausedRouteRemembersTheLoginOnly) {
  test::ScriptedServer server(
      {"220 mx\r\n", "250 mx\r\n", "530 5.7.0 Authentication required\r\n"});
  const auto map = map_of({route_to_port(server.port())});
  const auto first = deliver(map, {"b\xc3\xb6\x62@d.test", "bob@d.test"}).results;
  EXPECT_EQ(first.at(0).code, Code::failed);
  EXPECT_EQ(first.at(1).code, Code::own_fault);
  const auto second = deliver_one(map);
  EXPECT_EQ(second.code, Code::own_fault);
  EXPECT_THAT(second.why, HasSubstr("Authentication required"));
  transport_.stop();
}

// The server that is connected to never says a word.
TEST_F(RelayTransport, StopEndsWhatIsUnderWay) {
  const auto listening = listen_inet({"127.0.0.1", 0}, 5);
  std::promise<JobResult> promise;
  transport_.deliver(
      test::job_for(map_of({route_to_port(port_of(listening->get()))}), {"b@d.test"}),
      [&](JobResult result) { promise.set_value(std::move(result)); });
  transport_.stop();
  EXPECT_EQ(promise.get_future().get().results.at(0).code, Code::deferred);
  EXPECT_EQ(deliver_one(map_of({route_to({Kind::discard, "", 0})})).code, Code::deferred);
}

// What is in a Maildir is never said to be still to deliver.
TEST_F(RelayTransport, StopTellsTheTruthOfMaildirs) {
  const test::TemporaryFolder folder;
  const auto map = map_of({route_to({Kind::maildir, folder.file("{user}"), 0})});
  std::vector<std::promise<JobResult>> promises(4);
  std::promise<void> stopping;
  const auto stopped = stopping.get_future().share();
  for (auto& promise : promises) {
    auto job = test::job_for(map, {"a@d.test"});
    job.open = [open = job.open, stopped] {
      stopped.wait();
      return open();
    };
    transport_.deliver(std::move(job),
                       [&](JobResult result) { promise.set_value(std::move(result)); });
  }
  // Behind the jobs in both of their queues, so that all are under way when it has run.
  const auto begun = loops_.sum([](net::Loop&) { return std::size_t{1}; });
  ASSERT_GE(begun, 1U);
  std::thread stop([&] { transport_.stop(); });
  // Their lane has stopped when it answers no question any more.
  while (probe(test::job_for(map, {"a@d.test"})).code == Code::sent) std::this_thread::yield();
  stopping.set_value();
  stop.join();
  std::size_t sent = 0;
  for (auto& promise : promises)
    sent += promise.get_future().get().results.at(0).code == Code::sent ? 1 : 0;
  const std::filesystem::directory_iterator files(folder.file("a/new"));
  EXPECT_EQ(sent, static_cast<std::size_t>(std::distance(begin(files), end(files))));
  EXPECT_EQ(sent, promises.size());
}

class RelayByMx : public test::RelayTest {
 protected:
  RelayByMx()
      : RelayTest(
            "null MX 0 .\nus MX 10 me.example.\nloop A 127.0.0.1\n;!servfail broken\n"
            "v6 MX 10 a\na AAAA 2001:db8::1\n") {}
  Result to(const std::string& domain, Family family = Family::prefer_ipv4) {
    Egress egress;
    egress.family = family;
    return deliver(map_of({}, egress), {"x@" + domain}).results.at(0);
  }
};

TEST_F(RelayByMx, WhatTheDnsSays) {
  EXPECT_EQ(to("null.test").code, Code::failed);
  EXPECT_EQ(to("null.test").status, "5.1.10");
  EXPECT_EQ(to("us.test").code, Code::loop);
  EXPECT_EQ(to("loop.test").code, Code::loop);
  EXPECT_EQ(to("broken.test").code, Code::deferred);
  EXPECT_EQ(to("absent.test").code, Code::failed);
  EXPECT_EQ(to("absent.test").status, "5.4.4");
  EXPECT_EQ(to("v6.test", Family::ipv4_only).code, Code::deferred);
  EXPECT_THAT(to("v6.test", Family::ipv4_only).why, HasSubstr("ipv4-only"));
}

// Our route leads there, so the mail waits; the fault has a name by which it ends.
TEST_F(RelayByMx, ARouteToADomainThatTakesNoMail) {
  const auto result = deliver_one(map_of({route_to({Kind::smtp_domain, "null.test", 25})}));
  EXPECT_EQ(result.code, Code::own_fault);
  EXPECT_EQ(result.fault, "mx:null.test:25");
}

// With one address there is nothing to try once more: what it said is what counts.
TEST_F(RelayTransport, TheFirstAnswerStandsWithoutAnotherFamily) {
  const std::string said = "550 5.7.25 no reverse DNS for your IPv6";
  test::ScriptedServer server({"220 mx\r\n", "250 mx\r\n", "250 ok\r\n", said + "\r\n", ""});
  const auto result = deliver_one(map_of({route_to_port(server.port())}));
  EXPECT_EQ(result.code, Code::failed) << result.why;
  EXPECT_EQ(result.reply, said);
}

Delivery::Hop hop_at(const char* address) {
  Delivery::Hop hop;
  hop.name = "mx.test";
  hop.address = HopAddress{mail::IpAddress::parse(address).value(), 0};
  return hop;
}

TEST(RelaySecondFamily, OneOfItAndNoMore) {
  std::deque<Delivery::Hop> left = {hop_at("2001:db8::2"), hop_at("192.0.2.1"),
                                    hop_at("192.0.2.2")};
  leave_one_of_other_family(left, hop_at("2001:db8::1"));
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left.front().address->address.text(), "192.0.2.1");
  leave_one_of_other_family(left, hop_at("192.0.2.9"));
  EXPECT_TRUE(left.empty());
}

TEST(RelaySecondFamily, OnlyRefusalsThatSpeakOfTheAddress) {
  EXPECT_TRUE(
      speaks_of_address("550-5.7.1 [2001:db8::1] Our system has detected that this message "
                        "does not meet IPv6 sending guidelines regarding PTR records"));
  EXPECT_TRUE(speaks_of_address("550 5.7.25 no reverse DNS"));
  EXPECT_TRUE(speaks_of_address("550-5.7.26 unauthenticated sender"));
  EXPECT_FALSE(speaks_of_address("550 5.1.1 no such user"));
  EXPECT_FALSE(speaks_of_address("554 5.7.1 spam"));
}

}  // namespace
}  // namespace sekisho::relay
