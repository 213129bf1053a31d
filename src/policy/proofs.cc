#include "policy/proofs.h"

#include <algorithm>

namespace sekisho::policy {

namespace {

// Whether the domain is the author's, above or below it, or of its organization: without a
// published policy, the boundary of the organization is unknown.
bool is_of_author(const Facts& facts, const std::string& domain) {
  const auto name = mail::DomainName::parse(domain);
  // The domain that DMARC evaluated: behind sendmail it may be the target of the author's alias.
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

}  // namespace

mail::DomainName judged_author(const Facts& facts) {
  if (facts.dmarc.alias.empty()) return facts.author.domain();
  const auto target = mail::DomainName::parse(facts.dmarc.from);
  return target ? *target : facts.author.domain();
}

std::optional<mail::Mailbox> sender_of(const Facts& facts) { return facts.mail_from.mailbox(); }

// SPF was evaluated for the domain of MAIL FROM, and not for the HELO name, which replaces the null
// reverse-path (RFC 7208 §2.4).
bool spf_proves(const Facts& facts, std::string_view domain) {
  if (!facts.spf_mail_from.proves() || facts.spf_mail_from.scope != spf::Scope::mfrom) return false;
  const auto sender = sender_of(facts);
  const auto checked = mail::DomainName::parse(facts.spf_mail_from.domain);
  return sender && checked && sender->domain == *checked && checked->text() == domain;
}

bool dmarc_proves(const Facts& facts) {
  return facts.dmarc.code == dmarc::Code::pass &&
         (facts.dmarc.aligned_dkim || !facts.spf_mail_from.overbroad);
}

bool author_proves(const Facts& facts) {
  if (facts.dmarc.aligned_dkim) return true;
  if (facts.dmarc.aligned_spf && !facts.spf_mail_from.overbroad) return true;
  return without_policy(facts) &&
         (spf_is_of_author(facts, spf::Code::pass) || dkim_is_of_author(facts, dkim::Code::pass));
}

bool author_may_be_proven_later(const Facts& facts) {
  if (facts.dmarc.code == dmarc::Code::temperror) return true;
  return without_policy(facts) && (spf_is_of_author(facts, spf::Code::temperror) ||
                                   dkim_is_of_author(facts, dkim::Code::temperror));
}

}  // namespace sekisho::policy
