#include "queue/backscatter.h"

#include <algorithm>

#include "mail/domain_name.h"

namespace sekisho::queue {

namespace {

// The signature's domain is that of MAIL FROM or above it. Below it would be aligned too, but
// whoever has a name below another's domain is not that domain.
bool is_signed(const policy::Facts& facts, const mail::DomainName& sender) {
  return std::any_of(facts.dkim.begin(), facts.dkim.end(), [&](const auto& signature) {
    if (!signature.proves()) return false;
    const auto signer = mail::DomainName::parse(signature.domain);
    return signer && signer->label_count() > 1 && sender.is_or_is_below(*signer);
  });
}

}  // namespace

Bouncing may_bounce(const policy::Facts& facts, session::Arrival::Origin origin) {
  using Origin = session::Arrival::Origin;
  switch (origin) {
    case Origin::trusted:
    case Origin::permitted:
    case Origin::login:
    case Origin::local:
      return Bouncing::allowed;
    case Origin::stranger:
    case Origin::relay_host:
      break;
  }
  if (!facts.mail_from.mailbox()) return Bouncing::refused;
  if (facts.spf_mail_from.proves()) return Bouncing::allowed;
  if (is_signed(facts, facts.mail_from.mailbox()->domain)) return Bouncing::allowed;
  const bool no_record = facts.spf_mail_from.code == spf::Code::none;
  return no_record && facts.client.address ? Bouncing::ask_dns : Bouncing::refused;
}

}  // namespace sekisho::queue
