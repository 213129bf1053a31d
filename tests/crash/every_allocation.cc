// A message through the whole conversation with an MTA, once for each of its allocations, which
// fails: the first, the second, and so on to the last. Each time the MTA gets the answer that it
// gets with memory, or a temporary failure, or its connection is closed; and the next message of
// that connection is answered as ever. The failing ones are those of this thread; what fails by
// chance, and on all threads, is no_memory.py's.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/memory.h"
#include "milter/conversation.h"
#include "session/decided.h"
#include "support/milter_client.h"
#include "support/session_gate.h"

namespace {

thread_local long allocations_left = -1;  // until the one that fails; negative: none does

// One that may wait for memory gets it the next time ([new.delete.single]).
void* allocate(std::size_t octets) {
  if (allocations_left >= 0 && allocations_left-- == 0) {
    if (std::get_new_handler() == nullptr) throw std::bad_alloc();
    std::get_new_handler()();
  }
  void* got = std::malloc(octets == 0 ? 1 : octets);
  if (got == nullptr) throw std::bad_alloc();
  return got;
}

}  // namespace

void* operator new(std::size_t octets) { return allocate(octets); }
void* operator new[](std::size_t octets) { return allocate(octets); }
void operator delete(void* octets) noexcept { std::free(octets); }
void operator delete[](void* octets) noexcept { std::free(octets); }
void operator delete(void* octets, std::size_t) noexcept { std::free(octets); }
void operator delete[](void* octets, std::size_t) noexcept { std::free(octets); }

namespace sekisho::milter {

namespace {

using test::connect_packet;
using test::header_packet;
using test::negotiation;
using test::packet;
using test::strings;
using Lines = std::vector<std::string>;

const char* const zone = R"(
a.example.           TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.    TXT  "v=DMARC1; p=reject"
b.example.           TXT  "v=spf1 include:a.example -all"
)";

class NoJournal final : public session::Journal {
 public:
  void decided(std::shared_ptr<const session::Decided> /*decided*/) override {}
};

// A store that has room.
class Shelf final : public session::Keeping {
 public:
  std::unique_ptr<session::Draft> begin() override {
    struct Nothing final : session::Draft {
      void append(std::string_view) override {}
    };
    return std::make_unique<Nothing>();
  }
  void keep(session::KeepRequest, std::function<void(session::HoldResult)> done) override {
    done({session::HoldCode::held, ""});
  }
  void take_back(session::ReleaseProof, std::function<void(session::TakenBack)> done) override {
    done(std::nullopt);
  }
};

struct Kind {
  const char* name;
  std::string sender;
  std::string author;
  session::QuarantineWhere where;
};

// An MTA's end of a conversation: replies without what differs from run to run.
class Talk {
 public:
  explicit Talk(const Kind& kind) {
    auto snapshot = test::snapshot_on_zone(zone);
    snapshot.options.quarantine.where = kind.where;
    // As long as a real one: too long for a string to hold it without memory.
    snapshot.digest = "0123456789abcdef";
    engine_ = std::make_unique<session::Engine>(
        std::make_shared<const session::Snapshot>(std::move(snapshot)), journal_);
    engine_->keep_in(&shelf_);
    conversation_ = std::make_unique<Conversation>(*engine_, policy::Role::mx,
                                                   std::shared_ptr<Executor>(&queue_, [](auto*) {}),
                                                   [this](std::string octets) { take(octets); });
    sent_.reserve(std::size_t{256} * 1024);
  }

  // False when the connection is over. An MTA whose MAIL is deferred says nothing more of that
  // message.
  bool say(std::string_view octets) {
    Packet one;
    std::size_t used = 0;
    while (next_packet(octets, one, used) == Framing::packet) {
      if (conversation_->receive(one) != Conversation::Next::go_on) return false;
      octets.remove_prefix(used);
      if (one.command == 'M' && sent_.ends_with(std::string_view("\0\0\0\1t", 5))) break;
    }
    return true;
  }
  // What somebody waits for comes, or its time is over.
  void settle() {
    contained(
        [this] { queue_.run_until([this] { return !conversation_->waiting(); }, steady_now()); });
    if (conversation_->waiting()) conversation_->expire();
    queue_.run_until([this] { return !conversation_->waiting(); }, steady_now());
  }
  bool waiting() const { return conversation_->waiting(); }
  Lines replies() {
    Lines lines = test::shown(sent_);
    sent_.clear();
    for (auto& line : lines) {
      const auto at = line.find("(id=");
      if (at != std::string::npos) line.replace(at + 4, 9, "ID");
    }
    return lines;
  }

