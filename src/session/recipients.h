// session/recipients.h: the answer to one RCPT, from what is known of client and envelope by then.
// A recipient is refused when that is certain; what answers too late still counts at the end of the
// message. Thread: one owner.
#pragma once

#include <optional>

#include "base/clock.h"
#include "mail/smtp_reply.h"
#include "policy/verdict.h"
#include "session/engine.h"
#include "session/message.h"

namespace sekisho::session {

struct RcptAnswer {
  std::optional<policy::Decision> refusal;
};
// `until`: what has not answered by then does not refuse. Nothing: the answer has to wait.
std::optional<RcptAnswer> answer_rcpt(Message& message, const Deferrals& deferrals,
                                      const Recipient& recipient, SteadyTime until, SteadyTime now);

// Puts the recipient into the envelope, or among the refused ones; then with the reply.
std::optional<mail::SmtpReply> note_recipient(Message& message, Engine& engine, Recipient recipient,
                                              std::optional<policy::Decision> refusal);

// The transaction has ended before the end of a message, and recipients were refused: that is a
// decision of its own.
Outcome refused_at_rcpt(Message& message);

}  // namespace sekisho::session
