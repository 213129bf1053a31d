// queue/intake.h: takes messages of the SMTP core into the spool: recipients that a verdict holds
// become rows of the quarantine, accepted ones rows of the queue, after aliases, in one commit; the
// session is answered when it is durable. Equal messages are two messages.
//   A recipient who forwards mail that failed DMARC is held too (rule=forward): the next host would
//   refuse it, and our name would stand on it. A message that was here before waits for a person.
// Errors: session::HoldResult. Thread: any, internally locked.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "accounts/directory.h"
#include "queue/backscatter.h"
#include "queue/message.h"
#include "session/arrival.h"
#include "session/ports.h"
#include "spool/store.h"

namespace sekisho::queue {

using session::Arrival;

// A loop: so many Received fields of this host, or in all.
inline constexpr std::size_t loop_by_us = 5;
inline constexpr std::size_t loop_in_all = 50;

// Whether the owner of the author's domain would have others refuse it, so that nobody's forwarding
// may pass it on.
bool is_refused_elsewhere(const policy::Facts& facts);

class Intake {
 public:
  struct Needs {
    std::shared_ptr<spool::Store> spool;  // with the tables of quarantine and queue
    // The one in force.
    std::function<std::shared_ptr<const accounts::Directory>()> directory;
    IsAmong is_among;                     // empty: nobody is
    std::function<void(Message)> queued;  // durable now, with accepted recipients
    // [quarantine] max_size, for what verdicts hold; empty or 0: no limit. What was accepted is
    // kept in any case.
    std::function<std::uint64_t()> max_held = {};
  };
  explicit Intake(Needs needs);

  // For one session; the Arrival is read within keep(). Must not outlive the Intake.
  std::unique_ptr<session::Keeping> for_session(std::shared_ptr<const Arrival> arrival);

 private:
  friend class SessionKeeping;
  using Done = std::function<void(session::HoldResult)>;
  struct Prepared;

  void keep(session::KeepRequest request, const Arrival& arrival, Done done);
  void put(const std::shared_ptr<Prepared>& prepared);
  void stored(Prepared& prepared, const spool::Outcome<spool::Stored>& stored);

  Needs needs_;
  std::string index_;
};

}  // namespace sekisho::queue
