// The client's side of SMTP, step by step: what is said, and which result each reply leads to.
#include "relay/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::relay {
namespace {

using Code = Result::Code;
using Want = Conversation::Want;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string message = "Subject: x\r\n\r\n.dot\r\nend\r\n";

Transaction transaction(std::vector<std::string> recipients = {"b@example.jp"}) {
  Transaction it;
  it.sender = "a@example.com";
  it.size = message.size();
  for (auto& to : recipients) it.recipients.push_back({std::move(to), {}});
  return it;
}

ConversationOptions options(RouteTls tls = RouteTls::none, bool lmtp = false) {
  return {lmtp, "me.example", tls, false};
}

// A conversation and what was said in it last.
struct Talk {
  Conversation conversation;
  explicit Talk(ConversationOptions chosen = options(), std::unique_ptr<Login> login = nullptr)
      : conversation(std::move(chosen), std::move(login)) {
    conversation.begin(transaction());
  }
  Talk(ConversationOptions chosen, Transaction it) : conversation(std::move(chosen), nullptr) {
    conversation.begin(std::move(it));
  }

  // What the client says to that.
  std::string hear(std::string_view octets) {
    conversation.receive(octets);
    return conversation.take_output();
  }
  std::string greet(const std::string& extensions = "") {
    hear("220 mx\r\n");
    std::string ehlo = "250 mx\r\n";
    if (!extensions.empty()) ehlo = "250-mx\r\n" + extensions;
    return hear(ehlo);
  }
  std::string send_message() {
    conversation.content(message);
    conversation.content_end();
    return conversation.take_output();
  }
  Outcome outcome() {
    auto found = conversation.take_outcome();
    EXPECT_TRUE(found.has_value());
    return found ? std::move(*found) : Outcome{};
  }
  Result result() {
    auto found = outcome();
    EXPECT_FALSE(found.results.empty());
    return found.results.empty() ? Result{} : found.results.front();
  }
};

TEST(RelayConversation, OneMessageWithoutExtensions) {
  Talk talk;
  EXPECT_EQ(talk.conversation.take_output(), "");
  EXPECT_EQ(talk.hear("220 mx ESMTP\r\n"), "EHLO me.example\r\n");
  EXPECT_EQ(talk.hear("502 what\r\n"), "HELO me.example\r\n");
  EXPECT_EQ(talk.hear("250 mx\r\n"), "MAIL FROM:<a@example.com>\r\n");
  EXPECT_EQ(talk.hear("250 ok\r\n"), "RCPT TO:<b@example.jp>\r\n");
  EXPECT_EQ(talk.hear("250 ok\r\n"), "DATA\r\n");
  EXPECT_EQ(talk.hear("354 go\r\n"), "");
  EXPECT_EQ(talk.conversation.want(), Want::content);
  EXPECT_EQ(talk.send_message(), "Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n");
  EXPECT_TRUE(talk.conversation.after_dot());
  EXPECT_EQ(talk.hear("250 2.6.0 queued as X\r\n"), "");
  EXPECT_EQ(talk.conversation.want(), Want::transaction);
  const Result result = talk.result();
  EXPECT_EQ(result.code, Code::sent);
  EXPECT_EQ(result.status, "2.6.0");
  EXPECT_EQ(result.reply, "250 2.6.0 queued as X");
  talk.conversation.quit();
  EXPECT_EQ(talk.conversation.take_output(), "QUIT\r\n");
}

TEST(RelayConversation, ParametersGoOnlyToWhomOffersThem) {
  auto it = transaction();
  it.parameters = {"RET=HDRS", "ENVID=x", "BODY=8BITMIME", "X=1\r\nRSET"};
  it.eight_bit = true;
  it.recipients[0].parameters = {"NOTIFY=FAILURE", "ORCPT=rfc822;b@c"};
  Talk all(options(), it);
  EXPECT_EQ(all.greet("250-DSN\r\n250-8BITMIME\r\n250 SIZE 1000\r\n"),
            "MAIL FROM:<a@example.com> RET=HDRS ENVID=x BODY=8BITMIME SIZE=25\r\n");
  EXPECT_EQ(all.hear("250 ok\r\n"), "RCPT TO:<b@example.jp> NOTIFY=FAILURE ORCPT=rfc822;b@c\r\n");
  all.hear("250 ok\r\n");
  all.hear("354 go\r\n");
  all.send_message();
  all.hear("250 taken\r\n");
  EXPECT_TRUE(all.result().dsn);
  Talk none(options(), it);
  EXPECT_EQ(none.greet(), "MAIL FROM:<a@example.com>\r\n");
  EXPECT_EQ(none.hear("250 ok\r\n"), "RCPT TO:<b@example.jp>\r\n");
  none.hear("250 ok\r\n");
  none.hear("354 go\r\n");
  none.send_message();
  none.hear("250 taken\r\n");
  EXPECT_FALSE(none.result().dsn);
}

TEST(RelayConversation, PipelinedWithRecipientsThatDiffer) {
  Talk talk(options(), transaction({"a@x", "b@x", "c@x", "d@x"}));
  EXPECT_EQ(talk.greet("250 PIPELINING\r\n"),
            "MAIL FROM:<a@example.com>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\n"
            "RCPT TO:<d@x>\r\nDATA\r\n");
  talk.hear("250 ok\r\n452 later\r\n250 ok\r\n550 5.1.1 no\r\n552 too many\r\n354 go\r\n");
  EXPECT_EQ(talk.conversation.want(), Want::content);
  talk.send_message();
  talk.hear("250 taken\r\n");
  const auto found = talk.outcome().results;
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].code, Code::deferred);
  EXPECT_EQ(found[1].code, Code::sent);
  EXPECT_EQ(found[2].code, Code::failed);
  EXPECT_EQ(found[2].status, "5.1.1");
  EXPECT_EQ(found[3].code, Code::deferred) << "552 at RCPT counts as 452";
  EXPECT_EQ(found[3].status, "4.5.3");
}

