// The identities of a message, and which of them are proven.
#include <algorithm>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "mail/mailbox.h"
#include "policy/access_list.h"
#include "policy/proofs.h"

namespace sekisho::policy {

namespace {

using mail::DomainName;

// Whether an identity is proven, and the reason.
struct Showing {
  bool proven = false;
  std::string reason;
  bool nobody = false;  // readers disagree on it: not even an entry without proof holds
};

std::string spf_reason(const Facts& facts) {
  return "spf=" + std::string(to_string(facts.spf_mail_from.code)) +
         (facts.spf_mail_from.overbroad ? ", of a record that allows nearly everybody" : "");
}

std::string dmarc_reason(const Facts& facts) {
  const std::string result = "dmarc=" + std::string(to_string(facts.dmarc.code));
  const bool hollow = facts.dmarc.code == dmarc::Code::pass && !dmarc_proves(facts);
  return hollow ? result + " by " + spf_reason(facts) : result;
}

// Somebody else answers for the author: by a signature, a MAIL FROM or a connection.
Showing show_voucher(const AccessEntry& entry, const Facts& facts) {
  const std::string& who = entry.proof_of;
  if (entry.proof_prefix) {
    const bool from_there =
        facts.client.address && entry.proof_prefix->contains(*facts.client.address);
    return {from_there, from_there ? "the client is " + who : "the client is not " + who};
  }
  if (entry.proof == Proof::spf) {
    const bool proven = spf_proves(facts, who);
    if (proven) return {true, "spf=pass for " + who};
    return {false, facts.spf_mail_from.overbroad ? spf_reason(facts) : "no spf=pass for " + who};
  }
  const bool proven = std::any_of(facts.dkim.begin(), facts.dkim.end(), [&](const auto& signature) {
    return signature.proves() && signature.domain == who;
  });
  return {proven, (proven ? "dkim=pass with d=" : "no dkim=pass with d=") + who};
}

Showing show_author(const AccessEntry& entry, const Facts& facts) {
  if (!facts.author.well_formed()) {
    return {false, "malformed author: " + std::string(to_string(facts.author.result)), true};
  }
  if (!entry.proof_of.empty()) return show_voucher(entry, facts);
  const std::string& domain = facts.author.domain().text();
  switch (entry.proof) {
    case Proof::dmarc:
      return {dmarc_proves(facts) && facts.dmarc.from == domain, dmarc_reason(facts)};
    case Proof::dkim: {
      const bool own = std::any_of(
          facts.dkim.begin(), facts.dkim.end(),
          [&](const auto& signature) { return signature.proves() && signature.domain == domain; });
      const bool aligned = facts.dmarc.aligned_dkim && facts.dmarc.from == domain;
      const bool proven = own || aligned;
      return {proven, proven ? "dkim=pass for the author" : "no dkim=pass for the author"};
    }
    case Proof::spf: {
      const bool aligned =
          facts.dmarc.aligned_spf && facts.spf_mail_from.proves() && facts.dmarc.from == domain;
      const bool proven = spf_proves(facts, domain) || aligned;
      if (proven) return {true, "spf=pass for the author"};
      return {false,
              facts.spf_mail_from.overbroad ? spf_reason(facts) : "no spf=pass for the author"};
    }
    case Proof::none:
    case Proof::fcrdns:
    case Proof::connection:
      return {false, "proof=none, " + dmarc_reason(facts)};
  }
  return {};
}

class Matcher {
 public:
  Matcher(const AccessList& list, const Facts& facts) : list_(list), facts_(facts) {}

  // The possible authors of a malformed field, for a denylist.
  std::vector<AccessMatch> run(const std::vector<mail::Mailbox>& readable) {
    auto matches = run();
    if (!deny() || facts_.author.result == mail::Author::Result::one) return matches;
    matches_ = std::move(matches);
    for (const auto& [local_part, domain] : readable) {
      for (const auto* entry :
           list_.find(IdentityKind::from, local_part, domain.text(), facts_.received)) {
        add(*entry, show_author(*entry, facts_));
      }
    }
    return std::move(matches_);
  }

  std::vector<AccessMatch> run() {
    if (list_.size() == 0) return {};
    match_address();
    match_names();
    match_sender();
    match_signatures();
    match_authors();
    return std::move(matches_);
  }

 private:
  bool deny() const { return list_.kind() == AccessKind::deny; }

  void match_address() {
    if (!facts_.client.address) return;
    for (const auto* entry : list_.find(*facts_.client.address, facts_.received)) {
      add(*entry, {true, "the client's address"});
    }
  }

  // The name of the address that leads back to it; anybody can write a name that does not.
  void match_names() {
    const bool confirmed = facts_.iprev.code == client::IprevCode::pass;
    std::string iprev = "iprev=" + std::string(to_string(facts_.iprev.code));
    if (confirmed) iprev += " for " + facts_.iprev.name;
    if (confirmed) match_name(IdentityKind::ptr, facts_.iprev.name, {true, iprev});
    match_name(IdentityKind::ptr, facts_.client.name, {false, iprev});
    if (deny()) match_name(IdentityKind::helo, facts_.client.helo, {false, "what HELO said"});
  }

  void match_sender() {
    if (const auto sender = sender_of(facts_)) {
      const std::string& domain = sender->domain.text();
      const Showing showing{spf_proves(facts_, domain), spf_reason(facts_)};
      for (const auto* entry :
           list_.find(IdentityKind::mfrom, sender->local_part, domain, facts_.received)) {
        add(*entry, showing);
      }
    } else if (deny() && facts_.mail_from.has_domain()) {
      // A malformed local part does not save a denied domain.
      match_name(IdentityKind::mfrom, facts_.mail_from.domain(), {false, spf_reason(facts_)});
    }
  }

