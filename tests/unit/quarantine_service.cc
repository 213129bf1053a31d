// Sessions and the real store: what is held, for whom, and how it comes out again.
#include "quarantine/service.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "quarantine/resend.h"
#include "spool/database.h"
#include "support/session_gate.h"
#include "support/temporary_folder.h"

namespace sekisho::quarantine {

namespace {

using session::Outcome;
using Place = Outcome::Held;

// quarantine.example asks for quarantine; nothing of the messages below aligns with it.
const char* const zone = R"(
a.example.                    TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.quarantine.example.    TXT  "v=DMARC1; p=quarantine"
quarantine.example.           TXT  "v=spf1 -all"
_dmarc.good.example.          TXT  "v=DMARC1; p=reject"
good.example.                 TXT  "v=spf1 ip4:192.0.2.10 -all"
)";

session::Snapshot storing_snapshot(session::WhenFull when_full) {
  auto snapshot = test::snapshot_on_zone(zone);
  snapshot.options.quarantine.where = session::QuarantineWhere::store;
  snapshot.options.quarantine.when_full = when_full;
  policy::RecipientRules tagged;
  tagged.to = {policy::RecipientPattern::parse("postmaster@*").value()};
  tagged.rules.dmarc.quarantine = policy::OnDmarcQuarantine::tag;
  snapshot.rules.policies.push_back(tagged);
  return snapshot;
}

test::Letter forged() {
  test::Letter letter;
  letter.fields = {{"Received", " from x by y; Sat, 21 Nov 2026 09:30:00 +0000"},
                   {"From", " bob@quarantine.example"},
                   {"Authentication-Results", " mx.example.jp; dmarc=pass"},
                   {"Subject", " Hello\r\n there"},
                   {"Message-ID", " <1@a.example>"}};
  letter.body = "First line\r\n\r\nlast line \xff\r\n";
  return letter;
}

const std::string as_received =
    "Received: from x by y; Sat, 21 Nov 2026 09:30:00 +0000\r\nFrom: bob@quarantine.example\r\n"
    "Authentication-Results: mx.example.jp; dmarc=pass\r\nSubject: Hello\r\n there\r\n"
    "Message-ID: <1@a.example>\r\n\r\nFirst line\r\n\r\nlast line \xff\r\n";

class QuarantineService : public testing::Test {
 protected:
  explicit QuarantineService(session::WhenFull when_full = session::WhenFull::tempfail,
                             std::uint64_t max_size = 0)
      : gate_(storing_snapshot(when_full)) {
    Options options;
    options.dir = folder_.file("store");
    options.max_size = max_size;
    auto store = Store::open(options, Access::owner,
                             [](const std::string& alarm) { ADD_FAILURE() << alarm; });
    if (!store) throw std::runtime_error(store.error().why);
    service_.emplace(std::move(*store), log_);
    gate_.engine().keep_in(&*service_);
  }

  std::vector<HeldRow> held() { return service_->store().list({}).value(); }
  // The message of a release as the MTA brings it back.
  test::Letter returning(const Release& release) {
    test::Letter letter = forged();
    letter.client = "127.0.0.1";
    letter.fields.clear();
    const auto message = service_->store().get(release.id);
    const auto envelope = Envelope::parse(message->detail.envelope);
    std::string text = resent(release, *envelope, as_received);
    text.resize(text.find("\r\n\r\n") + 2);
    while (!text.empty()) {
      std::size_t end = text.find("\r\n") + 2;
      while (end < text.size() && (text[end] == ' ' || text[end] == '\t'))
        end = text.find("\r\n", end) + 2;
      const auto colon = text.find(':');
      letter.fields.push_back({text.substr(0, colon), text.substr(colon + 1, end - colon - 3)});
      text.erase(0, end);
    }
    return letter;
  }

