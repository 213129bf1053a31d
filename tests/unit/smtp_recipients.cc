// What RCPT is answered besides relay control: who speaks first, what counts against which limit,
// and that a fault of one name is no fault of the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "policy/access_file.h"
#include "policy/access_list.h"
#include "support/smtp_house.h"

namespace sekisho::smtp {
namespace {

using test::short_message;
using test::SmtpHouse;
using test::SmtpTalk;
using testing::HasSubstr;
using testing::StartsWith;

const std::string begun = "EHLO mx.a.example\r\nMAIL FROM:<bob@a.example>\r\n";

class SmtpRecipients : public testing::Test {
 protected:
  std::unique_ptr<SmtpTalk> stranger(const std::string& address = "192.0.2.10") {
    auto talk = std::make_unique<SmtpTalk>(house_, Profile::mx, address);
    talk->say(begun);
    return talk;
  }
  std::unique_ptr<SmtpTalk> alice(const std::string& address = "192.0.2.10") {
    auto talk = std::make_unique<SmtpTalk>(house_, Profile::submissions, address);
    talk->tls();
    talk->say("EHLO phone\r\n");
    talk->line("AUTH PLAIN " + base64_encode(std::string("\0alice@example.jp\0sesame", 24)));
    talk->say("MAIL FROM:<alice@example.jp>\r\n");
    return talk;
  }
  static std::string rcpt(SmtpTalk& talk, const std::string& to) {
    return talk.line("RCPT TO:<" + to + ">").substr(0, 9);
  }
  void limit(const std::function<void(Limits&)>& how) {
    house_.change([&](Site& site) {
      for (auto& listener : site.listeners) how(listener.limits);
    });
  }
  void deny(const std::string& entries, const std::function<void(session::Options&)>& also = {}) {
    auto snapshot = std::make_shared<session::Snapshot>(*house_.engine().snapshot());
    auto file = std::make_shared<policy::AccessFile>(
        policy::parse_access_file(entries, "denylist", policy::AccessKind::deny));
    snapshot->rules.denylist = std::make_shared<policy::AccessList>(
        policy::AccessKind::deny, policy::AccessList::Files{std::move(file)});
    if (also) also(snapshot->options);
    house_.engine().replace(std::move(snapshot));
  }

