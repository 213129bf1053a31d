// Held messages: what is held can be found, deleted and released, and expires.
#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quarantine/tables.h"
#include "spool/database.h"
#include "support/quarantine_test.h"

namespace sekisho::quarantine {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::held_detail;
using test::held_id;
using test::held_message;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

class Quarantine : public test::QuarantineTest {};

mail::NamePattern pattern(std::string_view text) { return mail::NamePattern::parse(text).value(); }

TEST_F(Quarantine, WhatIsHeldIsKnownAfterARestart) {
  HeldRow odd = held_message(7);
  odd.subject = std::string("'; DROP TABLE held; --\0\x1B]0;x\x07\xFF\n", 31);
  odd.mail_from = "";
  odd.recipients = {"\"a b\"@example.jp", "two@example.jp"};
  {
    auto store = open();
    const auto outcome = hold(*store, odd, "the message");
    ASSERT_TRUE(outcome.has_value());
    EXPECT_EQ(outcome->key, odd.id);
  }
  auto store = open();
  const auto message = store->get(odd.id);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->held.subject, odd.subject);
  EXPECT_EQ(message->held.mail_from, "");
  EXPECT_EQ(message->held.recipients, odd.recipients);
  EXPECT_EQ(message->held.time, odd.time);
  EXPECT_EQ(message->held.expires, odd.time + options_.keep);
  EXPECT_EQ(message->held.size, 11U);
  EXPECT_EQ(message->held.state, State::held);
  EXPECT_EQ(message->detail.envelope, held_detail().envelope);
  EXPECT_EQ(message->detail.decision, held_detail().decision);
  EXPECT_EQ(*store->open_message(odd.id)->read_all(), "the message");
}

TEST_F(Quarantine, TheFileTellsAllThatTheRowKnows) {
  {
    auto store = open();
    for (std::uint64_t i = 0; i < 5; ++i) hold(*store, i);
  }
  const auto before = open()->list({});
  fs::remove(options_.dir + "/index.db");
  auto store = open();
  const auto after = store->list({});
  ASSERT_EQ(after->size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(record_of((*after)[i], {}), record_of((*before)[i], {}));
    EXPECT_EQ((*after)[i].size, (*before)[i].size);
    EXPECT_EQ(store->get((*after)[i].id)->detail.decision, held_detail().decision);
  }
}

TEST_F(Quarantine, RefusesWhatIsNoMessage) {
  auto store = open();
  for (const char* id : {"", "../../etc/shadow", "-rf", "K7Q2-4DM", "K7Q2-4DMI", "k7q2-4dmx",
                         "K7Q2 4DMX", "K7Q24-DMX", "*", "K7Q2-4DMX\n"}) {
    HeldRow held = held_message(1);
    held.id = id;
    EXPECT_FALSE(hold(*store, held).has_value()) << id;
    EXPECT_FALSE(store->get(id).has_value()) << id;
    EXPECT_FALSE(store->open_message(id).has_value()) << id;
    EXPECT_FALSE(store->remove(id, now_).has_value()) << id;
    EXPECT_FALSE(store->begin_release({id, {}}, now_).has_value()) << id;
  }
  HeldRow nobody = held_message(1);
  nobody.recipients.clear();
  EXPECT_FALSE(hold(*store, nobody).has_value());
  HeldRow two_lines = held_message(1);
  two_lines.recipients = {"a@example.jp\nb@example.jp"};
  EXPECT_FALSE(hold(*store, two_lines).has_value());
  EXPECT_THAT(ids(*store), IsEmpty());
}