  test::TemporaryFolder folder_;
  Log log_{LogOptions{LogOptions::Target::file, folder_.file("log")}};
  std::optional<Service> service_;
  test::Gate gate_;
};

TEST_F(QuarantineService, HoldsWhatIsQuarantinedAsItCame) {
  const auto outcome = gate_.judge(forged());
  EXPECT_EQ(outcome.held, Place::whole);
  EXPECT_EQ(outcome.verdict.message.action, policy::Action::quarantine);
  const auto all = held();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].id, outcome.facts.id);
  EXPECT_EQ(all[0].queue_id, "4bXY");
  EXPECT_EQ(all[0].state, State::held);
  EXPECT_EQ(all[0].mail_from, "bob@a.example");
  EXPECT_EQ(all[0].recipients, std::vector<std::string>{"user@example.jp"});
  EXPECT_EQ(all[0].author, "bob@quarantine.example");
  EXPECT_EQ(all[0].client, "unknown[192.0.2.10]");
  EXPECT_EQ(all[0].rule, "dmarc");
  EXPECT_EQ(all[0].message_id, "<1@a.example>");
  const auto file = service_->store().open_message(all[0].id);
  ASSERT_TRUE(file) << file.error().why;
  EXPECT_EQ(file->read_all().value(), as_received);
}

TEST_F(QuarantineService, KeepsTheEnvelopeAndOurOwnHop) {
  const auto session = gate_.session();
  test::greet(*session, forged());
  std::optional<Outcome> outcome;
  session->mail_from({"bob@a.example", false, {"BODY=8BITMIME", "RET=HDRS"}});
  session->rcpt_to({"user@example.jp", {"NOTIFY=FAILURE", "ORCPT=rfc822;u@example.jp"}});
  for (const auto& field : forged().fields) session->header(field.name, field.value);
  session->end_of_header();
  session->body("x\r\n");
  session->end_of_message("4bXY", [&](const Outcome& reached) { outcome = reached; });
  gate_.queue().run_until([&] { return outcome.has_value(); },
                          steady_now() + std::chrono::seconds(60));
  ASSERT_TRUE(outcome);
  const auto message = service_->store().get(outcome->facts.id);
  ASSERT_TRUE(message) << message.error().why;
  const auto envelope = Envelope::parse(message->detail.envelope);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->mail_parameters, (std::vector<std::string>{"BODY=8BITMIME", "RET=HDRS"}));
  ASSERT_EQ(envelope->recipients.size(), 1U);
  EXPECT_EQ(envelope->recipients[0].parameters,
            (std::vector<std::string>{"NOTIFY=FAILURE", "ORCPT=rfc822;u@example.jp"}));
  EXPECT_EQ(envelope->authentication_results, outcome->authentication_results);
  ASSERT_EQ(envelope->removals.size(), 1U) << "the forged results";
  EXPECT_EQ(envelope->removals[0].name, "Authentication-Results");
  EXPECT_TRUE(envelope->received.starts_with(
      " from mx.a.example (unknown [192.0.2.10])\r\n\tby mx.example.jp (held by sekishod) id 4bXY"
      "\r\n\tfor <user@example.jp>;\r\n\t"))
      << envelope->received;
}

TEST_F(QuarantineService, HoldsForOneRecipientAndDeliversToTheOther) {
  test::Letter letter = forged();
  letter.to = {"user@example.jp", "postmaster@example.jp"};
  const auto outcome = gate_.judge(letter);
  EXPECT_EQ(outcome.held, Place::some);
  EXPECT_EQ(outcome.recipients_held, std::vector<std::string>{"user@example.jp"});
  const auto& edits = outcome.verdict.edits;
  const auto disposition = std::find_if(edits.begin(), edits.end(), [](const auto& edit) {
    return edit.name == "X-Sekisho-Disposition";
  });
  ASSERT_NE(disposition, edits.end());
  EXPECT_TRUE(disposition->value.starts_with(" tag;")) << "that of the copy which is delivered";
  ASSERT_EQ(held().size(), 1U);
  EXPECT_EQ(held()[0].recipients, std::vector<std::string>{"user@example.jp"});
}

TEST_F(QuarantineService, GoodMailLeavesNothing) {
  test::Letter letter;
  letter.mail_from = "bob@good.example";
  letter.fields = {{"From", " bob@good.example"}};
  letter.body = std::string(1 << 20, 'x');
  EXPECT_EQ(gate_.judge(letter).held, Place::no);
  EXPECT_TRUE(held().empty());
}