// RFC 2920 §3.1: a server may say 354 although nobody is left.
TEST(RelayConversation, AMessageForNobodyIsADot) {
  Talk talk;
  talk.greet("250 PIPELINING\r\n");
  EXPECT_EQ(talk.hear("250 ok\r\n550 no\r\n354 go\r\n"), ".\r\n");
  EXPECT_EQ(talk.hear("554 nobody\r\n"), "");
  EXPECT_EQ(talk.result().code, Code::failed);
  EXPECT_EQ(talk.conversation.want(), Want::transaction);
}

TEST(RelayConversation, AnEmptyMessageNeverGoesOut) {
  Talk talk;
  talk.greet("250 PIPELINING\r\n");
  EXPECT_EQ(talk.hear("550 5.7.1 not you\r\n250 ok\r\n354 go\r\n"), "");
  EXPECT_EQ(talk.conversation.want(), Want::end);
  EXPECT_EQ(talk.result().code, Code::failed);
}

TEST(RelayConversation, AConnectionIsUsedAgain) {
  Talk talk;
  talk.greet();
  talk.hear("250 ok\r\n");
  talk.hear("250 ok\r\n");
  talk.hear("354 go\r\n");
  talk.send_message();
  talk.hear("250 ok\r\n");
  EXPECT_EQ(talk.result().code, Code::sent);
  talk.conversation.begin(transaction());
  EXPECT_EQ(talk.conversation.take_output(), "MAIL FROM:<a@example.com>\r\n");
  talk.hear("250 ok\r\n");
  talk.hear("550 no\r\n");
  EXPECT_EQ(talk.result().code, Code::failed);
  // What was begun is ended first.
  talk.conversation.begin(transaction());
  EXPECT_EQ(talk.conversation.take_output(), "RSET\r\n");
  EXPECT_EQ(talk.hear("250 ok\r\n"), "MAIL FROM:<a@example.com>\r\n");
}

TEST(RelayConversation, AConnectionThatWasIdleTooLongIsUnheard) {
  Talk talk;
  talk.greet();
  talk.hear("250 ok\r\n");
  talk.hear("550 no\r\n");
  talk.outcome();
  talk.conversation.begin(transaction());
  talk.conversation.lost("the server closed the connection");
  const auto found = talk.outcome();
  EXPECT_TRUE(found.unheard);
  EXPECT_EQ(found.trouble, Trouble::host);
}

TEST(RelayConversation, LmtpHasAReplyForEachRecipient) {
  Talk talk(options(RouteTls::none, true), transaction({"a@x", "b@x", "c@x"}));
  EXPECT_EQ(talk.hear("220 x\r\n"), "LHLO me.example\r\n");
  talk.hear("250-x\r\n250 PIPELINING\r\n");
  talk.hear("250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n");
  talk.send_message();
  EXPECT_EQ(talk.hear("250 2.0.0 a\r\n"), "");
  EXPECT_EQ(talk.conversation.want(), Want::reply);
  talk.hear("452 4.2.2 full\r\n");
  const auto found = talk.outcome().results;
  EXPECT_EQ(found[0].code, Code::sent);
  EXPECT_EQ(found[1].code, Code::failed);
  EXPECT_EQ(found[2].code, Code::deferred);
  EXPECT_EQ(found[2].status, "4.2.2");
}

