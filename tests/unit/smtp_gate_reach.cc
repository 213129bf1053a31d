// What at_rcpt() makes of the map of routes: the path that is kept, and bounces to senders that we
// have rewritten, whose domains are no open routes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/via.h"
#include "smtp/gate.h"

namespace sekisho::smtp {
namespace {

class OneRewrittenSender final : public accounts::Directory {
 public:
  std::optional<mail::Path> reversed(const mail::Path& recipient) const override {
    if (recipient.raw() == "SRS0=forged@example.jp") return std::nullopt;
    if (recipient.raw() == "SRS0=ours@example.jp") return mail::Path("a@example.com");
    return recipient;
  }
  accounts::Existence exists(const mail::Path&, const relay::Route*) const override {
    return accounts::Existence::exists;
  }
  accounts::Expansion expand(const mail::Path&, const mail::Path& recipient) const override {
    if (recipient.local_part() == "all") return {{{mail::Path("a/b@example.jp"), {}, false}}, ""};
    return {{{recipient, std::nullopt, false}}, ""};
  }
  bool may_send_as(std::string_view, const mail::Path&) const override { return false; }
};

RecipientAnswer stranger_sends_to(const char* recipient, const char* via = "lmtp:unix:/run/lmtp") {
  relay::MapOptions options;
  options.hostname = "mx.example.jp";
  options.routes.emplace_back();
  options.routes[0].domain = {"example.jp"};
  options.routes[0].via = relay::parse_via(via).value();
  options.routes[0].recipients = relay::Recipients{};
  options.identity_domains = {"example.jp"};
  Site site;
  site.routes = std::make_shared<const relay::Map>(options);
  site.delimiter = "+";
  site.directory = std::make_shared<const OneRewrittenSender>();
  Client client;
  client.address = mail::IpAddress::parse("203.0.113.9").value();
  return at_rcpt(site, client, relay::Standing::stranger, recipient);
}

TEST(SmtpGateReach, ABounceToARewrittenSenderGoesToTheSender) {
  const auto answer = stranger_sends_to("SRS0=ours@example.jp");
  EXPECT_EQ(answer.code, RecipientAnswer::Code::pass);
  EXPECT_EQ(answer.path.raw(), "a@example.com");
  EXPECT_EQ(answer.route, nullptr);
}

TEST(SmtpGateReach, AForgedOneGoesNowhere) {
  const auto answer = stranger_sends_to("SRS0=forged@example.jp");
  ASSERT_TRUE(answer.refusal);
  EXPECT_THAT(answer.refusal->reply.line(), testing::HasSubstr("550 5.7.1"));
  EXPECT_EQ(stranger_sends_to("a@example.com").code, RecipientAnswer::Code::refuse);
}

TEST(SmtpGateReach, ThePathIsKeptAsEverythingBehindKnowsIt) {
  EXPECT_EQ(stranger_sends_to("@x.example:a@example.jp.").path.raw(), "a@example.jp");
  EXPECT_EQ(stranger_sends_to("postmaster").path.raw(), "postmaster@example.jp");
}

// Such a message could only be bounced, or held for ever.
TEST(SmtpGateReach, ANameThatCanBeNoFolderIsRefused) {
  const auto answer = [](const char* recipient, const char* via) {
    const auto made = stranger_sends_to(recipient, via);
    return made.refusal ? made.refusal->reply.line().substr(0, 9) : std::string("ok");
  };
  constexpr const char* maildir = "maildir:/var/mail/{domain}/{user}";
  for (const char* bad : {"a/b@example.jp", "\".hidden\"@example.jp", "\"../x\"@example.jp"}) {
    EXPECT_EQ(answer(bad, maildir), "550 5.1.3") << bad;
    EXPECT_EQ(answer(bad, "lmtp:unix:/run/lmtp"), "ok") << bad;
  }
  EXPECT_EQ(answer("a+b/c@example.jp", maildir), "ok") << "the extension is no part of the folder";
  EXPECT_EQ(answer("all@example.jp", maildir), "ok") << "an alias that leads elsewhere";
}

}  // namespace
}  // namespace sekisho::smtp
