// queue/settled.h: what came of an attempt or a command, on its way to the disk: the rows, and the
// bounces that tell of them, in one commit.
// Thread: the runner's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "queue/bounce.h"
#include "queue/runner.h"

namespace sekisho::queue {

struct Runner::Sent {
  std::string id;
  std::string domain;
  std::vector<std::uint32_t> places;
  CrashMarks::UnderWay mark;
};

struct Runner::Settled {
  std::string id;
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
  // A later change of the same message, into the same commit; false: it needs one of its own.
  bool take_in(const Settled& later);
};

}  // namespace sekisho::queue