TEST_F(Quarantine, Filters) {
  auto store = open();
  for (std::uint64_t i = 0; i < 6; ++i) {
    HeldRow held = held_message(i);
    if (i == 1) held.subject = "100% Off_Now";
    if (i == 2) held.rule = "dnsbl";
    if (i == 3) held.recipients = {"Postmaster@Example.JP"};
    if (i == 4) held.mail_from = "VIP@partner.example";
    ASSERT_TRUE(hold(*store, held).has_value());
  }
  ASSERT_TRUE(store->remove(held_id(5), now_).has_value());
  const auto id = held_id;
  EXPECT_THAT(ids(*store), ElementsAre(id(5), id(4), id(3), id(2), id(1), id(0)));
  EXPECT_THAT(ids(*store, {.limit = 2}), ElementsAre(id(5), id(4)));
  EXPECT_THAT(ids(*store, {.since = held_message(4).time}), ElementsAre(id(5), id(4)));
  EXPECT_THAT(ids(*store, {.before = held_message(1).time}), ElementsAre(id(0)));
  EXPECT_THAT(ids(*store, {.from = pattern("vip@PARTNER.example")}), ElementsAre(id(4)));
  EXPECT_THAT(ids(*store, {.from = pattern("a3@example.com")}), ElementsAre(id(3)));  // the author
  EXPECT_THAT(ids(*store, {.to = pattern("postmaster@example.jp")}), ElementsAre(id(3)));
  EXPECT_THAT(ids(*store, {.rule = "dnsbl"}), ElementsAre(id(2)));
  EXPECT_THAT(ids(*store, {.rule = "dns"}), IsEmpty());
  EXPECT_THAT(ids(*store, {.text = "0% off_n"}), ElementsAre(id(1)));
  EXPECT_THAT(ids(*store, {.text = "%"}), ElementsAre(id(1)));
  EXPECT_THAT(ids(*store, {.text = "' OR 1=1 --"}), IsEmpty());
  EXPECT_THAT(ids(*store, {.state = State::deleted}), ElementsAre(id(5)));
  const auto long_text = store->list({.text = std::string(100'000, 'x')});
  ASSERT_FALSE(long_text.has_value());
  EXPECT_EQ(long_text.error().kind, Failure::Kind::refused);
}

TEST_F(Quarantine, AListOfManyNamesEachOnce) {
  auto store = open();
  constexpr std::uint64_t many = 1200;
  for (std::uint64_t i = 0; i < many;) {
    test::Puts puts;
    for (const auto end = i + 300; i < end; ++i) {
      // Portions end among messages of the same second.
      HeldRow held = held_message(i);
      held.time = held_message(i / 300).time;
      held.recipients.resize(1 + i % 2);
      auto draft = store->draft();
      draft.append("x");
      store->hold(std::move(draft), std::move(held), held_detail(), puts.done());
    }
    for (const auto& outcome : puts.wait()) ASSERT_TRUE(outcome.has_value());
  }
  std::set<std::string> seen;
  WallTime last = WallTime::max();
  ASSERT_TRUE(store->list({}, [&](const HeldRow& held) {
    EXPECT_TRUE(seen.insert(held.id).second) << held.id << " twice";
    EXPECT_LE(held.time, last);
    last = held.time;
    // Nothing of the row before this one is left.
    const bool odd = (std::string("13579BDFHKNQSVXZ").find(held.id.back()) != std::string::npos);
    EXPECT_EQ(held.recipients.size(), odd ? 2U : 1U) << held.id;
    // Nothing is open meanwhile: the store can be changed.
    EXPECT_TRUE(seen.size() % 100 != 0 || store->remove(held.id, now_).has_value());
    return true;
  }));
  EXPECT_EQ(seen.size(), many);
  EXPECT_EQ(ids(*store, {.waiting = true}).size(), many - 12);
  EXPECT_EQ(ids(*store, {.limit = 501}).size(), 501U);
  std::size_t some = 0;
  ASSERT_TRUE(store->list({}, [&](const HeldRow&) { return ++some < 7; }));
  EXPECT_EQ(some, 7U);
}

TEST_F(Quarantine, SentAgainIsOneRowWithACount) {
  auto store = open();
  hold(*store, 1);
  for (std::uint64_t i = 0; i < 3; ++i) {
    HeldRow again = held_message(1);
    again.id = held_id(100 + i);
    again.time += hours(i + 1);
    const auto outcome = hold(*store, again);
    ASSERT_TRUE(outcome.has_value());
    EXPECT_TRUE(outcome->repeated);
    EXPECT_EQ(outcome->key, held_id(1));
    EXPECT_FALSE(has_file(100 + i));
  }
  EXPECT_THAT(ids(*store), ElementsAre(held_id(1)));
  const auto message = store->get(held_id(102));  // found by the id of a repetition
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->held.id, held_id(1));
  EXPECT_EQ(message->held.repeats, 3U);
  EXPECT_EQ(message->held.last_repeat, held_message(1).time + hours(3));
}

TEST_F(Quarantine, AnIndexOfBeforeGetsTheColumnThatItLacks) {
  hold(*open(), 1);
  {
    auto index = spool::Database::open(options_.dir + "/index.db", spool::Database::Open::existing);
    ASSERT_TRUE(index) << index.error().why;
    ASSERT_TRUE(index->script("ALTER TABLE held DROP COLUMN header_hash;"));
  }
  auto store = open();
  EXPECT_EQ(state_of(*store, 1), State::held);
  HeldRow again = held_message(1);
  again.id = held_id(2);
  EXPECT_FALSE(hold(*store, again)->repeated) << "nothing is known of the header of the first";
  again.id = held_id(3);
  EXPECT_TRUE(hold(*store, again)->repeated);
}

TEST_F(Quarantine, WhatDiffersIsNotARepetition) {
  auto store = open();
  hold(*store, 1);
  std::vector<HeldRow> others(6, held_message(1));
  others[0].mail_from = "other@example.com";
  others[1].recipients.pop_back();
  others[2].body_hash[0] = 'c';
  others[3].header_hash[0] = 'c';  // a monitor's mails have equal bodies
  others[4].time += hours(25);
  others[5].time -= hours(25);
  for (std::size_t i = 0; i < others.size(); ++i) {
    others[i].id = held_id(200 + i);
    const auto outcome = hold(*store, others[i]);
    ASSERT_TRUE(outcome.has_value());
    EXPECT_FALSE(outcome->repeated) << i;
  }
  EXPECT_EQ(ids(*store).size(), 7U);
}

TEST_F(Quarantine, ARepetitionOfWhatIsGoneIsHeldAnew) {
  auto store = open();
  hold(*store, 1);
  ASSERT_TRUE(store->remove(held_id(1), now_).has_value());
  HeldRow again = held_message(1);
  again.id = held_id(2);
  EXPECT_FALSE(hold(*store, again)->repeated);
  // And of one whose file is missing.
  fs::remove(options_.dir + "/" + held_id(2));
  again.id = held_id(3);
  EXPECT_FALSE(hold(*store, again)->repeated);
  EXPECT_TRUE(has_file(3));
  // Delivered already: the recipients have it.
  const auto release = store->begin_release({held_id(3), {}}, now_);
  ASSERT_TRUE(store->finish_release(*release, "250 ok", now_).has_value());
  again.id = held_id(4);
  EXPECT_TRUE(hold(*store, again)->repeated);
}

TEST_F(Quarantine, AReleaseDelivers) {
  auto store = open();
  hold(*store, 1);
  const auto release = store->begin_release({held_id(1), {}}, now_);
  ASSERT_TRUE(release.has_value()) << release.error().why;
  EXPECT_THAT(release->recipients, ElementsAre("one@example.jp", "two@example.jp"));
  EXPECT_EQ(release->token.size(), 32U);
  EXPECT_EQ(state_of(*store, 1), State::released);
  EXPECT_EQ(*store->finish_release(*release, "250 2.0.0 Ok: queued as 4bZZ", now_ + seconds(5)),
            State::delivered);
  const auto message = store->get(held_id(1));
  EXPECT_EQ(message->held.state, State::delivered);
  EXPECT_EQ(message->held.remark, "250 2.0.0 Ok: queued as 4bZZ");
  EXPECT_EQ(message->held.changed, now_ + seconds(5));
  EXPECT_FALSE(has_file(1));
  EXPECT_FALSE(store->begin_release({held_id(1), {}}, now_).has_value());
  EXPECT_FALSE(store->finish_release(*release, "250 again", now_).has_value());
  EXPECT_FALSE(store->remove(held_id(1), now_).has_value());
}

TEST_F(Quarantine, AFailedReleaseStaysHeldAndSaysWhy) {
  auto store = open();
  hold(*store, 1);
  const auto release = store->begin_release({held_id(1), {}}, now_);
  ASSERT_TRUE(store->fail_release(*release, "SMTPUTF8 is not offered", now_).has_value());
  EXPECT_EQ(state_of(*store, 1), State::held);
  EXPECT_EQ(store->get(held_id(1))->held.remark, "SMTPUTF8 is not offered");
  EXPECT_TRUE(has_file(1));
  // Its token admits nothing any more, and it cannot be finished.
  EXPECT_FALSE(store->consume_token(test::held_proof(1, release->token), now_).has_value());
  EXPECT_FALSE(store->finish_release(*release, "250 ok", now_).has_value());
  EXPECT_TRUE(store->begin_release({held_id(1), {}}, now_).has_value());
}

TEST_F(Quarantine, RecipientsMayBeServedOneByOne) {
  auto store = open();
  hold(*store, 1);
  auto release = store->begin_release({held_id(1), {"one@example.jp"}}, now_);
  EXPECT_EQ(*store->finish_release(*release, "250 ok", now_), State::held);
  EXPECT_TRUE(has_file(1));
  release = store->begin_release({held_id(1), {"admin@example.jp"}}, now_);  // a copy
  EXPECT_EQ(*store->finish_release(*release, "250 ok", now_), State::held);
  release = store->begin_release({held_id(1), {}}, now_);
  EXPECT_THAT(release->recipients, ElementsAre("two@example.jp"));
  EXPECT_EQ(*store->finish_release(*release, "250 ok", now_), State::delivered);
  EXPECT_THAT(store->get(held_id(1))->held.delivered_to,
              ElementsAre("one@example.jp", "admin@example.jp", "two@example.jp"));
}

class ReleaseToken : public Quarantine {
 protected:
  ReleaseToken() : store_(open()) {
    hold(*store_, 1);
    auto release = store_->begin_release({held_id(1), {}}, now_);
    EXPECT_TRUE(release) << release.error().why;
    release_.emplace(std::move(*release));
  }
  session::ReleaseProof proof() const { return test::held_proof(1, release_->token); }
  std::string refusal(const session::ReleaseProof& proof, WallTime when) {
    const auto consumed = store_->consume_token(proof, when);
    return consumed ? "" : consumed.error().why;
  }
  std::string refusal(const session::ReleaseProof& proof) { return refusal(proof, now_); }

  std::unique_ptr<Store> store_;
  std::optional<Release> release_;
};

TEST_F(ReleaseToken, AdmitsThisMessageOnce) {
  auto other = proof();
  for (const char* token : {"00000000000000000000000000000000", "' OR 1=1 --", ""}) {
    other.token = token;
    EXPECT_THAT(refusal(other), HasSubstr("no release"));
  }
  other = proof();
  other.body_sha256 = std::string(32, 'x');
  EXPECT_THAT(refusal(other), HasSubstr("body"));
  const auto& to = release_->recipients;
  for (const auto& recipients : {std::vector<std::string>{"one@example.jp"},
                                 std::vector<std::string>{to[0], to[1], "x@example.jp"}}) {
    other = proof();
    other.recipients = recipients;
    EXPECT_THAT(refusal(other), HasSubstr("recipients"));
  }
  other = proof();
  other.mail_from = "attacker@evil.example";
  EXPECT_THAT(refusal(other), HasSubstr("sender"));
  // In any order, domains in any case.
  other = proof();
  other.mail_from = "sender1@EXAMPLE.com";
  other.recipients = {"two@EXAMPLE.jp", "one@example.jp"};
  const auto consumed = store_->consume_token(other, now_);
  ASSERT_TRUE(consumed.has_value()) << consumed.error().why;
  EXPECT_EQ(*consumed, held_id(1));
  EXPECT_THAT(refusal(proof()), HasSubstr("passed already"));
}

TEST_F(ReleaseToken, IsBoundToTheHeader) {
  for (const char* more : {"From: ceo@victim.example\r\n", "Reply-To: x@evil.example\r\n",
                           "Subject: another\r\n", "Content-Type: text/html\r\n"}) {
    auto other = proof();
    other.header = more + other.header;
    EXPECT_THAT(refusal(other), HasSubstr("the header is not the one"));
  }
  auto other = proof();
  other.header = "Subject: another\r\n";
  EXPECT_THAT(refusal(other), HasSubstr("the header is not the one"));
  EXPECT_EQ(refusal(proof()), "");
}

// A filter that was not on the way of the release has not seen the token, and whoever read the
// message has.
TEST_F(ReleaseToken, EndsWithTheRelease) {
  ASSERT_TRUE(store_->finish_release(*release_, "250 ok", now_));
  const auto refused = store_->consume_token(proof(), now_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Failure::Kind::refused) << "it is judged as any other";
  EXPECT_THAT(refused.error().why, HasSubstr("has ended"));
}

// The MTA has refused the message, so nobody comes with it rightly; but it may have come late.
TEST_F(ReleaseToken, IsOverWhenTheReleaseFailed) {
  ASSERT_TRUE(store_->fail_release(*release_, "550 no", now_, /*may_have_it=*/false));
  const auto late = store_->consume_token(proof(), now_);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, Failure::Kind::unavailable) << "a deferral, and no judgement";
  EXPECT_THAT(late.error().why, HasSubstr("is over"));
}

// sendmail(1) has taken it: the filter is still to see it, as it comes from this host.
TEST_F(ReleaseToken, OutlivesTheReleaseInAQueueOfThisHost) {
  ASSERT_TRUE(store_->finish_release(*release_, "queued", now_, Store::Taken::by_queue));
  auto stolen = proof();
  stolen.from_this_host = false;
  EXPECT_THAT(refusal(stolen, now_ + hours(1)), HasSubstr("another host"));
  auto altered = proof();
  altered.header += "From: ceo@victim.example\r\n";
  EXPECT_THAT(refusal(altered, now_ + hours(1)), HasSubstr("header"));
  EXPECT_THAT(refusal(proof(), now_ + hours(25)), HasSubstr("older"));
  EXPECT_EQ(refusal(proof(), now_ + hours(23)), "");
  EXPECT_THAT(refusal(proof(), now_ + hours(23)), HasSubstr("passed already"));
}

TEST_F(ReleaseToken, LastsAsLongAsItsRelease) { EXPECT_EQ(refusal(proof(), now_ + hours(2)), ""); }

TEST_F(ReleaseToken, IsPutOffWhenItsReleaseBrokeOffAWhileAgo) {
  release_->message.reset();  // all that is gone with a process
  const auto late = store_->consume_token(proof(), now_ + std::chrono::minutes(11));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, Failure::Kind::unavailable);
  EXPECT_EQ(refusal(proof(), now_ + std::chrono::minutes(9)), "") << "it may be on its way";
}

