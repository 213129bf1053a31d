// Rows and files that meet a change on its way to the disk: those that another process has added,
// and those of a change that a crash has cut off.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/queue_place.h"

namespace sekisho::queue {

namespace {

using test::QueuePlace;

// Changes wait until the test lets them go.
class SlowStore final : public spool::Store {
 public:
  explicit SlowStore(std::shared_ptr<spool::Store> store) : store_(std::move(store)) {}

  spool::Draft draft() const override { return store_->draft(); }
  void put_with(spool::Draft draft, std::string key, std::vector<spool::Part> parts, With with,
                Done done) override {
    store_->put_with(std::move(draft), std::move(key), std::move(parts), std::move(with),
                     std::move(done));
  }
  void change_soon(With with, Done done) override {
    const bool goes = state_.with([&](State& state) {
      if (!state.open) state.waiting.emplace_back(with, done);
      return state.open;
    });
    state_.notify_all();
    if (goes) store_->change_soon(std::move(with), std::move(done));
  }
  spool::Outcome<void> read(const std::function<spool::Outcome<void>(Database&)>& use) override {
    return store_->read(use);
  }
  spool::Outcome<void> change(const std::function<spool::Outcome<void>(Change&)>& use) override {
    return store_->change(use);
  }
  spool::Outcome<spool::MessageFile> open_message(const std::string& key) const override {
    return store_->open_message(key);
  }
  bool has_message(const std::string& key) const override { return store_->has_message(key); }
  spool::Outcome<spool::Findings> verify(bool contents) override {
    return store_->verify(contents);
  }
  spool::Outcome<spool::Usage> usage() override { return store_->usage(); }
  spool::Health health() const override { return store_->health(); }

  bool wait_for_change() {
    return state_.wait_until(
        steady_now() + std::chrono::seconds(20),
        [](const State& state) { return !state.waiting.empty(); },
        [](const State&, bool came) { return came; });
  }
  void go() {
    auto all = state_.with([](State& state) {
      state.open = true;
      return std::exchange(state.waiting, {});
    });
    for (auto& [with, done] : all) store_->change_soon(std::move(with), std::move(done));
  }

 private:
  struct State {
    bool open = false;
    std::vector<std::pair<With, Done>> waiting;
  };
  std::shared_ptr<spool::Store> store_;
  Guarded<State> state_;
};

}  // namespace

// What a release has added is known from the start, and has its aliases looked up; the news of it
// are read while the rows that come of that are not on the disk yet.
TEST(QueueMerge, NewsOfWhatIsBeingExpandedSendItOnce) {
  QueuePlace place;
  auto message = QueuePlace::message("K7Q2-4DMX", {"bob@example.net"});
  message.recipients[0].place = 1'000'000;
  message.recipients[0].expand = true;
  place.put(message);
  const auto slow = std::make_shared<SlowStore>(place.spool);
  place.spool = slow;
  place.start();
  ASSERT_TRUE(slow->wait_for_change());
  ASSERT_TRUE(
      slow->change([](Change& change) { return note_news(change.database(), "K7Q2-4DMX"); }));
  place.runner->look();
  place.runner->under_way();  // behind the look
  slow->go();
  ASSERT_TRUE(place.lines.wait("K7Q2-4DMX: removed"));
  std::size_t copies = 0;
  for (const auto& given : place.transport.wait(1)) copies += given.to.size();
  EXPECT_EQ(copies, 1U);
}

// A crash between the end of its file and its commit, which is that of the state it tells of too.
TEST(QueueMerge, ABounceWithoutItsCommitIsNotSent) {
  for (const bool own : {false, true}) {
    QueuePlace place;
    auto message = QueuePlace::message("K7Q2-4DMX", {"bob@example.net"}, own ? "" : "a@b.example");
    message.letter.own = own;
    place.put(message);
    ASSERT_TRUE(place.spool->change([](Change& change) -> Outcome<void> {
      return change.database().script(
          "DELETE FROM queued; DELETE FROM queued_to; DELETE FROM files;");
    }));
    place.close();
    place.open();
    EXPECT_EQ(place.find("K7Q2-4DMX").has_value(), !own);
    EXPECT_EQ(std::filesystem::exists(place.folder.file("queue") + "/K7Q2-4DMX"), !own);
  }
}

}  // namespace sekisho::queue
