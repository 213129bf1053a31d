// What the queue counts for the metrics: results by route, and how old its messages are.
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "support/queue_place.h"

namespace sekisho::queue {
namespace {

using test::QueuePlace;
using Code = relay::Result::Code;

relay::Result answer(const relay::Target& to) {
  if (to.path.domain() == "full.example")
    return test::result(Code::deferred, "4.2.2", "450 4.2.2 full");
  return test::sent();
}

TEST(QueueCounts, ResultsByRoute) {
  QueuePlace place(answer);
  relay::MapOptions options;
  options.routes.emplace_back();
  options.routes[0].domain = {"inside.example", "full.example"};
  options.routes[0].via = {relay::Via::Kind::smtp_host, "192.0.2.1", 25};
  place.site.map = std::make_shared<const relay::Map>(std::move(options));
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMX", {"a@inside.example", "b@inside.example"}));
  place.put(QueuePlace::message("K7Q2-4DMY", {"c@full.example", "d@elsewhere.example"}));
  ASSERT_TRUE(place.lines.wait("to=<b@inside.example>"));
  ASSERT_TRUE(place.lines.wait("to=<c@full.example>"));
  ASSERT_TRUE(place.lines.wait("to=<d@elsewhere.example>"));
  const auto counts = place.runner->counts();
  EXPECT_EQ(counts.by_route.size(), 2U);
  EXPECT_EQ(counts.by_route.at("inside.example"), (Ended{.sent = 2, .bounced = 0, .deferred = 1}));
  EXPECT_EQ(counts.by_route.at(by_mx), (Ended{.sent = 1, .bounced = 0, .deferred = 0}));
  EXPECT_EQ(counts.sent, 3U);
  EXPECT_EQ(counts.deferred, 1U);
}

TEST(QueueCounts, AgesOfMessages) {
  QueuePlace place(
      [](const auto&) { return test::result(Code::deferred, "4.2.2", "450 4.2.2 full"); });
  auto old = QueuePlace::message("K7Q2-4DMX", {"a@full.example"});
  old.letter.arrived = wall_now() - std::chrono::hours(2);
  place.put(old);
  place.start();
  place.put(QueuePlace::message("K7Q2-4DMY", {"b@full.example"}));
  const auto until = steady_now() + std::chrono::seconds(20);
  while (place.runner->counts().messages < 2 && steady_now() < until) std::this_thread::yield();
  const auto older = place.runner->counts().older;
  EXPECT_EQ(older, (decltype(older){1, 1, 1, 0, 0, 0}));
}

}  // namespace
}  // namespace sekisho::queue