// The rest of what LMTP has not answered may be delivered already.
TEST(RelayConversation, LmtpThatBreaksAfterTheDot) {
  Talk talk(options(RouteTls::none, true), transaction({"a@x", "b@x"}));
  talk.hear("220 x\r\n");
  talk.hear("250-x\r\n250 PIPELINING\r\n");
  talk.hear("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  talk.send_message();
  talk.hear("250 2.0.0 a\r\n");
  talk.conversation.lost("the server closed the connection");
  const auto found = talk.outcome();
  EXPECT_EQ(found.results[0].code, Code::sent);
  EXPECT_EQ(found.results[1].code, Code::deferred);
  EXPECT_THAT(found.results[1].why, HasSubstr("may have been delivered"));
  EXPECT_EQ(found.trouble, Trouble::none) << "no other host is told this message";
}

TEST(RelayConversation, StartTls) {
  Talk talk(options(RouteTls::opportunistic));
  EXPECT_EQ(talk.greet("250 STARTTLS\r\n"), "STARTTLS\r\n");
  EXPECT_EQ(talk.hear("220 go\r\n"), "");
  ASSERT_EQ(talk.conversation.want(), Want::handshake);
  talk.conversation.tls_established({"TLSv1.3 X not verified", false, "self-signed"});
  EXPECT_EQ(talk.conversation.take_output(), "EHLO me.example\r\n");
  // What was offered in clear text is forgotten.
  EXPECT_EQ(talk.hear("250 mx\r\n"), "MAIL FROM:<a@example.com>\r\n");
}

// What comes in clear text behind the 220 would be taken for part of TLS.
TEST(RelayConversation, LinesInjectedBeforeTlsEndTheConnection) {
  Talk talk(options(RouteTls::opportunistic));
  talk.greet("250 STARTTLS\r\n");
  EXPECT_EQ(talk.hear("220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"), "");
  EXPECT_EQ(talk.conversation.want(), Want::end);
  const auto found = talk.outcome();
  EXPECT_EQ(found.results[0].code, Code::deferred);
  EXPECT_EQ(found.trouble, Trouble::host);
}

TEST(RelayConversation, TlsThatFails) {
  Talk without(options(RouteTls::opportunistic));
  without.greet("250 STARTTLS\r\n");
  without.hear("220 go\r\n");
  without.conversation.tls_failed("no shared cipher");
  EXPECT_EQ(without.outcome().trouble, Trouble::tls_broken);
  Talk demanded(options(RouteTls::required));
  demanded.greet("250 STARTTLS\r\n");
  demanded.hear("220 go\r\n");
  demanded.conversation.tls_failed("no shared cipher");
  const auto found = demanded.outcome();
  EXPECT_EQ(found.trouble, Trouble::tls);
  EXPECT_EQ(found.results[0].code, Code::own_fault);
}

TEST(RelayConversation, StartTlsThatIsRefused) {
  Talk without(options(RouteTls::opportunistic));
  without.greet("250 STARTTLS\r\n");
  EXPECT_EQ(without.hear("454 4.7.0 not now\r\n"), "MAIL FROM:<a@example.com>\r\n");
  Talk gone(options(RouteTls::opportunistic));
  gone.greet("250 STARTTLS\r\n");
  gone.hear("421 4.7.0 bye\r\n");
  EXPECT_EQ(gone.outcome().trouble, Trouble::host);
  Talk demanded(options(RouteTls::required));
  demanded.greet();
  const auto found = demanded.outcome();
  EXPECT_EQ(found.trouble, Trouble::tls);
  EXPECT_EQ(found.results[0].code, Code::own_fault);
  EXPECT_EQ(found.results[0].status, "4.7.4");
}

TEST(RelayConversation, ACertificateThatMustBeRight) {
  Talk talk(options(RouteTls::verified));
  talk.greet("250 STARTTLS\r\n");
  talk.hear("220 go\r\n");
  talk.conversation.tls_established({"TLSv1.3 X", false, "self-signed certificate"});
  const auto found = talk.outcome();
  EXPECT_EQ(found.trouble, Trouble::tls);
  EXPECT_EQ(found.results[0].code, Code::own_fault);
  EXPECT_THAT(found.results[0].why, HasSubstr("self-signed certificate"));
  EXPECT_EQ(talk.conversation.take_output(), "");
}

TEST(RelayConversation, AddressesBeyondAscii) {
  auto it = transaction({"b@x", "ü@x"});
  Talk without(options(), it);
  EXPECT_EQ(without.greet(), "MAIL FROM:<a@example.com>\r\n");
  without.hear("250 ok\r\n");
  without.hear("250 ok\r\n");
  without.hear("354 go\r\n");
  without.send_message();
  without.hear("250 ok\r\n");
  const auto found = without.outcome().results;
  EXPECT_EQ(found[0].code, Code::sent);
  EXPECT_EQ(found[1].code, Code::failed);
  EXPECT_EQ(found[1].status, "5.6.7");
  Talk with(options(), it);
  EXPECT_EQ(with.greet("250 SMTPUTF8\r\n"), "MAIL FROM:<a@example.com> SMTPUTF8\r\n");
  // The parameter that came in says nothing: the envelope decides.
  auto ascii = transaction();
  ascii.parameters = {"SMTPUTF8"};
  Talk needless(options(), ascii);
  EXPECT_EQ(needless.greet("250 SMTPUTF8\r\n"), "MAIL FROM:<a@example.com>\r\n");
}

TEST(RelayConversation, WhatCannotBeSaidIsNotSaid) {
  Talk talk(options(), transaction({"b@x>\r\nRCPT TO:<c@x", "", "d>e@x"}));
  EXPECT_EQ(talk.greet(), "");
  for (const auto& result : talk.outcome().results) {
    EXPECT_EQ(result.code, Code::failed);
    EXPECT_EQ(result.status, "5.1.3");
  }
  auto it = transaction();
  it.sender = "a@x\r\nRSET";
  Talk sender(options(), it);
  EXPECT_EQ(sender.greet(), "");
  EXPECT_EQ(sender.result().status, "5.1.7");
}

TEST(RelayConversation, AMessageThatIsTooLargeIsNotTried) {
  Talk talk;
  EXPECT_EQ(talk.greet("250 SIZE 24\r\n"), "");
  EXPECT_EQ(talk.result().status, "5.3.4");
  Talk zero;
  EXPECT_EQ(zero.greet("250 SIZE 0\r\n"), "MAIL FROM:<a@example.com> SIZE=25\r\n");
}

TEST(RelayConversation, BareLineEndsNeverGoOut) {
  for (const std::string_view bad : {"a\nb\r\n", "a\rb\r\n", "a\r\r\n", "\n", "a\r"}) {
    Talk talk;
    talk.greet("250 PIPELINING\r\n");
    talk.hear("250 ok\r\n250 ok\r\n354 go\r\n");
    talk.conversation.content(bad);
    talk.conversation.content_end();
    EXPECT_THAT(talk.conversation.take_output(), Not(HasSubstr(".\r\n"))) << bad;
    EXPECT_EQ(talk.conversation.want(), Want::end);
    EXPECT_EQ(talk.result().code, Code::own_fault);
  }
}

TEST(RelayConversation, ARefusalBeforeTheEndOfTheMessageIsHeard) {
  Talk talk;
  talk.greet("250 PIPELINING\r\n");
  talk.hear("250 ok\r\n250 ok\r\n354 go\r\n");
  talk.conversation.content("Subject: x\r\n");
  EXPECT_EQ(talk.hear("552 5.3.4 too large\r\n"), "Subject: x\r\n");
  EXPECT_EQ(talk.conversation.want(), Want::end);
  EXPECT_EQ(talk.result().code, Code::failed);
}

TEST(RelayConversation, ANextHopThatSeesALoop) {
  Talk talk;
  talk.greet();
  talk.hear("250 ok\r\n");
  talk.hear("554 5.4.6 too many hops\r\n");
  EXPECT_EQ(talk.result().code, Code::loop);
}

TEST(RelayConversation, ALoginThatIsAskedFor) {
  for (const bool at_rcpt : {false, true}) {
    Talk talk;
    talk.greet();
    if (at_rcpt) talk.hear("250 ok\r\n");
    talk.hear("530 5.7.0 authenticate\r\n");
    const auto found = talk.outcome();
    EXPECT_EQ(found.trouble, Trouble::login);
    EXPECT_EQ(found.results[0].code, Code::own_fault);
  }
}

TEST(RelayConversation, AProbeEndsWithReset) {
  auto it = transaction({"a@x", "b@x"});
  it.probe = true;
  Talk talk(options(), it);
  EXPECT_EQ(talk.greet("250 PIPELINING\r\n"),
            "MAIL FROM:<a@example.com>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nRSET\r\n");
  talk.hear("250 ok\r\n250 yes\r\n550 5.1.1 no\r\n250 ok\r\n");
  const auto found = talk.outcome().results;
  EXPECT_EQ(found[0].code, Code::sent);
  EXPECT_EQ(found[1].code, Code::failed);
  EXPECT_EQ(talk.conversation.want(), Want::transaction);
}

// Addresses of Japanese mobile carriers are no dot-atoms; what is written is what is said.
TEST(RelayConversation, AddressesThatBreakTheRulesStayAsTheyAre) {
  Transaction odd = transaction({".c..d.@docomo.ne.jp"});
  odd.sender = "a..b.@docomo.ne.jp";
  Talk talk(options(), std::move(odd));
  EXPECT_THAT(talk.greet(), HasSubstr("MAIL FROM:<a..b.@docomo.ne.jp>\r\n"));
  EXPECT_THAT(talk.hear("250 ok\r\n"), HasSubstr("RCPT TO:<.c..d.@docomo.ne.jp>\r\n"));
}

}  // namespace
}  // namespace sekisho::relay
