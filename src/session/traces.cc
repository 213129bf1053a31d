#include "session/traces.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "mail/mailbox.h"

namespace sekisho::session {

namespace {

constexpr std::array<std::string_view, 4> trace_prefixes = {"List-", "ARC-", "Resent-",
                                                            "X-Forwarded-"};

// List-Unsubscribe is in every newsletter (RFC 2369 §3.2, RFC 8058), and List-Post: NO (RFC 2369
// §3.4) means that nobody may post: neither shows a list to which people write.
bool is_of_any_newsletter(const mail::HeaderField& field) {
  return field.is("List-Unsubscribe") || field.is("List-Unsubscribe-Post") ||
         (field.is("List-Post") && ascii::istarts_with(ascii::trim(field.unfolded()), "NO"));
}

// A Delivered-To with another address: the message was delivered once already, and forwarded.
bool foreign_delivered_to(const mail::HeaderField& field, const std::vector<mail::Path>& recipients,
                          const std::vector<mail::DomainName>& ours) {
  if (!field.is("Delivered-To")) return false;
  const std::string value = field.unfolded();
  const auto is_recipient = [&](const mail::Path& to) { return ascii::iequals(to.raw(), value); };
  if (std::any_of(recipients.begin(), recipients.end(), is_recipient)) return false;
  const auto mailbox = mail::Mailbox::parse(value);
  if (!mailbox) return true;
  return std::none_of(ours.begin(), ours.end(), [&](const mail::DomainName& domain) {
    return mailbox->domain.is_or_is_below(domain);
  });
}

}  // namespace

policy::Traces find_traces(const mail::Header& header, const std::vector<mail::Path>& recipients,
                           const std::vector<mail::DomainName>& ours) {
  policy::Traces traces;
  for (const auto& field : header.fields()) {
    const bool named =
        std::any_of(trace_prefixes.begin(), trace_prefixes.end(),
                    [&](std::string_view p) { return name_starts_with(field, p); }) &&
        !is_of_any_newsletter(field);
    if (!named && !foreign_delivered_to(field, recipients, ours)) continue;
    std::string name(field.trimmed_name());
    // Twenty names are enough; a message with 10,000 List-… fields must not cost 10,000 squared.
    if (traces.fields.size() >= 20) break;
    if (std::find(traces.fields.begin(), traces.fields.end(), name) == traces.fields.end()) {
      traces.fields.push_back(std::move(name));
    }
  }
  return traces;
}

bool has_author_signature(const std::vector<dkim::SignatureResult>& signatures,
                          const mail::DomainName& author, const std::string& organization) {
  const auto org = mail::DomainName::parse(organization.empty() ? author.text() : organization);
  return std::any_of(signatures.begin(), signatures.end(), [&](const auto& signature) {
    const auto domain = mail::DomainName::parse(signature.domain);
    return domain && org && domain->is_or_is_below(*org);
  });
}

}  // namespace sekisho::session