 private:
  // The socket takes it, for which nothing is allocated here.
  void take(const std::string& octets) {
    if (sent_.size() + octets.size() <= sent_.capacity()) sent_ += octets;
  }

  NoJournal journal_;
  Shelf shelf_;
  RunQueue queue_;
  std::unique_ptr<session::Engine> engine_;
  std::unique_ptr<Conversation> conversation_;
  std::string sent_;
};

std::string message(const Kind& kind) {
  return packet('D', "M" + strings({"i", "4bXYZ0123456789abcdef"})) +
         packet('M', strings({"<" + kind.sender + ">", "BODY=8BITMIME", "SIZE=123456789"})) +
         packet('R', strings({"<somebody.with.a.long.name@example.jp>"})) +
         packet('R', strings({"<user@example.jp>"})) +
         header_packet("From", " \"A name that is no short one\" <" + kind.author + ">") +
         header_packet("Authentication-Results", " mx.example.jp; spf=pass smtp.mailfrom=x") +
         header_packet("Received",
                       " from x.example by y.example; Sat, 21 Nov 2026 09:30:00 +0000") +
         header_packet("DKIM-Signature",
                       " v=1; a=rsa-sha256; d=a.example; s=s; h=from; bh=AAAA; b=AAAABBBB") +
         packet('N') + packet('B', std::string(3000, 'x') + "\r\n") + packet('E');
}

const std::string greeting = negotiation(6, test::all_actions, test::all_steps) +
                             connect_packet("192.0.2.10") + packet('H', strings({"mx.a.example"}));

bool is_temporary(const std::string& reply) { return reply == "t" || reply.starts_with("y4"); }

class EveryAllocation : public testing::TestWithParam<Kind> {};

TEST_P(EveryAllocation, CostsOneMessageAtMost) {
  Patience::make_possible();
  const std::string octets = message(GetParam());
  Talk well(GetParam());
  ASSERT_TRUE(well.say(greeting));
  well.replies();
  ASSERT_TRUE(well.say(octets));
  well.settle();
  const Lines expected = well.replies();
  ASSERT_FALSE(expected.empty());
  long failing = 0;
  std::size_t closed = 0;
  std::size_t put_off = 0;
  for (bool all = false; !all; ++failing) {
    SCOPED_TRACE("allocation " + std::to_string(failing));
    Talk talk(GetParam());
    ASSERT_TRUE(talk.say(greeting));
    talk.replies();
    allocations_left = failing;
    const bool open = talk.say(octets);
    all = allocations_left >= 0;
    allocations_left = -1;
    if (!open) {
      ++closed;
      continue;
    }
    talk.settle();
    ASSERT_FALSE(talk.waiting()) << "no answer";
    const Lines replies = talk.replies();
    ASSERT_FALSE(replies.empty());
    if (is_temporary(replies.back())) {
      ++put_off;
    } else {
      ASSERT_EQ(replies, expected);
    }
    ASSERT_TRUE(talk.say(octets));
    talk.settle();
    ASSERT_EQ(talk.replies(), expected) << "the next message";
  }
  EXPECT_GT(failing, 100) << "so few allocations are no message";
  EXPECT_GT(put_off, 50U);
  EXPECT_LT(closed * 20, static_cast<std::size_t>(failing)) << "of " << failing;
}

INSTANTIATE_TEST_SUITE_P(
    Mail, EveryAllocation,
    testing::Values(Kind{"good", "bob@a.example", "bob@a.example", session::QuarantineWhere::mta},
                    Kind{"forged", "x@b.example", "ceo@a.example", session::QuarantineWhere::mta},
                    Kind{"held", "x@b.example", "ceo@a.example", session::QuarantineWhere::store}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace

}  // namespace sekisho::milter
