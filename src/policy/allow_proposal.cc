#include "policy/allow_proposal.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "mail/mailbox.h"

namespace sekisho::policy {

namespace {

using mail::DomainName;

// What the rule forbade, and nothing else.
AllowEffect effect_against(const std::string& rule) {
  AllowEffect effect;
  if (rule == "dmarc") {
    effect.dmarc = Action::accept;
  } else if (rule == "spf") {
    effect.spf = Action::accept;
  } else {
    effect.skip_dnsbl = !rule.starts_with("rhsbl");
    effect.skip_rhsbl = !rule.starts_with("dnsbl");
  }
  return effect;
}

Proposal make_proposal(IdentityKind kind, Proof proof, const mail::Mailbox& who, bool by_address,
                       std::string reason) {
  Proposal proposal;
  proposal.entry.kind = kind;
  proposal.entry.proof = proof;
  if (by_address) proposal.entry.local_part = ascii::lower(who.local_part);
  proposal.entry.domain = who.domain.text();
  proposal.reason = std::move(reason);
  return proposal;
}

std::optional<Proposal> by_author(const Facts& facts) {
  const auto& author = facts.author;
  const std::string& domain = author.domain().text();
  std::optional<Proof> proof;
  std::string reason;
  const auto own = [&](const dkim::SignatureResult& signature) {
    return signature.proves() && signature.domain == domain;
  };
  const auto sender = sender_of(facts);
  if (dmarc_proves(facts) && facts.dmarc.from == domain) {
    proof = Proof::dmarc;
    reason = "dmarc=pass for " + domain;
  } else if (std::any_of(facts.dkim.begin(), facts.dkim.end(), own)) {
    proof = Proof::dkim;
    reason = "dkim=pass for the author's domain " + domain;
  } else if (sender && sender->domain == author.domain() &&
             spf_proves(facts, sender->domain.text())) {
    proof = Proof::spf;
    reason = "spf=pass for the author's domain " + domain;
  }
  if (!proof) return std::nullopt;
  const mail::Mailbox nobody{"", author.domain()};
  const bool one = author.mailboxes.size() == 1;
  return make_proposal(IdentityKind::from, *proof, one ? author.mailboxes.front() : nobody, one,
                       std::move(reason));
}

std::optional<Proposal> by_signature(const Facts& facts, const DomainName* aligned_with) {
  for (const auto& signature : facts.dkim) {
    const auto domain = DomainName::parse(signature.domain);
    if (!signature.proves() || !domain || domain->label_count() == 1) continue;
    if (aligned_with != nullptr && !aligned_with->is_or_is_below(*domain) &&
        !domain->is_or_is_below(*aligned_with)) {
      continue;
    }
    return make_proposal(IdentityKind::dkim, Proof::dkim, {"", *domain}, false,
                         "dkim=pass with d=" + domain->text());
  }
  return std::nullopt;
}

// The signature of the list itself: it is the one of the envelope's sender too.
std::optional<Proposal> by_list_signature(const Facts& facts) {
  const auto& fields = facts.traces.fields;
  const auto sender = sender_of(facts);
  const bool list = std::any_of(fields.begin(), fields.end(),
                                [](const auto& field) { return field.starts_with("List-"); });
  if (!list || !sender) return std::nullopt;
  return by_signature(facts, &sender->domain);
}

// An address that a list makes for each message or recipient will not come again.
bool comes_again(const std::string& local_part) {
  return std::none_of(local_part.begin(), local_part.end(),
                      [](char c) { return ascii::is_digit(c) || c == '+' || c == '='; });
}

std::optional<Proposal> by_sender(const Facts& facts) {
  const auto sender = sender_of(facts);
  if (!sender || !spf_proves(facts, sender->domain.text())) return std::nullopt;
  return make_proposal(IdentityKind::mfrom, Proof::spf, *sender, comes_again(sender->local_part),
                       "spf=pass for the MAIL FROM domain " + sender->domain.text());
}

std::optional<Proposal> by_any_signature(const Facts& facts) {
  auto proposal = by_signature(facts, nullptr);
  if (proposal) {
    proposal->caution = "it lets through all that " + proposal->entry.domain +
                        " signs: for a provider of bulk mail, all of its customers";
  }
  return proposal;
}

std::string nothing_proven(const Facts& facts) {
  std::string why =
      "this message proves nothing: dmarc=" + std::string(to_string(facts.dmarc.code)) +
      ", spf=" + std::string(to_string(facts.spf_mail_from.code)) + ", ";
  if (facts.spf_mail_from.overbroad) why += "of a record that allows nearly everybody, ";
  why += facts.dkim.empty() ? "no signature" : "no signature that passes";
  if (facts.client.address) {
    why +=
        ". The client's name or what it said proves nothing either; if you know its address, write "
        "ip:" +
        facts.client.address->text() + " and what it may skip, with until=";
  }
  return why;
}

// Why no entry could help; empty when one could.
std::string out_of_reach(const Facts& facts, const Decision& decision) {
  if (facts.exemption != Exemption::none) return "the message was not evaluated";
  if (decision.monitored.value_or(decision.action) == Action::accept) {
    return "the message was accepted: there is nothing to allow";
  }
  if (decision.rule == "limits") return "no entry may skip a limit";
  if (decision.rule == "internal") return "the message was not judged for an error of ours";
  if (decision.rule == "denylist") return "it is " + decision.reason + ": remove that entry";
  if (!facts.author.well_formed()) {
    return "its author is malformed (" + std::string(to_string(facts.author.result)) +
           "), which only an ip: entry with skip=author may skip";
  }
  return {};
}

}  // namespace

Expected<Proposal, std::string> propose(const Facts& facts, const Decision& decision) {
  if (auto why = out_of_reach(facts, decision); !why.empty()) {
    return tl::unexpected<std::string>(std::move(why));
  }
  for (const auto& by : {by_author, by_list_signature, by_sender, by_any_signature}) {
    auto proposal = by(facts);
    if (!proposal) continue;
    proposal->entry.effect = effect_against(decision.rule);
    return std::move(*proposal);
  }
  return tl::unexpected<std::string>(nothing_proven(facts));
}

}  // namespace sekisho::policy
