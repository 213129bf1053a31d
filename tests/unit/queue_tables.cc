// The rows of the queue: read back as they were written, made again from the files when the index
// is lost, and moved from the quarantine by a release.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "quarantine/envelope.h"
#include "quarantine/held_part.h"
#include "quarantine/row.h"
#include "queue/release.h"
#include "support/queue_place.h"

namespace sekisho::queue {

namespace {

using test::QueuePlace;

void lose_index(QueuePlace& place) {
  place.close();
  for (const char* end : {"", "-wal", "-shm"})
    std::filesystem::remove(place.folder.file("queue") + "/index.db" + end);
  place.open();
}

Message rich_message() {
  auto message = QueuePlace::message("K7Q2-4DMX", {"bob@example.net"});
  message.letter.parameters = {"RET=HDRS", "ENVID=x"};
  message.letter.login = "alice";
  message.letter.removals = {{policy::Edit::Kind::remove, "Bcc", "", 1}};
  message.recipients[0].parameters = {"NOTIFY=NEVER"};
  message.recipients[0].sender = "srs@example.jp";
  message.recipients[0].original = "info@example.jp";
  return message;
}

void hold(QueuePlace& place, const std::string& id, const Letter& letter) {
  quarantine::HeldRow held;
  held.id = id;
  held.time = wall_now();
  held.mail_from = letter.sender;
  held.recipients = {"bob@example.net", "eve@example.net"};
  quarantine::Envelope envelope;
  envelope.recipients = {{mail::Path("bob@example.net"), {"NOTIFY=FAILURE", "ORCPT=rfc822;b@c"}}};
  const quarantine::Detail detail{with_letter(envelope.json(), letter), ""};
  ASSERT_TRUE(test::put(*place.spool, id, "Subject: x\r\n\r\nHello\r\n",
                        {quarantine::part_of(held, detail)}));
}

}  // namespace

TEST(QueueTables, ARowIsReadAsItWasWritten) {
  QueuePlace place;
  auto message = rich_message();
  place.put(message);
  const auto found = place.find("K7Q2-4DMX");
  ASSERT_TRUE(found);
  message.letter.size = 21;
  EXPECT_EQ(found->letter, message.letter);
  EXPECT_EQ(found->recipients, message.recipients);
}

// Its file would be gone if it were sent.
TEST(QueueTables, WithoutItsIndexAMessageForOneWaitsAgain) {
  QueuePlace place;
  place.put(rich_message());
  lose_index(place);
  const auto found = place.find("K7Q2-4DMX");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->recipients[0].progress.state, State::waiting);
  EXPECT_EQ(found->letter.removals, rich_message().letter.removals);
}

// One of several may have it: nobody gets it twice unless a person says so.
TEST(QueueTables, WithoutItsIndexAMessageForSeveralIsHeld) {
  QueuePlace place;
  place.put(QueuePlace::message("K7Q2-4DMX", {"bob@example.net", "eve@example.net"}));
  lose_index(place);
  const auto found = place.find("K7Q2-4DMX");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->recipients.size(), 2U);
  for (const auto& to : found->recipients)
    EXPECT_EQ(to.progress.reason, Reason::lost_index) << to.address;
}

// Killed between the commit and the end of the file: it is not sent again.
TEST(QueueTables, WhatIsOverDoesNotComeBackWithItsFile) {
  QueuePlace place;
  place.put(rich_message());
  const auto file = place.folder.file("queue") + "/K7Q2-4DMX";
  std::filesystem::copy_file(file, place.folder.file("copy"));
  ASSERT_TRUE(place.spool->change([](Change& change) -> Outcome<void> {
    auto gone = finish(change, "K7Q2-4DMX", 0);
    return gone ? Outcome<void>() : failed(gone.error());
  }));
  ASSERT_FALSE(std::filesystem::exists(file));
  place.close();
  std::filesystem::copy_file(place.folder.file("copy"), file);
  place.open();
  EXPECT_FALSE(place.find("K7Q2-4DMX"));
  EXPECT_FALSE(std::filesystem::exists(file));
}

// A folder that could not be written for a while: the next start finds the file again.
TEST(QueueTables, WhatIsOverIsKnownAsLongAsItsFileIsThere) {
  QueuePlace place;
  place.put(rich_message());
  const auto file = place.folder.file("queue") + "/K7Q2-4DMX";
  std::filesystem::copy_file(file, place.folder.file("copy"));
  ASSERT_TRUE(place.spool->change([](Change& change) -> Outcome<void> {
    auto gone = finish(change, "K7Q2-4DMX", 0);
    return gone ? Outcome<void>() : failed(gone.error());
  }));
  std::filesystem::copy_file(place.folder.file("copy"), file);
  place.start();
  place.close();
  place.open();
  EXPECT_FALSE(place.find("K7Q2-4DMX"));
  EXPECT_FALSE(std::filesystem::exists(file));
}

// It would be lost without a word: our own queue is the last that has it.
TEST(QueueTables, AProvedSenderIsToldOfTheFailureOfAReleasedMessage) {
  for (const bool proved : {false, true}) {
    QueuePlace place;
    auto letter = rich_message().letter;
    letter.may_bounce = proved;
    hold(place, "K7Q2-4DMX", letter);
    ASSERT_TRUE(
        release_held(*place.spool, {"K7Q2-4DMX", {"bob@example.net"}, false, "root"}, wall_now()));
    const auto found = place.find("K7Q2-4DMX");
    ASSERT_TRUE(found);
    const auto& parameters = found->recipients[0].parameters;
    EXPECT_EQ(std::count(parameters.begin(), parameters.end(), "NOTIFY=FAILURE"), proved ? 1 : 0);
    EXPECT_EQ(std::count(parameters.begin(), parameters.end(), "NOTIFY=NEVER"), proved ? 0 : 1);
  }
}

TEST(QueueTables, AReleaseMovesRecipientsFromTheQuarantine) {
  QueuePlace place;
  place.start();
  hold(place, "K7Q2-4DMX", rich_message().letter);
  const auto queued =
      release_held(*place.spool, {"K7Q2-4DMX", {"bob@example.net"}, false, "root"}, wall_now());
  ASSERT_TRUE(queued) << queued.error().why;
  place.runner->look();
  const auto given = place.transport.wait(1);
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(given[0].to, std::vector<std::string>{"bob@example.net"});
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
  // The other one is held still, so the file is here.
  EXPECT_TRUE(place.spool->has_message("K7Q2-4DMX"));
  ASSERT_TRUE(release_held(*place.spool, {"K7Q2-4DMX", {}, false, "root"}, wall_now()));
  place.runner->look();
  EXPECT_EQ(place.transport.wait(2)[1].to, std::vector<std::string>{"eve@example.net"});
  EXPECT_FALSE(release_held(*place.spool, {"K7Q2-4DMX", {}, false, "root"}, wall_now()));
}

}  // namespace sekisho::queue