  SmtpHouse house_;
  unsigned callouts_ = 0;
};

TEST_F(SmtpRecipients, GuessesCountInTheMinuteAndThenCostNothing) {
  limit([](Limits& limits) { limits.recipients_per_minute = 3; });
  house_.services().ask = [&](const mail::Path&, const relay::Route&,
                              const std::function<void(Asked)>& done) {
    ++callouts_;
    done({Asked::Code::missing, "550"});
  };
  auto talk = stranger();
  EXPECT_EQ(rcpt(*talk, "nobody@example.jp"), "550 5.1.1");
  EXPECT_EQ(rcpt(*talk, "SRS0=forged=x@example.jp"), "550 5.7.1");
  EXPECT_EQ(rcpt(*talk, "asked@example.jp"), "550 5.1.1");
  EXPECT_EQ(callouts_, 1U);
  for (const char* to : {"asked@example.jp", "nobody@example.jp", "SRS0=forged=x@example.jp",
                         "alice@example.jp", "x@elsewhere.example"}) {
    EXPECT_EQ(rcpt(*talk, to), "450 4.7.1") << to;
  }
  EXPECT_EQ(callouts_, 1U);
  EXPECT_EQ(rcpt(*stranger("192.0.2.100"), "nobody@example.jp"), "550 5.1.1")
      << "who is permitted has no limits";
}

TEST_F(SmtpRecipients, TheMinuteOfALoginIsOneWhereverItIsUsed) {
  limit([](Limits& limits) { limits.recipients_per_minute = 3; });
  auto here = alice("192.0.2.10");
  auto there = alice("198.51.100.7");
  EXPECT_EQ(rcpt(*here, "x@elsewhere.example"), "250 2.1.5");
  EXPECT_EQ(rcpt(*here, "x@elsewhere.example"), "250 2.1.5");
  EXPECT_EQ(rcpt(*there, "x@elsewhere.example"), "250 2.1.5");
  EXPECT_THAT(there->line("RCPT TO:<x@elsewhere.example>"),
              StartsWith("450 4.7.1 Error: too many recipients from alice@example.jp"));
}

TEST_F(SmtpRecipients, TheDayOfALoginCountsWhoWasAccepted) {
  limit([](Limits& limits) { limits.recipients_per_day = 1; });
  deny("ip:192.0.2.10\n", [](session::Options& options) {
    options.trust.authenticated = session::OnAuthenticated::evaluate;
  });
  auto denied = alice();
  for (int i = 0; i < 3; ++i) EXPECT_THAT(rcpt(*denied, "bob@example.jp"), StartsWith("55"));
  EXPECT_EQ(house_.services().quota.used("alice@example.jp"), 0U);
  auto talk = alice("198.51.100.7");
  EXPECT_EQ(rcpt(*talk, "bob@example.jp"), "250 2.1.5");
  EXPECT_EQ(house_.services().quota.used("alice@example.jp"), 1U);
  EXPECT_EQ(rcpt(*talk, "bob@example.jp"), "450 4.7.1");
}

TEST_F(SmtpRecipients, TheDenylistSpeaksFirst) {
  deny("ip:192.0.2.10\n");
  house_.services().ask = [&](const mail::Path&, const relay::Route&,
                              const std::function<void(Asked)>& done) {
    ++callouts_;
    done({Asked::Code::exists, ""});
  };
  auto talk = stranger();
  const auto said = [&](const std::string& to) { return talk->line("RCPT TO:<" + to + ">"); };
  const auto denied = said("alice@example.jp");
  EXPECT_THAT(denied, StartsWith("550 5.7.1"));
  for (const char* to : {"nobody@example.jp", "x@elsewhere.example", "asked@example.jp",
                         "SRS0=forged=x@example.jp", "unread@example.jp"}) {
    EXPECT_EQ(said(to), denied) << to;
  }
  EXPECT_EQ(callouts_, 0U);
  // Others hear of relay control and of who exists, as ever.
  auto other = stranger("192.0.2.11");
  EXPECT_EQ(rcpt(*other, "x@elsewhere.example"), "554 5.7.1");
  EXPECT_EQ(rcpt(*other, "nobody@example.jp"), "550 5.1.1");
}

// Relay control, who exists and limits are no verdicts.
TEST_F(SmtpRecipients, MonitorModeChangesNothingHere) {
  limit([](Limits& limits) {
    limits.recipients_per_minute = 4;
    limits.messages_per_minute = 2;
  });
  deny("ip:192.0.2.10\n");
  auto snapshot = std::make_shared<session::Snapshot>(*house_.engine().snapshot());
  snapshot->rules.defaults.monitor = true;
  house_.engine().replace(std::move(snapshot));
  auto talk = stranger();
  EXPECT_EQ(rcpt(*talk, "x@elsewhere.example"), "554 5.7.1");
  EXPECT_EQ(rcpt(*talk, "nobody@example.jp"), "550 5.1.1");
  EXPECT_EQ(rcpt(*talk, "alice"), "504 5.5.2");
  EXPECT_EQ(rcpt(*talk, "alice@example.jp"), "250 2.1.5") << "the denylist is a verdict";
  EXPECT_EQ(rcpt(*talk, "alice@example.jp"), "450 4.7.1");
  stranger();
  SmtpTalk third(house_);
  third.say("EHLO mx.a.example\r\n");
  EXPECT_THAT(third.line("MAIL FROM:<bob@a.example>"), StartsWith("450 4.7.1"));
}

TEST_F(SmtpRecipients, AFaultOfOneAliasIsNoFaultOfTheOthers) {
  auto talk = stranger();
  EXPECT_EQ(rcpt(*talk, "piped@example.jp"), "451 4.3.0");
  EXPECT_EQ(rcpt(*talk, "alice@example.jp"), "250 2.1.5");
  talk->line("DATA");
  EXPECT_THAT(talk->say(short_message), StartsWith("250 2.0.0"));
  // Only the log says why.
  EXPECT_TRUE(house_.log().has("(aliases:1: piped: "));
  SmtpTalk local(house_, Profile::local);
  local.say("EHLO localhost\r\nMAIL FROM:<root>\r\n");
  EXPECT_EQ(rcpt(local, "piped"), "451 4.3.0");
  EXPECT_EQ(rcpt(local, "nobody"), "250 2.1.5");
  local.line("DATA");
  EXPECT_THAT(local.say("Subject: cron\r\n\r\nx\r\n.\r\n"), StartsWith("250 2.0.0"));
  const auto kept = house_.kept();
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].recipients, std::vector<std::string>{"alice@example.jp"});
  EXPECT_EQ(kept[1].recipients, std::vector<std::string>{"nobody@example.jp"});
}

}  // namespace
}  // namespace sekisho::smtp
