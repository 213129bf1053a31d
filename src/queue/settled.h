// queue/settled.h: what came of an attempt or a command, on its way to the disk: the rows, and the
// bounces that tell of them, in one commit.
// Thread: the runner's.
#pragma once

#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "queue/bounce.h"
#include "queue/runner.h"

namespace sekisho::queue {

struct Runner::Sent {
  std::string id;
  std::string hop;
  std::string domain;
  std::vector<std::uint32_t> places;
  CrashMarks::UnderWay mark;
  SteadyTime begun{};
  bool over = false;
};

// Answers when nothing that it waits for is left.
struct Runner::Asked {
  Asked() = default;
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;
  ~Asked() {
    contained([this] { promise.set_value(std::move(answer)); });
  }
  std::promise<Answer> promise;
  Answer answer;
};

struct Runner::Settled {
  std::string id;
  std::string hop;  // of an attempt: where it went, and since when
  SteadyTime begun{};
  std::optional<Letter> letter;  // another one
  std::vector<std::shared_ptr<Asked>> asked;
  std::vector<Recipient> changed;       // rows to write, or to remove if they are at their end
  std::vector<std::uint32_t> replaced;  // rows that others take the place of
  std::vector<std::pair<Report, Recipient>> told;  // what the sender must be told
  std::vector<std::string> lines;                  // for the log, when it is durable
  std::vector<std::pair<Bounce, Letter>> bounces;  // and of which letter
  bool lmtp = false;
  bool gone = false;            // the message is over
  std::vector<Message> made;    // the bounces, as messages
  std::size_t next_bounce = 0;  // those before it are on the disk

  // The rows.
  Outcome<void> write(Change& change);
  // Those that this bounce tells of.
  Outcome<void> write_told(Change& change, std::size_t number);
  // A later change of the same message, into the same commit; false: it needs one of its own.
  bool take_in(const Settled& later);
};

}  // namespace sekisho::queue
