// tests/support/queue_place.h: a queue of the test's own: a store on the disk with the tables of
// quarantine and queue, a transport that answers as the test says, and the runner between them.
// Thread: one owner; the transport is called by the runner.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/guarded.h"
#include "quarantine/tables.h"
#include "queue/runner.h"
#include "queue/tables.h"
#include "support/spool_store.h"
#include "support/temporary_folder.h"

namespace sekisho::test {

// Answers each job at once, by a function of the test's; keeps what it was given.
class ScriptedTransport final : public relay::Transport {
 public:
  struct Given {
    std::string id;
    std::string sender;
    std::vector<std::string> to;
    std::string content;
  };
  using Answer = std::function<relay::Result(const relay::Target&)>;

  explicit ScriptedTransport(Answer answer) : answer_(std::move(answer)) {}

  void deliver(relay::Job job, Done done) override {
    Given given{job.id, job.sender.raw(), {}, ""};
    auto content = job.open();
    if (content) given.content = (*content)->read(0, 1 << 20).value_or("");
    relay::JobResult result;
    const auto answer = answer_.with([](const Answer& now) { return now; });
    for (const auto& target : job.targets) {
      given.to.push_back(target.path.raw());
      result.results.push_back(answer(target));
    }
    result.dialogue = {{'C', "MAIL FROM"}, {'S', "250 ok"}};
    given_.with([&](auto& all) { all.push_back(std::move(given)); });
    given_.notify_all();
    done(std::move(result));
  }
  void forget(const std::string&) override { ++forgotten; }

  void answer(Answer answer) {
    answer_.with([&](Answer& now) { now = std::move(answer); });
  }
  // All jobs, when there are so many of them.
  std::vector<Given> wait(std::size_t count) {
    return given_.wait_until(
        steady_now() + std::chrono::seconds(20),
        [&](const auto& all) { return all.size() >= count; },
        [](const auto& all, bool) { return all; });
  }
  std::atomic<int> forgotten{0};

 private:
  Guarded<Answer> answer_;
  Guarded<std::vector<Given>> given_;
};

inline relay::Result result(relay::Result::Code code, std::string status, std::string reply,
                            std::string fault = "") {
  relay::Result result;
  result.code = code;
  result.status = std::move(status);
  result.reply = std::move(reply);
  result.why = result.reply;
  result.host = "mx.example[192.0.2.1]:25";
  result.fault = std::move(fault);
  return result;
}
inline relay::Result sent() { return result(relay::Result::Code::sent, "2.0.0", "250 2.0.0 Ok"); }

// Keeps the lines of a log.
class Lines final : public LogSink {
 public:
  bool write(LogLevel, std::string_view line) const override {
    all_->with([&](auto& all) { all.emplace_back(line); });
    all_->notify_all();
    return true;
  }
  // Waits for a line with that part.
  bool wait(const std::string& part) const {
    return all_->wait_until(
        steady_now() + std::chrono::seconds(20),
        [&](const auto& all) {
          for (const auto& line : all) {
            if (line.find(part) != std::string::npos) return true;
          }
          return false;
        },
        [](const auto&, bool found) { return found; });
  }

 private:
  std::shared_ptr<Guarded<std::vector<std::string>>> all_ =
      std::make_shared<Guarded<std::vector<std::string>>>();
};

class QueuePlace {
 public:
  explicit QueuePlace(ScriptedTransport::Answer answer = [](const auto&) { return test::sent(); })
      : transport(std::move(answer)) {
    site.origin = site.hostname = "mail.example.jp";
    open();
  }

  void open() {
    spool::Options options;
    options.dir = folder.file("queue");
    auto opened = spool::Store::open(
        options, spool::Access::owner,
        {std::make_shared<const quarantine::Tables>(), std::make_shared<const queue::Tables>()},
        said.sink());
    ASSERT_TRUE(opened) << opened.error().why;
    spool = std::move(*opened);
  }
  void start() {
    runner = std::make_unique<queue::Runner>(
        queue::Runner::Needs{spool,
                             transport,
                             {log, log, log, log},
                             alarms,
                             [this] { return "B" + std::to_string(++ids_); },
                             nullptr},
        site);
  }
  void stop() { runner.reset(); }
  void close() {
    stop();
    spool.reset();
  }

  static queue::Message message(const std::string& id, const std::vector<std::string>& to,
                                const std::string& sender = "alice@sender.example") {
    queue::Message message;
    message.letter.id = id;
    message.letter.sender = sender;
    message.letter.arrived = wall_now();
    message.letter.may_bounce = true;
    message.letter.top = "Received: by us\r\n";
    for (const auto& address : to) {
      queue::Recipient recipient;
      recipient.place = static_cast<std::uint32_t>(message.recipients.size());
      recipient.address = recipient.original = address;
      recipient.progress = queue::accepted(message.letter.arrived);
      message.recipients.push_back(std::move(recipient));
    }
    return message;
  }
  // Durable, and handed over if there is a runner.
  void put(const queue::Message& message) {
    const auto stored = test::put(*spool, message.letter.id, "Subject: x\r\n\r\nHello\r\n",
                                  {{"queued", queue::write_record(message, index())}});
    ASSERT_TRUE(stored) << stored.error().why;
    if (runner) runner->queued(message);
  }
  std::string index() {
    std::string name;
    auto read = spool->read([&](spool::Database& database) -> spool::Outcome<void> {
      name = queue::index_name(database).value_or("");
      return {};
    });
    return name;
  }
  spool::Outcome<queue::Message> find(const std::string& id) {
    spool::Outcome<queue::Message> found = spool::failed(spool::Failure::Kind::io, "");
    auto read = spool->read([&](spool::Database& database) -> spool::Outcome<void> {
      found = queue::find(database, id);
      return {};
    });
    return found;
  }

  TemporaryFolder folder;
  Alarms said;
  Lines lines;
  Log log{std::make_shared<const Lines>(lines), LogLevel::debug};
  sekisho::Alarms alarms{log};
  ScriptedTransport transport;
  queue::Runner::Site site;
  std::shared_ptr<spool::Store> spool;
  std::unique_ptr<queue::Runner> runner;

 private:
  std::atomic<int> ids_{0};
};

}  // namespace sekisho::test
