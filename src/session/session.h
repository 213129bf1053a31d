// session/session.h: one SMTP connection as a front sees it: events in, one outcome for each
// message out. Both fronts feed this same engine, so a message gets the same verdict whichever way
// it came.
//   session->connect(client, mta_name); session->helo("mx.example");
//   session->mail_from({...}); session->rcpt_to({"a@b"}, [](const Step& s) { … });
//   session->header(name, value)…; session->end_of_header(); session->body(octets)…;
//   session->end_of_message(queue_id, [](const Outcome& o) { … });
// Nothing here blocks: the outcome comes by callback, on the owner's executor or before
// end_of_message() returns.
// Errors: a failure inside gives a 4xx outcome, never an accept.
// Thread: one owner at a time.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/memory.h"
#include "mail/header.h"
#include "policy/access_list.h"
#include "policy/facts.h"
#include "session/checks.h"
#include "session/decided.h"
#include "session/engine.h"
#include "session/outcome.h"

namespace sekisho::session {

struct MailFrom {
  std::string address;         // without angle brackets; empty for the null reverse-path
  bool authenticated = false;  // the client logged in
  std::vector<std::string> parameters = {};  // "BODY=8BITMIME"
};

// The answer to one RCPT.
struct Step {
  std::optional<mail::SmtpReply> refusal;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  static std::shared_ptr<Session> create(Engine& engine, policy::Role role,
                                         std::shared_ptr<Executor> owner);
  // One that decides again what is recorded, and takes from the record what the world did at the
  // time: the id, the digests of the body, since when the sender was put off. `recorded` must
  // outlive it.
  static std::shared_ptr<Session> replay(Engine& engine, std::shared_ptr<Executor> owner,
                                         const Decided& recorded);
  ~Session();

  // `mta_name`: what the MTA calls itself (macro j); may be empty.
  void connect(policy::Client client, std::string mta_name);
  void helo(std::string name);
  void mail_from(MailFrom from);
  // Whether a rule may refuse a recipient at RCPT: only then is rcpt_to() given a `done`.
  bool refuses_recipients() const;
  using StepDone = std::function<void(const Step&)>;
  void rcpt_to(Recipient recipient, StepDone done = nullptr);
  void header(std::string name, std::string value);
  // A line of the header that is no field (a front that reads the message itself sees these).
  void malformed_line(std::string line);
  void end_of_header();
  // Of every message: the MTA eats one space after the colon of a field, and the front has put one
  // back.
  void blanks_lost() { blanks_lost_ = true; }
  // False when no more of the body is wanted.
  bool body(std::string_view octets);
  using Done = std::function<void(const Outcome&)>;
  void end_of_message(std::string queue_id, Done done);
  // The message is gone; the connection stays.
  void abort() noexcept;

  // A message is between MAIL FROM and its outcome.
  bool in_message() const { return message_ != nullptr || storing_ != nullptr; }
  // When the time for what is awaited ends: the front calls expire() then.
  SteadyTime deadline() const;
  void expire();
  // The questions that the outcome waits for.
  std::vector<dns::Question> needed() const;
  // Something inside broke (an exception): this message gets a 4xx, now or when its end comes.
  void fail(std::string what) noexcept;

 private:
  struct Message;
  struct Storing;
  // Runs what may break inside: an exception becomes the failure of this message.
  template <class Event>
  void guarded(const Event& event) {
    try {
      event();
    } catch (const std::exception& error) {
      fail(what_of(error));
    }
  }
  Session(Engine& engine, policy::Role role, std::shared_ptr<Executor> owner,
          const Decided* recorded = nullptr);

  // session.cc: the dialogue.
  std::unique_ptr<Message> new_message(WallTime now);
  bool receiving() const;
  policy::Exemption exemption(bool authenticated) const;
  bool evaluated() const;
  bool trusted() const;
  bool behind_relay(const Snapshot& snapshot) const;
  std::string own_name(const Snapshot& snapshot) const;
  std::vector<std::string> own_domains(const Snapshot& snapshot) const;
  // A replay of a header that is not all there: what was read from it is taken from the record.
  bool recorded_in_part() const { return recorded_ != nullptr && recorded_->inputs.left_out > 0; }
  void read_header(Message& message);
  void begin(MailFrom from);
  void evaluate_client(Message& message, bool begun);
  void find_origin(Message& message);
  void keep(std::string_view octets);
  void advance();
  bool settled(const Message& message, SteadyTime now) const;
  void see_release(const mail::HeaderField& field);
  void ask_release(Message& message);
  void taken_back(const TakenBack& taken);

  // recipients.cc: the answer to RCPT.
  void advance_recipient(Message& message, SteadyTime now);
  static policy::KnownSoFar known_so_far(const Message& message);
  void answer_recipient(Message& message, std::optional<policy::Decision> refusal) noexcept;
  Step note_recipient(Message& message, Recipient recipient,
                      std::optional<policy::Decision> refusal);
  void record_refused(Message& message);

  // conclude.cc: from the last word of the message to its outcome.
  void finish() noexcept;
  void conclude(Message& message, Outcome& outcome);
  void reach_verdict(Message& message, Outcome& outcome);
  void match_entries(const Message& message, policy::Facts& facts) const;
  void write_results(const Message& message, Outcome& outcome) const;
  void place_held(const Message& message, Outcome& outcome) const;
  void hold(std::unique_ptr<Message> message, Outcome outcome) noexcept;
  HoldRequest held_message(Storing& storing) const;
  void held(const HoldResult& result) noexcept;
  void apply(const HoldResult& result, Storing& storing);
  void deliver(Message& message, Outcome outcome) noexcept;
  std::shared_ptr<const Decided> record(Message& message, Outcome&& outcome);
  Inputs inputs_of(Message& message) const;
  std::vector<policy::Edit> removals(const Message& message) const;
  std::vector<policy::Edit> removals_of_trusted(const Message& message, policy::Facts& facts) const;
  std::vector<policy::Edit> own_insertions(const Message& message, const Outcome& outcome) const;
  static void judge_failure(Outcome& outcome, const std::string& what);
  static void put_off_without_words(Outcome& outcome) noexcept;

  Engine& engine_;
  policy::Role role_;
  std::shared_ptr<Executor> owner_;
  const Decided* recorded_ = nullptr;  // this is a replay of it
  policy::Client client_;
  std::string mta_name_;
  bool blanks_lost_ = false;
  // Lookups that began before MAIL FROM: the first message takes them over.
  std::unique_ptr<Message> early_;
  std::unique_ptr<Message> message_;
  // Judged; its answer waits until the store has it.
  std::unique_ptr<Storing> storing_;
};

}  // namespace sekisho::session
