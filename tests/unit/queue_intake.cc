// What becomes of a message that the front has taken: rows of the queue after aliases, rows of the
// quarantine, or nothing and an answer that says to come again.
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "queue/intake.h"
#include "support/queue_place.h"

namespace sekisho::queue {

namespace {

using session::HoldCode;
using test::QueuePlace;
using Origin = Arrival::Origin;

// Aliases as the test writes them: "sales@example.jp" → addresses; what is not at example.jp is
// forwarded.
class Aliases final : public accounts::Directory {
 public:
  std::optional<mail::Path> reversed(const mail::Path& recipient) const override {
    return recipient;
  }
  accounts::Existence exists(const mail::Path&, const relay::Route*) const override {
    return accounts::Existence::exists;
  }
  accounts::Expansion expand(const mail::Path&, const mail::Path& recipient) const override {
    const auto found = names.find(recipient.raw());
    if (found == names.end()) return {{{recipient, std::nullopt, false}}, ""};
    accounts::Expansion expansion;
    for (const auto& target : found->second) {
      if (target.starts_with("|")) return {{}, "\"" + target + "\" is a program"};
      const mail::Path path(target);
      const bool away = path.domain() != "example.jp";
      const auto sender =
          away ? std::optional(mail::Path("SRS0=x@example.jp")) : std::optional<mail::Path>();
      expansion.recipients.push_back({path, sender, away});
    }
    return expansion;
  }
  bool may_send_as(std::string_view, const mail::Path&) const override { return false; }

  std::map<std::string, std::vector<std::string>> names;
};

// One message on its way in.
struct Coming {
  session::Outcome outcome;
  Arrival arrival;
  std::vector<std::string> accepted;
  std::vector<std::string> held;
  std::vector<std::string> mail_parameters;
  std::string body = "Hello\r\n";
};

Coming coming(const std::string& id, std::vector<std::string> accepted) {
  Coming message;
  auto& facts = message.outcome.facts;
  facts.id = id;
  facts.received = wall_now();
  facts.mail_from = mail::Path("alice@sender.example");
  facts.client.address = mail::IpAddress::parse("192.0.2.7").value();
  message.accepted = std::move(accepted);
  return message;
}

class QueueIntake : public testing::Test {
 protected:
  QueueIntake()
      : intake_({place_.spool, [this] { return aliases_; },
                 [this](const std::string& domain, const mail::IpAddress&,
                        const std::function<void(bool)>& done) {
                   asked_.push_back(domain);
                   done(among_);
                 },
                 [this](Message message) {
                   queued_.with([&](auto& all) { all.push_back(std::move(message)); });
                 },
                 [this] { return max_held_; }}) {}

  session::HoldResult keep(const Coming& message) {
    const auto arrival = std::make_shared<const Arrival>(message.arrival);
    const auto keeping = intake_.for_session(arrival);
    auto draft = keeping->begin();
    draft->append("Subject: x\r\n\r\n" + message.body);
    session::KeepRequest request{.outcome = message.outcome,
                                 .received = "from x by y",
                                 .subject = "x",
                                 .message_id = "",
                                 .mail_parameters = message.mail_parameters,
                                 .held = {},
                                 .accepted = {},
                                 .content = std::move(draft),
                                 .header_sha256 = std::string(32, 'h'),
                                 .body_sha256 = std::string(32, 'b'),
                                 .removals = {}};
    for (const auto& to : message.accepted) request.accepted.push_back({mail::Path(to), {}});
    for (const auto& to : message.held) request.held.push_back({mail::Path(to), {}});
    std::promise<session::HoldResult> promise;
    auto result = promise.get_future();
    keeping->keep(std::move(request), [&](const auto& done) { promise.set_value(done); });
    return result.get();
  }
  std::vector<Message> queued() {
    return queued_.with([](const auto& all) { return all; });
  }
  // "RULE: recipients" of each row of the quarantine.
  std::vector<std::string> held() {
    std::vector<std::string> all;
    auto read = place_.spool->read([&](Database& database) {
      return database.query(
          "SELECT rule, recipients FROM held ORDER BY number", {}, [&](const Row& row) {
            all.push_back(std::string(row.text(0)) + ": " + std::string(row.text(1)));
            return true;
          });
    });
    EXPECT_TRUE(read);
    return all;
  }