TEST_F(ReleaseToken, IsPutOffAWhileAfterAReleaseWithoutAnAnswer) {
  ASSERT_TRUE(store_->fail_release(*release_, "no answer", now_, /*may_have_it=*/true));
  const auto late = store_->consume_token(proof(), now_ + std::chrono::minutes(11));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, Failure::Kind::unavailable);
  EXPECT_EQ(refusal(proof(), now_ + std::chrono::minutes(9)), "");
}

TEST_F(Quarantine, ExpiresByAge) {
  options_.keep = hours(48);
  auto store = open();
  for (std::uint64_t i = 0; i < 3; ++i) {
    HeldRow held = held_message(i);
    held.time += hours(24 * i);
    ASSERT_TRUE(hold(*store, held).has_value());
  }
  const WallTime start = held_message(0).time;
  EXPECT_EQ(store->expire_now(start + hours(47)).value(), 0U);
  EXPECT_EQ(store->expire_now(start + hours(49)).value(), 1U);
  EXPECT_EQ(state_of(*store, 0), State::expired);
  EXPECT_FALSE(has_file(0));
  EXPECT_EQ(state_of(*store, 1), State::held);
  EXPECT_EQ(store->stats(start + hours(49))->expire_within_day, 1U);
  // By a person, with another age.
  EXPECT_EQ(store->expire_now(start + hours(49), std::chrono::minutes(30)).value(), 2U);
  // Rows of what is gone are forgotten when they are as old.
  EXPECT_EQ(ids(*store).size(), 3U);
  store->expire_now(start + hours(49 + 24));
  store->expire_now(start + hours(49 + 48));
  EXPECT_THAT(ids(*store), IsEmpty());
}