TEST_F(QuarantineService, WhatIsReleasedPassesOnceWithItsFirstResults) {
  const auto first = gate_.judge(forged());
  const auto release = service_->store().begin_release({first.facts.id, {}}, wall_now());
  ASSERT_TRUE(release) << release.error().why;
  const auto back = gate_.judge(returning(*release));
  EXPECT_EQ(back.facts.exemption, policy::Exemption::released);
  EXPECT_EQ(back.verdict.message.action, policy::Action::accept);
  EXPECT_EQ(back.authentication_results, first.authentication_results);
  ASSERT_FALSE(back.verdict.edits.empty());
  EXPECT_EQ(back.verdict.edits.back().value, first.authentication_results);
  const auto removed = [&](std::string_view name) {
    return std::count_if(back.verdict.edits.begin(), back.verdict.edits.end(), [&](const auto& e) {
      return e.kind == policy::Edit::Kind::remove && e.name == name;
    });
  };
  EXPECT_EQ(removed("X-Sekisho-Release"), 1);
  EXPECT_EQ(removed("Authentication-Results"), 1);

  test::Letter again = returning(*release);
  again.client = "192.0.2.66";
  EXPECT_EQ(gate_.judge(again).facts.exemption, policy::Exemption::none) << "the proof is used up";
}

// The process that released it died, another one released it, and then the MTA brings what the
// first had sent.
TEST_F(QuarantineService, TheMessageOfAReleaseThatWasTakenOverIsPutOff) {
  const auto first = gate_.judge(forged());
  auto& store = service_->store();
  auto dead = store.begin_release({first.facts.id, {}}, wall_now());
  ASSERT_TRUE(dead) << dead.error().why;
  dead->message.reset();  // all that is gone with a process
  const auto next = store.begin_release({first.facts.id, {}}, wall_now());
  ASSERT_TRUE(next) << next.error().why;
  EXPECT_EQ(gate_.judge(returning(*dead)).verdict.message.action, policy::Action::tempfail);
  EXPECT_EQ(gate_.judge(returning(*next)).facts.exemption, policy::Exemption::released);
  ASSERT_TRUE(store.finish_release(*next, "250 Ok", wall_now()));
  EXPECT_EQ(gate_.judge(returning(*dead)).verdict.message.action, policy::Action::tempfail);
}

// From the MTA's own host it would pass without any proof, and the proof would be good for another
// time.
TEST_F(QuarantineService, AReleaseIsPutOffWhileTheStoreCannotSayWhetherItIsOne) {
  const auto first = gate_.judge(forged());
  const auto release = service_->store().begin_release({first.facts.id, {}}, wall_now());
  ASSERT_TRUE(release) << release.error().why;
  auto other =
      spool::Database::open(folder_.file("store/index.db"), spool::Database::Open::existing);
  ASSERT_TRUE(other) << other.error().why;
  auto locked = other->transaction([&]() -> spool::Outcome<void> {
    EXPECT_EQ(gate_.judge(returning(*release)).verdict.message.action, policy::Action::tempfail);
    return {};
  });
  ASSERT_TRUE(locked) << locked.error().why;
  EXPECT_EQ(gate_.judge(returning(*release)).facts.exemption, policy::Exemption::released);
}

TEST_F(QuarantineService, AProofIsForThisBodyAndTheseRecipients) {
  const auto first = gate_.judge(forged());
  const auto release = service_->store().begin_release({first.facts.id, {}}, wall_now());
  ASSERT_TRUE(release) << release.error().why;
  test::Letter stolen = returning(*release);
  stolen.client = "192.0.2.66";
  const auto judged = [&](const test::Letter& letter) {
    return gate_.judge(letter).facts.exemption == policy::Exemption::none;
  };
  test::Letter other_body = stolen;
  other_body.body += "buy now\r\n";
  EXPECT_TRUE(judged(other_body));
  test::Letter other_recipient = stolen;
  other_recipient.to = {"somebody@example.jp"};
  EXPECT_TRUE(judged(other_recipient));
  test::Letter guessed = stolen;
  guessed.fields[0].value = " " + release->id + " 00000000000000000000000000000000";
  EXPECT_TRUE(judged(guessed));
  test::Letter empty = stolen;
  empty.fields[0].value = "";
  EXPECT_TRUE(judged(empty));
  EXPECT_FALSE(judged(stolen)) << "the true one still passes";
}