  void match_signatures() {
    for (const auto& signature : facts_.dkim) {
      std::string reason = "dkim=" + std::string(to_string(signature.code));
      if (signature.testing) reason += ", the key is in testing mode";
      match_name(IdentityKind::dkim, signature.domain, {signature.proves(), std::move(reason)});
    }
  }

  void match_authors() {
    const auto& author = facts_.author;
    for (const auto& domain : author.domains) {
      AccessList::Entries entries;
      // DMARC vouches for the domain; an entry for one address does not cover a message of two
      // authors.
      const bool by_address = deny() || author.mailboxes.size() == 1;
      for (const auto& mailbox : author.mailboxes) {
        if (!by_address || mailbox.domain != domain) continue;
        const auto found =
            list_.find(IdentityKind::from, mailbox.local_part, domain.text(), facts_.received);
        entries.insert(entries.end(), found.begin(), found.end());
      }
      if (entries.empty()) {
        entries = list_.find(IdentityKind::from, "", domain.text(), facts_.received);
      }
      for (const auto* entry : entries) add(*entry, show_author(*entry, facts_));
    }
  }

  void match_name(IdentityKind kind, std::string_view name, const Showing& showing) {
    if (name.empty()) return;
    const auto domain = DomainName::parse(name);
    if (!domain) return;
    for (const auto* entry : list_.find(kind, "", domain->text(), facts_.received)) {
      add(*entry, showing);
    }
  }

  // Each entry once: as proven when one of the identities that it names is.
  void add(const AccessEntry& entry, const Showing& showing) {
    AccessMatch match;
    match.kind = entry.kind;
    match.entry = entry.identity();
    match.place = entry.place();
    match.proof = entry.proof;
    match.proof_of = entry.proof_of;
    match.proven = showing.proven && (deny() || entry.proof != Proof::none);
    match.holds = deny() || match.proven || (entry.proof == Proof::none && !showing.nobody);
    match.reason = showing.reason;
    match.effect = entry.effect;
    if (deny()) match.deny = entry.deny;
    if (!deny()) spare_ourselves(match);
    const auto same = std::find_if(matches_.begin(), matches_.end(), [&](const AccessMatch& known) {
      return known.entry == match.entry && known.place == match.place;
    });
    if (same == matches_.end()) {
      matches_.push_back(std::move(match));
    } else if (match.proven && !same->proven) {
      *same = std::move(match);
    }
  }

  // An entry for a service that vouches for others does not cover mail in our own name: all
  // customers of a provider have its signature, its SPF and its addresses, and could write in our
  // name. Only an entry that names us covers us. DNS lists may be skipped: at RCPT nobody knows the
  // author, and they show nobody who it is.
  void spare_ourselves(AccessMatch& match) const {
    if (!facts_.author_is_ours) return;
    // An alias of our domain that the MTA will replace is treated as another name, until readers
    // see ours.
    if (match.kind == IdentityKind::from && facts_.dmarc.alias.empty()) return;
    if (!match.effect.dmarc && !match.effect.spf) return;
    match.effect.dmarc.reset();
    match.effect.spf.reset();
    match.holds &= !match.effect.nothing();
    const std::string ours = judged_author(facts_).text();
    match.reason +=
        ", and " + ours + " is our own, which it does not name: from:" + ours + " would";
  }

  const AccessList& list_;
  const Facts& facts_;
  std::vector<AccessMatch> matches_;
};

}  // namespace

std::vector<AccessMatch> match_allowlist(const AccessList& list, const Facts& facts) {
  return Matcher(list, facts).run();
}

std::vector<AccessMatch> match_denylist(const AccessList& list, const Facts& facts,
                                        const std::vector<mail::Mailbox>& readable) {
  return Matcher(list, facts).run(readable);
}

namespace {

// Whether an entry that skips lists of this kind could still be proven.
DnsListProspect prospect(const AccessList& list, const Facts& facts, KnownSoFar known,
                         const std::vector<AccessMatch>& matches, client::DnsListKind lists) {
  const auto skips = [&](const AccessMatch& match) { return match.effect.skip_lists.has(lists); };
  if (std::any_of(matches.begin(), matches.end(),
                  [&](const AccessMatch& match) { return match.holds && skips(match); })) {
    return DnsListProspect::skipped;
  }
  const auto any = [&](IdentityKind kind) {
    return facts.received < list.skips_until(kind, lists);
  };
  if (any(IdentityKind::from) || any(IdentityKind::dkim)) return DnsListProspect::header;
  const auto awaits_spf = [&](const AccessMatch& match) {
    return match.kind == IdentityKind::mfrom && skips(match);
  };
  if (!known.spf && std::any_of(matches.begin(), matches.end(), awaits_spf)) {
    return DnsListProspect::lookups;
  }
  if (!known.iprev && facts.client.address && any(IdentityKind::ptr))
    return DnsListProspect::lookups;
  return DnsListProspect::none;
}

}  // namespace

DnsListProspects could_still_skip_dns_lists(const AccessList& list, const Facts& facts,
                                            KnownSoFar known) {
  const auto matches = match_allowlist(list, facts);
  DnsListProspects prospects;
  for (const auto kind : all_values<client::DnsListKind>()) {
    prospects[kind] = prospect(list, facts, known, matches, kind);
  }
  return prospects;
}

}  // namespace sekisho::policy