// The daemon's own looks, a quarter of an hour apart, over three boots. `ahead`: of the wall clock
// before the true time.
TEST_F(Quarantine, AClockThatIsWrongExpiresNothing) {
  using Answer = ClockLooks::Answer;
  auto store = open();
  hold(*store, 1);
  const auto ahead = hours(24 * 40);
  const SteadyTime zero{};
  const auto look = [&](auto wall, auto since_boot, const char* boot) {
    const auto expired = store->expire({now_ + wall, zero + since_boot, boot});
    EXPECT_TRUE(expired.has_value());
    EXPECT_EQ(expired->messages, 0U);
    return expired->answer;
  };
  using std::chrono::minutes;
  // Two starts with a clock that is 40 days ahead, of the same boot and of another one.
  EXPECT_EQ(look(ahead, minutes(1), "a"), Answer::first);
  store.reset();
  store = open();
  EXPECT_EQ(look(ahead + minutes(1), minutes(2), "a"), Answer::first);
  EXPECT_EQ(look(ahead + minutes(90), minutes(1), "b"), Answer::first);
  // It is still wrong when it is believed: then everything is too old at once, and somebody is
  // asked to look.
  EXPECT_EQ(look(ahead + minutes(105), minutes(16), "b"), Answer::many);
  EXPECT_EQ(look(ahead + hours(5), minutes(16 + 195), "b"), Answer::many);
  // It is set right, which is a jump too, and nothing has been lost.
  EXPECT_EQ(look(hours(6), hours(4), "b"), Answer::jumped);
  EXPECT_EQ(look(hours(7), hours(5), "b"), Answer::go);
  EXPECT_EQ(state_of(*store, 1), State::held);
}

