// session/recipients.h: the answer to one RCPT, from what is known of client and envelope by then.
// A recipient is refused only if that is certain; answers that arrive too late still count at the
// end of DATA.
// Thread: one owner.
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
// `until`: a list without an answer by then does not refuse. nullopt: the answer must wait.
std::optional<RcptAnswer> answer_rcpt(Message& message, const Deferrals& deferrals,
                                      const Recipient& recipient, SteadyTime until, SteadyTime now);

// Adds the recipient to the envelope, or to the refused ones; then returns the reply.
std::optional<mail::SmtpReply> note_recipient(Message& message, Engine& engine, Recipient recipient,
                                              std::optional<policy::Decision> refusal);

// The transaction has ended before the end of a message, and recipients were refused: that is a
// decision of its own.
Outcome refused_at_rcpt(Message& message);

}  // namespace sekisho::session
