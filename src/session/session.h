// session/session.h: one SMTP connection as a front sees it: events in, one outcome for each
// message out. All fronts use this engine, so the verdict does not depend on the front.
//   session->connect(client, mta_name); session->helo("mx.example");
//   session->mail_from({...}); session->rcpt_to({"a@b"}, [](const Step& s) { … });
//   session->header(name, value)…; session->end_of_header(); session->body(octets)…;
//   session->end_of_message(queue_id, [](const Outcome& o) { … });
// Nothing here blocks: the outcome comes by callback, on the owner's executor or before
// end_of_message() returns.
// Errors: a failure inside, or an event out of order, gives a 4xx outcome, never an accept.
// Thread: one owner at a time.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/memory.h"
#include "mail/header.h"
#include "mail/path.h"
#include "policy/facts.h"
#include "session/connected.h"
#include "session/decided.h"
#include "session/engine.h"
#include "session/hop.h"
#include "session/outcome.h"
#include "session/stage.h"

namespace sekisho::session {

struct MailFrom {
  mail::Path path;
  bool authenticated = false;                // the client logged in
  std::vector<std::string> parameters = {};  // "BODY=8BITMIME"
  Transmission how = {};                     // for our Received field
};

// The answer to one RCPT.
struct Step {
  std::optional<mail::SmtpReply> refusal;
};

struct Message;

class Session : public std::enable_shared_from_this<Session> {
 public:
  // `keeping`: where the front keeps messages; nullptr: where the engine does.
  static std::shared_ptr<Session> create(Engine& engine, policy::Role role,
                                         std::shared_ptr<Executor> owner,
                                         Keeping* keeping = nullptr);
  // A session that makes a recorded decision again. The id, the digests of the body, and since when
  // the sender was deferred come from the record. `recorded` must outlive it.
  static std::shared_ptr<Session> replay(Engine& engine, std::shared_ptr<Executor> owner,
                                         const Decided& recorded);
  ~Session();

  // `mta_name`: what the MTA calls itself (macro j); may be empty.
  void connect(policy::Client client, std::string mta_name);
  void helo(std::string name);
  void mail_from(MailFrom from);
  // Whether a rule may refuse a recipient at RCPT: only then does rcpt_to() need a `done`.
  bool refuses_recipients() const;
  using StepDone = std::function<void(const Step&)>;
  void rcpt_to(Recipient recipient, StepDone done = nullptr) {
    begin_asking(std::move(recipient), std::move(done), /*only_asked=*/false);
  }
  // The same for a recipient that the front refuses unless the session does: it never becomes one
  // of the message.
  void ask_about(Recipient recipient, StepDone done) {
    begin_asking(std::move(recipient), std::move(done), /*only_asked=*/true);
  }
  void header(std::string name, std::string value);
  // A header line that is not a field (seen by a front that reads the message itself).
  void malformed_line(std::string line);
  void end_of_header();
  // For every message: the MTA removes one space after the colon of a field, and the front has put
  // one back.
  void blanks_lost() { connected_.blanks_lost = true; }
  // False if no more of the body is needed.
  bool body(std::string_view octets);
  using Done = std::function<void(const Outcome&)>;
  void end_of_message(std::string queue_id, Done done);
  // The message is gone; the connection stays.
  void abort() noexcept;

  // The id of the message under way; empty without one.
  std::string id() const;
  // A message is between MAIL FROM and its outcome.
  bool in_message() const { return stage_ != Stage::idle; }
  // When the session stops waiting: the front must call expire() then.
  SteadyTime deadline() const;
  void expire();
  // The questions that the outcome waits for.
  std::vector<dns::Question> needed() const;
  // An internal failure (an exception): this message gets a 4xx, now or at its end.
  void fail(std::string what) noexcept;

 private:
  // A RCPT that waits for its answer.
  struct Asking {
    Recipient recipient;
    StepDone done;
    SteadyTime until;         // a list without an answer by then does not refuse
    bool only_asked = false;  // ask_about()
  };
  // Runs work that may throw: an exception becomes the failure of this message.
  template <class Work>
  void guarded(const Work& work) {
    try {
      work();
    } catch (const std::exception& error) {
      fail(what_of(error));
    }
  }
  Session(Engine& engine, Connected connected, std::shared_ptr<Executor> owner, Keeping* keeping,
          const Decided* recorded);

  // Enters the stage that the event leads to; false if the event is not allowed now.
  bool enters(Event event);
  Keeping* keeping() const { return keeping_ != nullptr ? keeping_ : engine_.keeping(); }
  bool failed() const;
  std::unique_ptr<Message> new_message(WallTime now);
  void begin(MailFrom from);
  void begin_draft();
  void begin_asking(Recipient recipient, StepDone done, bool only_asked);
  void advance();
  void advance_recipient(SteadyTime now);
  void answer_recipient(std::optional<policy::Decision> refusal) noexcept;
  bool settled(SteadyTime now) const;
  void ask_release();
  void taken_back(const TakenBack& taken);

  void finish() noexcept;
  Outcome judged() noexcept;
  void keep() noexcept;
  void kept(const HoldResult& result) noexcept;
  void deliver() noexcept;
  std::shared_ptr<const Decided> record(Outcome&& outcome);
  void record_aborted() noexcept;

  Engine& engine_;
  Connected connected_;
  std::shared_ptr<Executor> owner_;
  Keeping* keeping_;
  const Decided* recorded_;  // this is a replay of it
  Stage stage_ = Stage::idle;
  // Lookups that began before MAIL FROM: the first message takes them over.
  std::unique_ptr<Message> early_;
  std::unique_ptr<Message> message_;  // not idle
  std::optional<Asking> asking_;      // Stage::asking
  Done done_;                         // Stage::deciding, Stage::keeping
  std::optional<Outcome> outcome_;    // Stage::keeping
  SteadyTime keep_until_{};           // Stage::keeping
};

}  // namespace sekisho::session
