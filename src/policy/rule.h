// policy/rule.h: what a rule is, and what rules are made of. A rule says nothing when it leaves the
// message to the rules behind it. A new one is a file X_rule.cc that ends with its row, and the
// place of that row in the chain (rules.h). Only this folder includes it.
// Pure: no I/O, no clock. Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mail/smtp_reply.h"
#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// What the rules are asked about.
struct Case {
  const Facts& facts;
  const Rules& rules;
  const DmarcOverride* override_rule = nullptr;
  AccessEffect allowed = {};  // what the entries of the allowlist that hold may skip
};

struct Rule {
  std::string_view name;  // as decisions name it
  std::optional<Decision> (*ask)(const Case&);
  // For people: why it says nothing. Asked only when it does.
  std::string (*silence)(const Case&);
  // The key of the configuration that it went by in its decision: "dmarc.reject"; empty when none
  // could change it.
  std::string (*key)(const Case&, const Decision&);
  // Its own monitor mode; nullptr without one.
  bool (*monitor)(const Rules&) = nullptr;
  std::string_view monitor_key = {};
  // What it says of a recipient before the message has come; nullptr: nothing, for the reason
  // behind it.
  std::optional<Decision> (*at_rcpt)(const Case&) = nullptr;
  std::string_view not_at_rcpt = "not known yet: the message had not come";
  // Why it says nothing there; nullptr: for the same reason as later.
  std::string (*silence_at_rcpt)(const Case&) = nullptr;
};

// Conclusions.
Decision accept(std::string_view rule, std::string reason = {});
Decision make(Action action, std::string_view rule, std::string reason);
// A reject or a temporary failure, as the reply says.
Decision refuse(mail::SmtpReply reply, std::string_view rule, std::string reason);
// The id is what the sender's postmaster will ask about: a long text is cut before it, so that it
// stays within the 512 octets of a reply line (RFC 5321 §4.5.3.1.5).
std::string with_id(std::string text, const Facts& facts);
// The one kind of deferral: a temporary failure, said with `reply`, until the sender has been
// deferred for long enough. Then `end`: what is broken at the sender's for hours must not bounce
// its mail, and must not be its way past a policy either.
Decision defer(const Facts& facts, const DmarcRule& rule, mail::SmtpReply reply,
               std::string_view name, const std::string& reason, Action end);
// The text of such a reply, where what cannot be known now is the reason.
std::string cannot_be_known(const std::string& reason, const Facts& facts);

}  // namespace sekisho::policy