TEST_F(Quarantine, ExpiresByItselfWhenTheClocksAgree) {
  using Answer = ClockLooks::Answer;
  options_.keep = hours(48);
  auto store = open();
  for (std::uint64_t i = 0; i < 20; ++i) {
    HeldRow held = held_message(i);
    held.time = now_ + hours(i == 0 ? 0 : 24);
    ASSERT_TRUE(hold(*store, held).has_value());
  }
  const auto expired = [&](auto since_first) {
    return store->expire(
        {now_ + hours(49) + since_first, SteadyTime{} + hours(3) + since_first, "a"});
  };
  using std::chrono::minutes;
  EXPECT_EQ(expired(minutes(0))->answer, Answer::first);
  EXPECT_EQ(expired(minutes(5))->answer, Answer::first);
  const auto one = expired(minutes(15));
  EXPECT_EQ(one->answer, Answer::go);
  EXPECT_EQ(one->messages, 1U);
  // The others are all of a day: that is more than a tenth, and waits.
  const auto many = expired(hours(24));
  EXPECT_EQ(many->answer, Answer::many);
  EXPECT_EQ(many->due.messages, 19U);
  EXPECT_EQ(many->due.all, 19U);
  EXPECT_EQ(expired(hours(24 + 5))->messages, 0U);
  EXPECT_EQ(expired(hours(24 + 6))->messages, 19U);
  EXPECT_TRUE(store->verify(false)->clean());
}

