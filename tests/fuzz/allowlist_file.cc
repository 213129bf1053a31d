// Any text as an allowlist and as a denylist: an entry is read again as it is written, each matches
// itself, and a message that proves nothing is let through by nothing but proof=none and its
// address.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "policy/access_list.h"

namespace {

using namespace sekisho;
using namespace sekisho::policy;

void check_entry(const AccessEntry& entry, const AccessList& list) {
  const auto again = AccessEntry::parse(entry.text(list.kind()), list.kind());
  if (!again || again->text(list.kind()) != entry.text(list.kind())) std::abort();
  const bool wildcard = entry.domain.starts_with('.');
  const std::string domain = (wildcard ? "x" : "") + entry.domain;
  // The longest wildcards leave no room for a name below them.
  if (domain.size() > 253) return;
  const auto found = entry.prefix
                         ? list.find(entry.prefix->address(), WallTime::min())
                         : list.find(entry.kind, entry.local_part, domain, WallTime::min());
  if (found.empty()) std::abort();
}

// In the name of the entry, and proving nothing.
void check_forgery(const AccessEntry& entry, const AccessList& list) {
  Facts facts;
  facts.received = WallTime(std::chrono::seconds(1'800'000'000));
  const std::string domain =
      entry.domain.empty() ? "a.example" : entry.domain.substr(entry.domain.front() == '.' ? 1 : 0);
  facts.mail_from = "x@" + domain;
  facts.client.name = domain;
  facts.client.helo = domain;
  facts.author.result = mail::Author::Result::one;
  if (auto mailbox = mail::Mailbox::parse("x@" + domain)) {
    facts.author.mailboxes = {*mailbox};
    facts.author.domains = {mailbox->domain};
  }
  if (facts.author.domains.empty()) return;
  facts.dmarc.from = domain;
  facts.dmarc.code = dmarc::Code::fail;
  dkim::SignatureResult broken;
  broken.code = dkim::Code::fail;
  broken.domain = domain;
  facts.dkim = {broken};
  for (const auto& match : match_allowlist(list, facts)) {
    if (match.holds && match.proof != Proof::none) std::abort();
  }
  could_still_skip_dns_lists(list, facts, {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const AccessKind kind : {AccessKind::allow, AccessKind::deny}) {
    const auto file = std::make_shared<const AccessFile>(parse_access_file(text, "list", kind));
    const AccessList list(kind, {file});
    if (list.size() != file->entries.size()) std::abort();
    for (const auto& finding : list.findings()) {
      if (finding.message.empty() || finding.line == 0) std::abort();
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(file->entries.size(), 50); ++i) {
      check_entry(file->entries[i], list);
      if (kind == AccessKind::allow) check_forgery(file->entries[i], list);
    }
  }
  return 0;
}
