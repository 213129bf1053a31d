// What the postmaster is told each day.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "quarantine/envelope.h"
#include "quarantine/held_part.h"
#include "queue/summary.h"
#include "support/queue_place.h"

namespace sekisho::queue {

namespace {

using test::QueuePlace;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void hold(QueuePlace& place, const std::string& id, const std::string& rule) {
  quarantine::HeldRow held;
  held.id = id;
  held.time = wall_now();
  held.recipients = {"bob@example.net"};
  held.rule = rule;
  held.body_hash = id;  // equal ones are one
  const quarantine::Detail detail{quarantine::Envelope().json(), ""};
  ASSERT_TRUE(test::put(*place.spool, id, "Subject: " + id + "\r\n\r\nHello\r\n",
                        {quarantine::part_of(held, detail)}));
}

void note(QueuePlace& place, WallTime last) {
  ASSERT_TRUE(
      place.spool->change([&](Change& change) { return note_summary(change.database(), last); }));
}

WallTime noted(QueuePlace& place) {
  WallTime last{};
  EXPECT_TRUE(place.spool->read([&](Database& database) -> Outcome<void> {
    last = last_summary(database).value();
    return {};
  }));
  return last;
}

}  // namespace

TEST(QueueSummary, NothingIsNoMail) { EXPECT_EQ(summary_text({}, {}, {}, "mail.example.jp"), ""); }

TEST(QueueSummary, TellsWhatIsHeldAndOutOfOrder) {
  Counts counts;
  counts.held_for[Reason::backscatter] = 1;
  counts.held_for[Reason::loop] = 2;
  const std::vector<Alarms::Alarm> alarms = {
      {"route:x", "x refuses our password", WallTime(std::chrono::seconds(1'800'000'000))}};
  const auto text = summary_text(counts, {{"spam", 3, false}}, alarms, "mail.example.jp");
  for (const char* part :
       {"mail.example.jp", "  1 recipient: ", "  2 recipients: it goes in a circle",
        "  3 rule=spam\r\n", "x refuses our password (since 2027-01-15T08:00:00Z)"}) {
    EXPECT_TRUE(has(text, part)) << part << "\nis not in\n" << text;
  }
}

// What a verdict holds is told when there is more of it; what was accepted is told each day.
TEST(QueueSummary, OfTheQuarantineWhatIsNew) {
  EXPECT_EQ(summary_text({}, {{"spam", 3, false}}, {}, "h"), "");
  EXPECT_TRUE(has(summary_text({}, {{"spam", 3, true}}, {}, "h"), "3 rule=spam"));
  EXPECT_TRUE(has(summary_text({}, {{"forward", 1, false}}, {}, "h"), "1 rule=forward: "));
}

TEST(QueueSummary, CountsWhatTheQuarantineHolds) {
  QueuePlace place;
  hold(place, "K7Q2-4DMW", "spam");
  hold(place, "K7Q2-4DMX", "forward");
  hold(place, "K7Q2-4DMY", "forward");
  std::vector<Quarantined> all;
  const auto read = [&](WallTime since) {
    return place.spool->read([&](Database& database) -> Outcome<void> {
      all = quarantined_since(database, since).value();
      return {};
    });
  };
  ASSERT_TRUE(read(WallTime{}));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].rule, "forward");
  EXPECT_EQ(all[0].messages, 2U);
  EXPECT_TRUE(all[0].news);
  ASSERT_TRUE(read(wall_now() + std::chrono::hours(1)));
  EXPECT_FALSE(all[1].news);
}

TEST(QueueSummary, IsSentOnceADay) {
  QueuePlace place;
  place.site.postmaster = "postmaster@example.jp";
  hold(place, "K7Q2-4DMX", "forward");
  const auto before = wall_now();
  note(place, before - std::chrono::hours(25));
  place.start();
  const auto given = place.transport.wait(1);
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(given[0].sender, "");
  EXPECT_EQ(given[0].to, std::vector<std::string>{"postmaster@example.jp"});
  EXPECT_TRUE(has(given[0].content, "1 rule=forward"));
  EXPECT_TRUE(has(given[0].content, "Auto-Submitted: auto-generated"));
  ASSERT_TRUE(place.lines.wait("B1: removed"));
  EXPECT_GE(noted(place), before);
}

// On a new host the first one comes within hours: nobody knows yet that there are any.
TEST(QueueSummary, TheFirstOneComesSoon) {
  QueuePlace place;
  place.site.postmaster = "postmaster@example.jp";
  hold(place, "K7Q2-4DMX", "forward");
  place.put(QueuePlace::message("K7Q2-4DMY", {"bob@example.net"}));
  place.start();
  // What has been held in the queue is looked at with it.
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMY: removed"));
  place.runner->act(Act::flush, {});
  const auto until = steady_now() + std::chrono::seconds(20);
  while (noted(place) == WallTime{} && steady_now() < until) place.runner->under_way();
  EXPECT_GT(noted(place), wall_now() - std::chrono::hours(24));
  EXPECT_LE(noted(place), wall_now() - std::chrono::hours(22));
}

}  // namespace sekisho::queue