  QueuePlace place_;
  std::shared_ptr<Aliases> aliases_ = std::make_shared<Aliases>();
  std::vector<std::string> asked_;
  bool among_ = false;
  std::uint64_t max_held_ = 0;
  Guarded<std::vector<Message>> queued_;
  Intake intake_;
};

std::vector<std::string> addresses(const Message& message) {
  std::vector<std::string> all;
  for (const auto& to : message.recipients) all.push_back(to.address);
  return all;
}

void fail_dmarc(Coming& message) {
  message.outcome.facts.dmarc.code = dmarc::Code::fail;
  message.outcome.facts.dmarc.policy = dmarc::Policy::reject;
}

}  // namespace

// Whoever is named twice, by himself and by an alias, gets it once.
TEST_F(QueueIntake, AliasesBecomeRows) {
  aliases_->names["sales@example.jp"] = {"bob@example.jp", "carol@other.example"};
  auto message = coming("K7Q2-4DMX", {"sales@example.jp", "bob@example.jp"});
  message.mail_parameters = {"SIZE=100", "RET=HDRS", "AUTH=<>"};
  ASSERT_EQ(keep(message).code, HoldCode::held);
  const auto found = place_.find("K7Q2-4DMX");
  ASSERT_TRUE(found);
  EXPECT_EQ(addresses(*found), (std::vector<std::string>{"bob@example.jp", "carol@other.example"}));
  EXPECT_EQ(found->recipients[0].original, "sales@example.jp");
  EXPECT_FALSE(found->recipients[0].sender);
  EXPECT_EQ(found->recipients[1].sender, "SRS0=x@example.jp");
  EXPECT_EQ(found->letter.parameters, std::vector<std::string>{"RET=HDRS"});
  ASSERT_EQ(queued().size(), 1U);
  EXPECT_EQ(queued()[0].recipients, found->recipients);
  EXPECT_EQ(queued()[0].letter.top, "Received: from x by y\r\n");
}

TEST_F(QueueIntake, EqualMessagesAreTwo) {
  ASSERT_EQ(keep(coming("K7Q2-4DMX", {"bob@example.jp"})).code, HoldCode::held);
  ASSERT_EQ(keep(coming("K7Q2-4DMY", {"bob@example.jp"})).code, HoldCode::held);
  EXPECT_TRUE(place_.find("K7Q2-4DMX"));
  EXPECT_TRUE(place_.find("K7Q2-4DMY"));
  EXPECT_EQ(place_.spool->usage()->messages, 2U);
}

TEST_F(QueueIntake, AFaultOfAnAliasIsAnAnswer) {
  aliases_->names["piped@example.jp"] = {"|/bin/cat"};
  const auto result = keep(coming("K7Q2-4DMX", {"bob@example.jp", "piped@example.jp"}));
  EXPECT_EQ(result.code, HoldCode::failed);
  EXPECT_NE(result.reason.find("piped@example.jp"), std::string::npos) << result.reason;
  EXPECT_EQ(place_.spool->usage()->messages, 0U);
}

// The next host would refuse it, and our name would stand on it.
TEST_F(QueueIntake, WhatFailedDmarcIsNotForwarded) {
  aliases_->names["sales@example.jp"] = {"carol@other.example"};
  auto message = coming("K7Q2-4DMX", {"sales@example.jp", "bob@example.jp"});
  fail_dmarc(message);
  ASSERT_EQ(keep(message).code, HoldCode::held);
  EXPECT_EQ(addresses(*place_.find("K7Q2-4DMX")), std::vector<std::string>{"bob@example.jp"});
  EXPECT_EQ(held(), std::vector<std::string>{"forward: sales@example.jp"});
  // A policy of none asks nobody to refuse it.
  auto none = coming("K7Q2-4DMY", {"sales@example.jp"});
  fail_dmarc(none);
  none.outcome.facts.dmarc.policy = dmarc::Policy::none;
  ASSERT_EQ(keep(none).code, HoldCode::held);
  EXPECT_EQ(addresses(*place_.find("K7Q2-4DMY")), std::vector<std::string>{"carol@other.example"});
}

TEST_F(QueueIntake, OneFileForHeldAndAccepted) {
  auto message = coming("K7Q2-4DMX", {"bob@example.jp"});
  message.held = {"eve@example.jp"};
  ASSERT_EQ(keep(message).code, HoldCode::held);
  EXPECT_EQ(addresses(*place_.find("K7Q2-4DMX")), std::vector<std::string>{"bob@example.jp"});
  ASSERT_EQ(held().size(), 1U);
  EXPECT_NE(held()[0].find("eve@example.jp"), std::string::npos);
  EXPECT_EQ(place_.spool->usage()->messages, 1U);
}

TEST_F(QueueIntake, ALoopIsHeldAtItsBounds) {
  const auto reason = [&](const std::string& id, std::size_t by_us, std::size_t in_all) {
    auto message = coming(id, {"bob@example.jp"});
    message.arrival.received_by_us = by_us;
    message.arrival.received = in_all;
    EXPECT_EQ(keep(message).code, HoldCode::held);
    return place_.find(id)->recipients[0].progress;
  };
  EXPECT_EQ(reason("K7Q2-4DMW", 4, 49).state, State::waiting);
  EXPECT_EQ(reason("K7Q2-4DMX", 5, 10).reason, Reason::loop);
  EXPECT_EQ(reason("K7Q2-4DMY", 0, 50).reason, Reason::loop);
  EXPECT_EQ(place_.find("K7Q2-4DMY")->recipients[0].progress.state, State::held);
  EXPECT_EQ(place_.find("K7Q2-4DMY")->recipients[0].last.why, "it has 50 Received fields");
}

TEST_F(QueueIntake, WhoMayBeTold) {
  auto login = coming("K7Q2-4DMW", {"bob@example.jp"});
  login.arrival.origin = Origin::login;
  keep(login);
  EXPECT_TRUE(place_.find("K7Q2-4DMW")->letter.may_bounce);
  keep(coming("K7Q2-4DMX", {"bob@example.jp"}));
  EXPECT_FALSE(place_.find("K7Q2-4DMX")->letter.may_bounce);
  EXPECT_EQ(asked_, std::vector<std::string>{"sender.example"});
  among_ = true;
  keep(coming("K7Q2-4DMY", {"bob@example.jp"}));
  EXPECT_TRUE(place_.find("K7Q2-4DMY")->letter.may_bounce);
}

// [quarantine] max_size is for what verdicts hold; what was accepted is kept in any case.
TEST_F(QueueIntake, OnlyWhatAVerdictHoldsIsLimited) {
  max_held_ = 1000;
  auto large = coming("K7Q2-4DMV", {"bob@example.jp"});
  large.body = std::string(2000, 'x') + "\r\n";
  ASSERT_EQ(keep(large).code, HoldCode::held);
  auto judged = coming("K7Q2-4DMW", {});
  judged.held = {"eve@example.jp"};
  judged.body = std::string(600, 'y') + "\r\n";
  EXPECT_EQ(keep(judged).code, HoldCode::held) << "what waits elsewhere does not count";
  judged.outcome.facts.id = "K7Q2-4DMX";
  judged.body = std::string(500, 'z') + "\r\n";
  EXPECT_EQ(keep(judged).code, HoldCode::full);
  EXPECT_FALSE(place_.spool->has_message("K7Q2-4DMX"));
  // The group of a refused one is not hurt, nor the store.
  aliases_->names["sales@example.jp"] = {"carol@other.example"};
  auto forwarded = coming("K7Q2-4DMY", {"sales@example.jp"});
  fail_dmarc(forwarded);
  EXPECT_EQ(keep(forwarded).code, HoldCode::held);
  EXPECT_TRUE(place_.spool->health().healthy);
}

}  // namespace sekisho::queue
