// tests/support/session_gate.h: an engine on a zone that the test writes down, and whole messages
// through it. Thread: one owner.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/guarded.h"
#include "dns/resolver.h"
#include "session/session.h"

namespace sekisho::test {

// An SMTP client's message. Names and values of the fields as a front hands them over.
struct Letter {
  std::string client = "192.0.2.10";  // "unix": a Unix socket; empty: unknown
  std::string helo = "mx.a.example";
  std::string mail_from = "bob@a.example";
  bool authenticated = false;
  std::vector<std::string> to = {"user@example.jp"};
  std::vector<mail::HeaderField> fields = {{"From", " bob@a.example"}, {"Subject", " x"}};
  std::string body = "Hello\r\n";
  mail::Mta mta = mail::Mta::own;
};

// Decisions as they were recorded.
class Recorder final : public session::Journal {
 public:
  void decided(std::shared_ptr<const session::Decided> decided) override;
  std::vector<std::string> lines() const;
  std::vector<std::shared_ptr<const session::Decided>> decisions() const;

 private:
  Guarded<std::vector<std::shared_ptr<const session::Decided>>> decisions_;
};

// A configuration whose resolver knows `zone` alone; authserv-id mx.example.jp, ours is example.jp.
session::Snapshot snapshot_on_zone(const std::string& zone);

// Everything that it decided is decided again when it ends, from the record alone, and must come
// out the same: so every test with a gate is a test of replay too.
class Gate {
 public:
  explicit Gate(session::Snapshot snapshot);
  ~Gate();

  session::Engine& engine() { return *engine_; }
  Recorder& recorder() { return recorder_; }
  RunQueue& queue() { return *queue_; }
  std::shared_ptr<session::Session> session(policy::Role role = policy::Role::mx);
  // From connect to the outcome, in a session of its own.
  session::Outcome judge(const Letter& letter, policy::Role role = policy::Role::mx);
  // MAIL FROM to the outcome in a session that greeted already.
  session::Outcome judge(session::Session& session, const Letter& letter);

 private:
  Recorder recorder_;
  std::shared_ptr<RunQueue> queue_ = std::make_shared<RunQueue>();
  std::unique_ptr<session::Engine> engine_;
  std::shared_ptr<const session::Snapshot> snapshot_;
};

// Fails the test when the decision, written down and read again, comes out otherwise.
void expect_replay(const session::Decided& decided, const session::Snapshot& snapshot);
// Fails the test when what was read is not what was written.
void expect_round_trip(const session::Decided& decided);

void greet(session::Session& session, const Letter& letter);
// MAIL FROM to the end of the body.
void send(session::Session& session, const Letter& letter);

// A resolver that answers when the test says so, from `zone`. Thread: one owner.
class HeldResolver final : public dns::Resolver {
 public:
  explicit HeldResolver(std::shared_ptr<dns::Resolver> zone) : zone_(std::move(zone)) {}
  dns::AnswerPtr at_hand(const dns::Question& question) override;
  Ticket ask(const dns::Question& question, Callback done) override;
  void cancel(Ticket ticket) override;
  dns::ResolverStatus status() const override { return {}; }

  // "a.example TXT" of what was asked since the last call, sorted.
  std::vector<std::string> asked();
  // Answers all that is open: one round trip. False when nothing was.
  bool answer_all();
  std::size_t open() const { return open_.size(); }

 private:
  struct Open {
    Ticket ticket;
    dns::Question question;
    Callback done;
  };
  std::shared_ptr<dns::Resolver> zone_;
  std::vector<Open> open_;
  std::vector<std::string> asked_;
  std::vector<dns::Question> known_;
  Ticket next_ = 1;
};

}  // namespace sekisho::test