// Whoever has the token while the release goes on, from this host too.
TEST_F(QuarantineService, AProofIsForThisHeader) {
  const auto first = gate_.judge(forged());
  const auto release = service_->store().begin_release({first.facts.id, {}}, wall_now());
  ASSERT_TRUE(release) << release.error().why;
  const auto passes = [&](const test::Letter& letter) {
    return gate_.judge(letter).facts.exemption == policy::Exemption::released;
  };
  const auto original = returning(*release);
  for (const mail::HeaderField& more :
       std::vector<mail::HeaderField>{{"From", " ceo@victim.example"},
                                      {"Subject", " another"},
                                      {"Reply-To", " x@evil.example"},
                                      {"Content-Type", " text/html"},
                                      {"Authentication-Results", " other.example; dmarc=pass"}}) {
    auto letter = original;
    letter.fields.push_back(more);
    EXPECT_FALSE(passes(letter)) << more.name;
  }
  for (std::size_t i = 0; i < original.fields.size(); ++i) {
    auto letter = original;
    if (letter.fields[i].is("Received") || letter.fields[i].is("Authentication-Results")) continue;
    letter.fields[i].value += " and more";
    EXPECT_FALSE(passes(letter)) << letter.fields[i].name;
    letter.fields.erase(letter.fields.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(passes(letter)) << "without field " << i;
  }
  auto letter = original;
  letter.fields.insert(letter.fields.begin(), {"Received", " from localhost by mx.example.jp"});
  letter.fields.push_back({"X-Virus-Scanned", " by another filter"});
  EXPECT_TRUE(passes(letter)) << "what an MTA adds is nobody's fault";
}

TEST_F(QuarantineService, OneThatIsSentAgainIsOneRow) {
  const auto first = gate_.judge(forged());
  const auto again = gate_.judge(forged());
  EXPECT_EQ(again.held, Place::whole);
  ASSERT_EQ(held().size(), 1U);
  EXPECT_EQ(held()[0].id, first.facts.id);
  EXPECT_EQ(held()[0].repeats, 1U);
}

TEST_F(QuarantineService, WhatDiffersAnywhereIsKeptBesideTheOther) {
  gate_.judge(forged());
  test::Letter other = forged();
  other.fields.push_back({"Content-Type", " text/html"});
  gate_.judge(other);
  EXPECT_EQ(held().size(), 2U) << "another header with the same body";
}

// An alarm of always the same words: two of them are two events, also when the first has been
// delivered.
TEST_F(QuarantineService, WithoutDateAndMessageIdNothingIsARepetition) {
  test::Letter alarm = forged();
  alarm.fields.pop_back();
  ASSERT_NE(alarm.fields.back().name, "Message-ID");
  const auto first = gate_.judge(alarm);
  auto& store = service_->store();
  const auto release = store.begin_release({first.facts.id, {}}, wall_now());
  ASSERT_TRUE(release) << release.error().why;
  ASSERT_TRUE(store.finish_release(*release, "250 Ok", wall_now()));
  const auto second = gate_.judge(alarm);
  EXPECT_EQ(second.held, Place::whole);
  const auto row = store.get(second.facts.id);
  ASSERT_TRUE(row) << row.error().why;
  EXPECT_EQ(row->held.id, second.facts.id);
  EXPECT_EQ(row->held.state, State::held);

  alarm.fields.push_back({"Date", " Sat, 21 Nov 2026 09:30:00 +0000"});
  gate_.judge(alarm);
  const auto before = held().size();
  gate_.judge(alarm);
  EXPECT_EQ(held().size(), before) << "with a Date it is the same again";
}

// Its proof may have been lost on the way, and then it is all that is left of the message.
TEST_F(QuarantineService, AReleaseWithoutItsProofIsNoRepetition) {
  const auto first = gate_.judge(forged());
  auto& store = service_->store();
  const auto release = store.begin_release({first.facts.id, {}}, wall_now());
  ASSERT_TRUE(release) << release.error().why;
  test::Letter back = returning(*release);
  back.client = "192.0.2.66";
  back.fields[0].value += "0";
  const auto judged = gate_.judge(back);
  EXPECT_EQ(judged.held, Place::whole);
  ASSERT_TRUE(store.finish_release(*release, "250 Ok", wall_now()));
  const auto row = store.get(judged.facts.id);
  ASSERT_TRUE(row) << row.error().why;
  EXPECT_EQ(row->held.id, judged.facts.id);
  EXPECT_EQ(row->held.state, State::held);
  EXPECT_TRUE(store.open_message(judged.facts.id));
}

// The MTA goes away while the store writes: the next message of the connection is not given its
// answer.
TEST_F(QuarantineService, AnAbortWhileItIsStored) {
  const auto session = gate_.session();
  test::greet(*session, forged());
  test::send(*session, forged());
  session->end_of_message("4bXY", [](const Outcome&) { ADD_FAILURE() << "nobody asks any more"; });
  session->abort();
  EXPECT_FALSE(session->in_message());
  test::Letter good;
  good.mail_from = "bob@good.example";
  good.fields = {{"From", " bob@good.example"}};
  EXPECT_EQ(gate_.judge(*session, good).held, Place::no);
}

class FullStore : public QuarantineService {
 protected:
  explicit FullStore(session::WhenFull when_full = session::WhenFull::tempfail)
      : QuarantineService(when_full, /*max_size=*/1) {}
};
class FullStoreToMta : public FullStore {
 protected:
  FullStoreToMta() : FullStore(session::WhenFull::mta) {}
};
class FullStoreRejects : public FullStore {
 protected:
  FullStoreRejects() : FullStore(session::WhenFull::reject) {}
};

std::string reply_of(const Outcome& outcome) {
  const auto& reply = outcome.verdict.message.reply;
  return reply ? reply->line() : "";
}

TEST_F(FullStore, IsATemporaryFailure) {
  const auto outcome = gate_.judge(forged());
  EXPECT_EQ(outcome.held, Place::no);
  EXPECT_TRUE(reply_of(outcome).starts_with("452 4.3.1 ")) << reply_of(outcome);
  EXPECT_TRUE(outcome.verdict.edits.empty());
  EXPECT_TRUE(held().empty());
}

TEST_F(FullStoreToMta, LeavesItToTheMta) {
  const auto outcome = gate_.judge(forged());
  EXPECT_EQ(outcome.held, Place::by_mta);
  EXPECT_EQ(reply_of(outcome), "");
}

TEST_F(FullStoreRejects, Refuses) {
  EXPECT_TRUE(reply_of(gate_.judge(forged())).starts_with("550 5.7.1 "));
}

// Counted by its own thread, the first time at once: who scrapes does not wait for the disk.
TEST_F(QuarantineService, CountsWhatIsInItByItself) {
  const auto end = steady_now() + std::chrono::seconds(10);
  while (!service_->last_stats() && steady_now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const auto stats = service_->last_stats();
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->held, 0U);
  EXPECT_EQ(stats->max_size, service_->store().stats(wall_now())->max_size);
  EXPECT_TRUE(service_->health().healthy);
}

// Without an open store there is no acceptance of what must be held, and none is needed for the
// rest.
TEST(NoStore, IsATemporaryFailureForWhatMustBeHeld) {
  test::Gate gate(storing_snapshot(session::WhenFull::tempfail));
  EXPECT_TRUE(reply_of(gate.judge(forged())).starts_with("451 4.3.0 "));
  test::Letter good;
  good.mail_from = "bob@good.example";
  good.fields = {{"From", " bob@good.example"}};
  EXPECT_EQ(gate.judge(good).verdict.message.action, policy::Action::accept);
}

}  // namespace

}  // namespace sekisho::quarantine
