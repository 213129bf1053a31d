// 64 sessions at once over real sockets while the configuration is replaced without end: every
// message gets its verdict. Meant for ThreadSanitizer; ends after three seconds.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "milter/server.h"
#include "support/milter_client.h"
#include "support/session_gate.h"
#include "support/temporary_folder.h"

namespace sekisho::milter {

namespace {

const char* const zone = R"(
a.example.           TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.    TXT  "v=DMARC1; p=reject"
)";

class NoSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view) const override { return true; }
};

// Answers on a thread of its own, as the real one does.
class ThreadedResolver final : public dns::Resolver {
 public:
  explicit ThreadedResolver(std::shared_ptr<dns::Resolver> inner)
      : inner_(std::move(inner)), thread_([this] { run(); }) {}
  ~ThreadedResolver() override {
    stop_ = true;
    thread_.join();
  }
  dns::AnswerPtr at_hand(const dns::Question&) override { return nullptr; }
  Ticket ask(const dns::Question& question, Callback done) override {
    return queue_.with([&](Queue& queue) {
      queue.open.emplace(++queue.last, std::make_pair(question, std::move(done)));
      return queue.last;
    });
  }
  void cancel(Ticket ticket) override {
    queue_.with([&](Queue& queue) { queue.open.erase(ticket); });
  }
  dns::ResolverStatus status() const override { return {}; }

 private:
  struct Queue {
    std::map<Ticket, std::pair<dns::Question, Callback>> open;
    Ticket last = 0;
  };
  void run() {
    while (!stop_) {
      auto now = queue_.with([](Queue& queue) { return std::exchange(queue.open, {}); });
      for (auto& [ticket, one] : now) one.second(inner_->at_hand(one.first));
      if (now.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::shared_ptr<dns::Resolver> inner_;
  Guarded<Queue> queue_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST(Stress, SessionsWhileTheConfigurationIsReplaced) {
  constexpr int sessions = 64;
  test::TemporaryFolder folder;
  const auto resolver = std::make_shared<ThreadedResolver>(test::snapshot_on_zone(zone).resolver);
  const auto snapshot = [&] {
    auto made = test::snapshot_on_zone(zone);
    made.resolver = resolver;
    return made;
  };
  test::Gate gate(snapshot());
  Log log(std::make_shared<NoSink>(), LogLevel::error);
  net::Loops loops("milter", log, {.count = 4, .filled_at = 1});
  Server server(gate.engine(), loops, log);
  Options options;
  options.socket = "unix:" + folder.file("m.sock");
  ASSERT_TRUE(server.open({options}));
  loops.run();
  server.run();

  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < sessions; ++i) {
    clients.emplace_back([&, i] {
      while (!stop) {
        test::MilterClient client(folder.file("m.sock"));
        if (!client.connected() || !client.greet()) {
          ++wrong;
          return;
        }
        for (int message = 0; message < 1 + i % 5 && !stop; ++message) {
          ++(client.message() == "c" ? answered : wrong);
        }
        // Some leave in the middle of a message.
        if (i % 7 == 0) client.begin();
      }
    });
  }
  const auto until = steady_now() + std::chrono::seconds(3);
  std::uint64_t replaced = 0;
  while (wrong == 0 && (steady_now() < until || replaced <= 10 ||
                        answered <= static_cast<std::uint64_t>(sessions))) {
    gate.engine().replace(std::make_shared<const session::Snapshot>(snapshot()));
    ++replaced;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stop = true;
  for (auto& client : clients) client.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(server.drain(std::chrono::seconds(30)), 0U);
  EXPECT_EQ(gate.engine().counters().internal_errors, 0U);
  EXPECT_EQ(gate.engine().counters().open_connections, 0);
}

}  // namespace

}  // namespace sekisho::milter