TEST_F(Quarantine, ExpiresMoreThanOneTransactionTakes) {
  auto store = open();
  test::Puts puts;
  for (std::uint64_t i = 0; i < 700; ++i) test::hold(*store, i, 10, puts.done());
  for (const auto& outcome : puts.wait()) ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(store->expire_now(now_ + options_.keep + hours(1)).value(), 700U);
  EXPECT_TRUE(store->verify(false)->clean());
}

TEST_F(Quarantine, MaxSizeIsALimitOfItsOwn) {
  options_.max_size = 5000;
  auto store = open();
  ASSERT_TRUE(hold(*store, held_message(1), std::string(3000, 'x')).has_value());
  const auto full = hold(*store, held_message(2), std::string(3000, 'x'));
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().kind, Failure::Kind::limit);
  EXPECT_EQ(store->stats(now_)->max_size, 5000U);
  EXPECT_EQ(store->stats(now_)->held, 1U);
  EXPECT_EQ(state_of(*store, 1), State::held);  // never evicted
}

TEST_F(Quarantine, RecordsOfOthersAreNotRows) {
  const std::string good = record_of(held_message(1), held_detail());
  EXPECT_TRUE(read_record(good).has_value());
  for (std::string bad : {std::string(), std::string("x"), good + "x",
                          "format 1\n2\n" + good.substr(good.find('\n', 9) + 1)}) {
    EXPECT_FALSE(read_record(bad).has_value()) << bad;
  }
  HeldRow held = held_message(1);
  held.id = "../../etc";
  EXPECT_FALSE(read_record(record_of(held, {})).has_value());
}

// A subject is cut between two characters.
TEST_F(Quarantine, LongTextsAreCutBetweenCharacters) {
  const auto store = open();
  auto held = held_message(1);
  held.subject = "a";
  while (held.subject.size() < 1000) held.subject += "\xe6\x97\xa5";
  ASSERT_TRUE(hold(*store, held).has_value());
  EXPECT_EQ(store->get(held_id(1))->held.subject.size(), 511U);
}

}  // namespace
}  // namespace sekisho::quarantine
