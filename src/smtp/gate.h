// smtp/gate.h: the answers at MAIL and RCPT that need nobody: who may send as whom, what may go
// where, who exists. Everybody's relay control is here: what it does not let pass never reaches the
// queue.
// Pure but for the directory's files.
// Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string>

#include "mail/path.h"
#include "mail/smtp_reply.h"
#include "smtp/client.h"
#include "smtp/services.h"
#include "smtp/site.h"

namespace sekisho::smtp {

struct Refusal {
  mail::SmtpReply reply;
  std::string note;  // for the log alone: which line would allow it
};

// The sender as the message keeps it, or why not.
struct SenderAnswer {
  mail::Path path;
  std::optional<Refusal> refusal;
};
SenderAnswer at_mail(const Site& site, const Client& client, relay::Standing standing,
                     const mail::Path& sender);

struct RecipientAnswer {
  enum class Code { pass, refuse, ask };
  Code code = Code::pass;
  // After SRS; with our origin, where a bare name has it; as relay::Map::canonical() writes it.
  mail::Path path;
  const relay::Route* route = nullptr;  // ask: whose next hop knows
  std::optional<Refusal> refusal;
};
RecipientAnswer at_rcpt(const Site& site, const Client& client, relay::Standing standing,
                        const mail::Path& recipient);
// After the next hop's answer. nullopt: it exists.
std::optional<Refusal> after_asking(const Asked& asked, const mail::Path& recipient);

// postmaster at whatever domain, or bare: no rule of [smtp] refuses it (RFC 5321 §4.5.1).
bool is_postmaster(const mail::Path& path);

}  // namespace sekisho::smtp
