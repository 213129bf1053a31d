#include <algorithm>

#include "policy/rule.h"

namespace sekisho::policy {

using mail::SmtpReply;

namespace {

// Of the author, or of a domain above or below it: what DMARC asks for when his owner publishes
// nothing, for then nobody has said where the organisation ends.
bool is_of_author(const Facts& facts, const std::string& domain) {
  const auto name = mail::DomainName::parse(domain);
  // The one that DMARC was asked about: behind sendmail it may be what the author's domain is an
  // alias of.
  const auto author = mail::DomainName::parse(facts.dmarc.from);
  if (!name || !author) return false;
  if (author->is_or_is_below(*name) || name->is_or_is_below(*author)) return true;
  const auto organization = mail::DomainName::parse(facts.dmarc.org_domain);
  return organization && name->is_or_is_below(*organization);
}

// No policy of the owner says which identifiers align.
bool without_policy(const Facts& facts) {
  return facts.dmarc.code == dmarc::Code::none || facts.dmarc.code == dmarc::Code::permerror;
}

bool spf_is_of_author(const Facts& facts, spf::Code code) {
  return facts.spf_mail_from.code == code && !facts.spf_mail_from.overbroad &&
         is_of_author(facts, facts.spf_mail_from.domain);
}

bool dkim_is_of_author(const Facts& facts, dkim::Code code) {
  return std::any_of(facts.dkim.begin(), facts.dkim.end(), [&](const auto& signature) {
    return signature.code == code && is_of_author(facts, signature.domain);
  });
}

// What could prove the author is not known now, because his DNS fails.
bool may_be_proven_later(const Facts& facts) {
  if (facts.dmarc.code == dmarc::Code::temperror) return true;
  return without_policy(facts) && (spf_is_of_author(facts, spf::Code::temperror) ||
                                   dkim_is_of_author(facts, dkim::Code::temperror));
}

std::string proven_or_not(const Facts& facts) {
  return facts.author.reason + ", and neither SPF nor DKIM passes for " +
         facts.author.domain().text();
}

Decision act(const Facts& facts, OnMalformedAuthor rule, const std::string& text,
             const std::string& reason) {
  switch (rule) {
    case OnMalformedAuthor::reject:
      return refuse(SmtpReply(550, "5.7.1", with_id(text, facts)), "author", reason);
    case OnMalformedAuthor::quarantine:
      return make(Action::quarantine, "author", reason);
    case OnMalformedAuthor::tag:
      break;
  }
  return make(Action::tag, "author", reason);
}

// A DNS that fails for the moment must not lose the mail for ever.
std::optional<Decision> unproven(const Facts& facts, const Rules& rules) {
  if (author_proves(facts)) return std::nullopt;
  if (rules.author.malformed != OnMalformedAuthor::tag && may_be_proven_later(facts)) {
    const std::string reason = "whether " + facts.author.domain().text() +
                               " sent a message whose From field is not valid cannot be known now";
    auto put_off =
        defer(facts, rules.dmarc, SmtpReply(451, "4.7.1", cannot_be_known(reason, facts)), "author",
              reason, Action::tag);
    // After that it is what it would be had the DNS said nothing.
    if (put_off.action == Action::tempfail) return put_off;
  }
  const std::string fault = proven_or_not(facts);
  return act(facts, rules.author.malformed, "the From field is not valid: " + fault,
             "readable author: " + fault);
}

}  // namespace

bool author_proves(const Facts& facts) {
  if (facts.dmarc.aligned_dkim) return true;
  if (facts.dmarc.aligned_spf && !facts.spf_mail_from.overbroad) return true;
  return without_policy(facts) &&
         (spf_is_of_author(facts, spf::Code::pass) || dkim_is_of_author(facts, dkim::Code::pass));
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
  if (nobody && facts.mail_from.is_null()) return make(Action::tag, "author", reason);
  return act(facts, rules.author.malformed,
             "the From field must name one author domain: " + author.reason, reason);
}

std::string silence_of_author(const Case& asked) {
  const auto& author = asked.facts.author;
  const std::string& domain = author.domain().text();
  if (!author.readable()) return "From names one author domain, " + domain;
  return "From is not valid (" + author.reason + "), everybody reads " + domain +
         " in it, and SPF or DKIM passes for that";
}

std::string key_of_author(const Case& asked) {
  const bool judged = asked.facts.author.readable() && author_proves(asked.facts);
  return judged ? "dmarc.author_readable" : "dmarc.author";
}

}  // namespace sekisho::policy
