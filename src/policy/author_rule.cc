// RFC 9989 §5.3.1: without exactly one Author Domain, DMARC cannot be evaluated.
#include "policy/denylist_rule.h"
#include "policy/dmarc_rule.h"
#include "policy/proofs.h"
#include "policy/rule.h"

namespace sekisho::policy {

namespace {

using mail::SmtpReply;

std::string proven_or_not(const Facts& facts) {
  return facts.author.reason + ", and neither SPF nor DKIM passes for " +
         facts.author.domain().text();
}

Decision act(const Facts& facts, OnMalformedAuthor rule, const std::string& text,
             const std::string& reason) {
  switch (rule) {
    case OnMalformedAuthor::reject:
      return refuse(SmtpReply(550, "5.7.1", with_id(text, facts)), rule_name::author, reason);
    case OnMalformedAuthor::quarantine:
      return make(Action::quarantine, rule_name::author, reason);
    case OnMalformedAuthor::tag:
      break;
  }
  return make(Action::tag, rule_name::author, reason);
}

// A temporary failure of the DNS must not lead to a final refusal.
std::optional<Decision> unproven(const Facts& facts, const Rules& rules) {
  if (author_proves(facts)) return std::nullopt;
  if (rules.author.malformed != OnMalformedAuthor::tag && author_may_be_proven_later(facts)) {
    const std::string reason = "whether " + facts.author.domain().text() +
                               " sent a message whose From field is not valid cannot be known now";
    auto deferral =
        defer(facts, rules.dmarc, SmtpReply(451, "4.7.1", cannot_be_known(reason, facts)),
              rule_name::author, reason, Action::tag);
    // After the deferral it is treated as without the proof.
    if (deferral.action == Action::tempfail) return deferral;
  }
  const std::string fault = proven_or_not(facts);
  return act(facts, rules.author.malformed, "the From field is not valid: " + fault,
             "readable author: " + fault);
}

std::optional<Decision> malformed_author(const Facts& facts, const Rules& rules) {
  const auto& author = facts.author;
  using Result = mail::Author::Result;
  if (author.result == Result::one) return std::nullopt;
  if (author.readable() && rules.author.readable == OnReadableAuthor::judge) {
    return unproven(facts, rules);
  }
  const std::string reason = "malformed author: " + author.reason;
  const bool nobody = author.result == Result::missing || author.result == Result::no_domain;
  // Old MTAs send bounces without a From, or with one that has no domain.
  if (nobody && facts.mail_from.is_null()) return make(Action::tag, rule_name::author, reason);
  return act(facts, rules.author.malformed,
             "the From field must name one author domain: " + author.reason, reason);
}

// Where malformed authors are only tagged, that must not save a denied author, nor, for a readable
// field, an author that the policy of its domain does not let through.
std::optional<Decision> author(const Case& asked) {
  if (asked.allowed.skip_author) return std::nullopt;
  auto malformed = malformed_author(asked.facts, asked.rules);
  const auto denied = by_denylist(asked.facts, asked.facts.denylist);
  if (malformed && denied && denied->action > malformed->action) return std::nullopt;
  if (malformed && asked.facts.author.readable()) {
    const auto dmarc = eased_dmarc(asked).decision;
    if (dmarc && dmarc->action > malformed->action) return std::nullopt;
  }
  return malformed;
}

std::string silence_of_good_author(const Case& asked) {
  const auto& author = asked.facts.author;
  const std::string& domain = author.domain().text();
  if (!author.readable()) return "From names one author domain, " + domain;
  return "From is not valid (" + author.reason + "), everybody reads " + domain +
         " in it, and SPF or DKIM passes for that";
}

std::string silence_of_author(const Case& asked) {
  const auto& author = asked.facts.author;
  if (author.well_formed() && !malformed_author(asked.facts, asked.rules)) {
    return silence_of_good_author(asked);
  }
  return asked.allowed.skip_author ? "an entry of the allowlist skips this rule"
                                   : "the denylist or DMARC demands more";
}

std::string key_of_author(const Case& asked, const Decision& /*decision*/) {
  const bool judged = asked.facts.author.readable() && author_proves(asked.facts);
  return judged ? "dmarc.author_readable" : "dmarc.author";
}

}  // namespace

const Rule author_rule = {.name = rule_name::author,
                          .ask = author,
                          .silence = silence_of_author,
                          .key = key_of_author,
                          .monitor = [](const Rules& rules) { return rules.author.monitor; },
                          .monitor_key = "dmarc.author_monitor"};

}  // namespace sekisho::policy
