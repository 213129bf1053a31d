// policy/rule.h: the type of a rule, and its building blocks. A rule returns nullopt to leave the
// decision to the later rules. To add one: a file X_rule.cc that ends with its row, and a place for
// that row in the chain (rules.h). Only this folder includes it. Pure: no I/O, no clock.
// Errors: none. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mail/smtp_reply.h"
#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sekisho::policy {

// The input of a rule.
struct Case {
  const Facts& facts;
  const Rules& rules;
  const DmarcOverride* override_rule = nullptr;
  AccessEffect allowed = {};  // what the holding entries of the allowlist may skip
};

struct Rule {
  std::string_view name;  // as in decisions
  std::optional<Decision> (*ask)(const Case&);
  // For people: why it does not decide. Called only in that case.
  std::string (*silence)(const Case&);
  // The configuration key behind the decision: "dmarc.reject"; empty if none could change it.
  std::string (*key)(const Case&, const Decision&);
  // Its own monitor mode; nullptr if it has none.
  bool (*monitor)(const Rules&) = nullptr;
  std::string_view monitor_key = {};
  // Its decision at RCPT, before the message; nullptr: never one, for the reason in not_at_rcpt.
  std::optional<Decision> (*at_rcpt)(const Case&) = nullptr;
  std::string_view not_at_rcpt = "not known yet: the message had not come";
  // Why it does not decide at RCPT; nullptr: for the same reason as later.
  std::string (*silence_at_rcpt)(const Case&) = nullptr;
};

// Conclusions.
Decision accept(std::string_view rule, std::string reason = {});
Decision make(Action action, std::string_view rule, std::string reason);
// A reject or a temporary failure, by the code of the reply.
Decision refuse(mail::SmtpReply reply, std::string_view rule, std::string reason);
// The sender's postmaster will quote the id: a long text is cut before it, so that it stays within
// the 512 octets of a reply line (RFC 5321 §4.5.3.1.5).
std::string with_id(std::string text, const Facts& facts);
// The one kind of deferral: a temporary failure with `reply`, until the sender has been deferred
// for long enough, then `end`. A fault on the sender's side that lasts for hours must neither
// bounce its mail, nor be a way past a policy.
Decision defer(const Facts& facts, const DmarcRule& rule, mail::SmtpReply reply,
               std::string_view name, const std::string& reason, Action end);
// The text of such a reply if a lookup failed.
std::string cannot_be_known(const std::string& reason, const Facts& facts);

}  // namespace sekisho::policy
