// Asking the next hop who exists: which answers count, what is remembered, and for how long.
#include "relay/callout.h"

#include <array>
#include <fstream>

#include <poll.h>
#include <sys/socket.h>

#include <gmock/gmock.h>

#include "base/inet_socket.h"
#include "relay/results.h"
#include "support/relay_test.h"
#include "support/scripted_server.h"
#include "support/smtp_party.h"
#include "support/temporary_folder.h"

namespace sekisho::relay {
namespace {

using Code = Callout::Answer::Code;
using testing::HasSubstr;

Result answer(int code, const std::string& status, Result::Code meaning = Result::Code::failed) {
  Result result = make_result(meaning, status, "x");
  result.reply = std::to_string(code) + " " + status + " x";
  result.at_rcpt = true;
  return result;
}

TEST(RelayCallout, OnlyAFewRepliesSayUnknown) {
  EXPECT_EQ(meaning_of(answer(250, "2.1.5", Result::Code::sent)), Code::exists);
  for (const int code : {550, 551, 553})
    EXPECT_EQ(meaning_of(answer(code, "5.1.1")), Code::missing);
  EXPECT_EQ(meaning_of(answer(550, "5.7.1")), Code::unknown);
  EXPECT_EQ(meaning_of(answer(554, "5.1.1")), Code::unknown);
  EXPECT_EQ(meaning_of(answer(550, "5.0.0")), Code::unknown);
  EXPECT_EQ(meaning_of(answer(450, "4.1.1", Result::Code::deferred)), Code::unknown);
  EXPECT_EQ(meaning_of(make_result(Result::Code::deferred, "4.4.1", "refused")), Code::unknown);
}

TEST(RelayCallout, ARefusedSenderSaysNothingOfTheRecipient) {
  Result to_mail = answer(550, "5.1.0");
  to_mail.at_rcpt = false;
  EXPECT_EQ(meaning_of(to_mail), Code::unknown);
}

// --- What is remembered

constexpr WallTime start{std::chrono::seconds(1'800'000'000)};

class RelayKnownRecipients : public testing::Test {
 protected:
  std::string path() const { return folder_.file("recipients"); }
  std::string text() const {
    std::ifstream in(path());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  test::TemporaryFolder folder_;
};

TEST_F(RelayKnownRecipients, UntilItsEnd) {
  KnownRecipients known(path());
  known.remember("a@x", true, start);
  known.remember("b@x", false, start);
  using std::chrono::hours;
  EXPECT_TRUE(known.find("a@x", start)->fresh);
  EXPECT_TRUE(known.find("a@x", start + hours(2))->exists);
  EXPECT_FALSE(known.find("a@x", start + hours(2))->fresh);
  EXPECT_TRUE(known.find("a@x", start + hours(31 * 24) - std::chrono::seconds(1)));
  EXPECT_FALSE(known.find("a@x", start + hours(31 * 24)));
  EXPECT_FALSE(known.find("b@x", start)->exists);
  EXPECT_FALSE(known.find("b@x", start + hours(1)));
  EXPECT_FALSE(known.find("c@x", start));
}

TEST_F(RelayKnownRecipients, BeyondARestart) {
  {
    KnownRecipients known(path());
    known.remember("a@x", true, start);
    known.remember("b@x", true, start);
    known.remember("b@x", false, start);
    known.write(start);
    EXPECT_EQ(known.problem(), "");
  }
  // What a crash cut off, and what is no line.
  std::ofstream(path(), std::ios::app) << "garbage\n+ x y\n+ 99999999999 cut@x";
  KnownRecipients again(path());
  again.load(start);
  EXPECT_TRUE(again.find("a@x", start)->exists);
  EXPECT_FALSE(again.find("b@x", start)->exists);
  EXPECT_FALSE(again.find("cut@x", start));
  EXPECT_EQ(again.size(), 2U);
}

TEST_F(RelayKnownRecipients, TheFileIsWrittenAnew) {
  KnownRecipients known(path());
  for (int i = 0; i < 2000; ++i) known.remember("a@x", true, start);
  known.write(start);
  EXPECT_EQ(text(),
            "+ " + std::to_string((start + KnownRecipients::yes_lasts).time_since_epoch().count()) +
                " a@x\n");
}

TEST_F(RelayKnownRecipients, ALineIsALine) {
  KnownRecipients known(path());
  known.remember("a@x\n+ 99999999999 evil@x", true, start);
  known.remember(std::string(1000, 'a') + "@x", true, start);
  known.write(start);
  EXPECT_EQ(text(), "");
}

TEST_F(RelayKnownRecipients, AFileThatCannotBeWritten) {
  KnownRecipients known("/nonexistent/recipients");
  known.load(start);
  EXPECT_EQ(known.problem(), "") << "it is only not there yet";
  known.remember("a@x", true, start);
  known.write(start);
  EXPECT_THAT(known.problem(), HasSubstr("/nonexistent/recipients: No such file"));
  EXPECT_TRUE(known.find("a@x", start));
}

// --- A real server

class RelayCalloutAtServer : public test::RelayTest {
 protected:
  RelayCalloutAtServer() : alarms_(log_), disk_(1) {}

  // Patience for a busy machine, but where it is the point that it ends.
  Callout make(std::chrono::milliseconds patience = std::chrono::minutes(2)) {
    Callout::Options options;
    options.file = folder_.file("recipients");
    options.patience = patience;
    return Callout(transport_, loops_, disk_, log_, alarms_, options);
  }
  static Callout::Answer ask(Callout& callout, const std::string& address,
                             const std::shared_ptr<const Map>& map) {
    std::promise<Callout::Answer> promise;
    callout.ask(mail::Path(address), map, [&](Callout::Answer found) { promise.set_value(found); });
    return promise.get_future().get();
  }

  test::TemporaryFolder folder_;
  Alarms alarms_;
  Workers disk_;
};

// Within 20 s: then something is wrong.
bool readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, 20'000) == 1;
}

UniqueFd accepted(int listener) {
  return UniqueFd(readable(listener) ? ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) : -1);
}

std::string answer_to(int fd, const std::string& text) {
  std::array<char, 1000> buffer{};
  if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) < 0 || !readable(fd)) return "";
  const ssize_t octets = ::recv(fd, buffer.data(), buffer.size(), 0);
  return octets > 0 ? std::string(buffer.data(), static_cast<std::size_t>(octets)) : "";
}

TEST_F(RelayCalloutAtServer, YesAndNo) {
  test::SmtpParty party({"--refuse", "no@d.test=550 5.1.1 unknown", "--refuse",
                         "blocked@d.test=550 5.7.1 you are listed"});
  auto callout = make();
  const auto map = map_of({route_to_port(party.port())});
  EXPECT_EQ(ask(callout, "yes@d.test", map).code, Code::exists);
  EXPECT_EQ(ask(callout, "no@d.test", map).code, Code::missing);
  EXPECT_TRUE(alarms_.lasting().empty());
  EXPECT_EQ(ask(callout, "blocked@d.test", map).code, Code::unknown);
  ASSERT_EQ(alarms_.lasting().size(), 1U);
  EXPECT_THAT(alarms_.lasting()[0].text, HasSubstr("you are listed"));
}

// Who was there before is not turned away while the next hop is.
TEST_F(RelayCalloutAtServer, AYesBridgesAnOutage) {
  const auto closed = map_of({route_to_port(1)});
  {
    KnownRecipients known(folder_.file("recipients"));
    known.remember("old@d.test", true, wall_now() - std::chrono::hours(48));
    known.remember("new@d.test", true, wall_now());
    known.write(wall_now());
  }
  auto callout = make();
  EXPECT_EQ(ask(callout, "old@d.test", closed).code, Code::exists);
  EXPECT_EQ(ask(callout, "new@d.test", closed).code, Code::exists);
  EXPECT_EQ(ask(callout, "nobody@d.test", closed).code, Code::unknown);
}

TEST_F(RelayCalloutAtServer, ASilentServerIsUnknownAfterAWhile) {
  test::ScriptedServer server({"220 mx\r\n", "250-"});
  auto callout = make(std::chrono::milliseconds(200));
  const auto found = ask(callout, "a@d.test", map_of({route_to_port(server.port())}));
  EXPECT_EQ(found.code, Code::unknown);
  EXPECT_THAT(found.reply, HasSubstr("not answered in time"));
  transport_.stop();
}

// One that takes no bounces refuses every recipient by its answer to MAIL.
TEST_F(RelayCalloutAtServer, AServerThatRefusesTheSender) {
  test::ScriptedServer server(
      {"220 mx\r\n", "250 mx\r\n", "550 5.1.0 <>: sender rejected\r\n", "221 bye\r\n"});
  auto callout = make();
  const auto map = map_of({route_to_port(server.port())});
  EXPECT_EQ(ask(callout, "a@d.test", map).code, Code::unknown);
  ASSERT_EQ(alarms_.lasting().size(), 1U);
  EXPECT_THAT(alarms_.lasting()[0].text, HasSubstr("sender rejected"));
  transport_.stop();
}

// A server that lets whoever asks wait, and more questions than there may be at once: a message
// gets its connection all the same.
TEST_F(RelayCalloutAtServer, QuestionsDoNotKeepMailWaiting) {
  const auto listening = listen_inet({"127.0.0.1", 0}, 100);
  const auto map = map_of({route_to_port(port_of(listening->get()))});
  for (std::size_t i = 0; i < Lane::most_probes + 5; ++i)
    transport_.probe(test::job_for(map, {"b@d.test"}), [](const JobResult&) {});
  std::vector<UniqueFd> asking;
  for (std::size_t i = 0; i < Lane::most_probes; ++i) asking.push_back(accepted(listening->get()));
  auto job = test::job_for(map, {"b@d.test"});
  job.sender = mail::Path("message@example.com");
  transport_.deliver(std::move(job), [](const JobResult&) {});
  const UniqueFd message = accepted(listening->get());
  ASSERT_TRUE(message) << "no connection for the message";
  EXPECT_EQ(answer_to(message.get(), "220 mx\r\n"), "EHLO me.example\r\n");
  EXPECT_EQ(answer_to(message.get(), "250 mx\r\n"), "MAIL FROM:<message@example.com>\r\n");
  transport_.stop();
}

TEST_F(RelayCalloutAtServer, NothingIsSent) {
  test::ScriptedServer server(
      {"220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "550 5.1.1 no\r\n", "250 reset\r\n"});
  auto callout = make();
  EXPECT_EQ(ask(callout, "a@d.test", map_of({route_to_port(server.port())})).code, Code::missing);
  transport_.stop();
  EXPECT_EQ(server.heard(),
            "EHLO me.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@d.test>\r\nRSET\r\nQUIT\r\n");
}

}  // namespace
}  // namespace sekisho::relay
