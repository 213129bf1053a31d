#include "policy/allow_proposal.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "mail/mailbox.h"
#include "policy/proofs.h"
#include "policy/rule_names.h"

namespace sekisho::policy {

namespace {

using mail::DomainName;

// The rule to be skipped: for an accepted message, the one in monitor mode.
std::string_view rule_against(const Decision& decision) {
  const bool monitored = decision.action == Action::accept && decision.monitored;
  // Old records name the monitored rule as the rule itself.
  return monitored && !decision.monitored_rule.empty() ? decision.monitored_rule : decision.rule;
}

// Permits what the rule forbade, and nothing else; empty for a rule that no entry may skip.
AccessEffect effect_against(std::string_view rule) {
  AccessEffect effect;
  if (rule == rule_name::dmarc) {
    effect.dmarc = Action::accept;
  } else if (rule == rule_name::spf) {
    effect.spf = Action::accept;
  } else if (rule == rule_name::lists) {
    effect.skip_lists = client::accusing_kinds();
  } else if (const auto kind = rule_name::dns_list_kind(rule)) {
    effect.skip_lists = {*kind};
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
  auto proposal = make_proposal(IdentityKind::from, *proof, one ? author.mailboxes.front() : nobody,
                                one, std::move(reason));
  proposal.caution = "it lets through all that comes from " + domain + " and has " +
                     proposal.entry.identity().substr(std::string_view("from:").size()) +
                     " for its author";
  return proposal;
}

bool related(const DomainName& a, const DomainName& b) {
  return a.is_or_is_below(b) || b.is_or_is_below(a);
}

// The domain of a signature that passes: that of the envelope sender, else any.
std::optional<DomainName> signer_of(const Facts& facts, bool of_the_sender) {
  const auto sender = sender_of(facts);
  std::optional<DomainName> any;
  for (const auto& signature : facts.dkim) {
    const auto domain = DomainName::parse(signature.domain);
    if (!signature.proves() || !domain || domain->label_count() == 1) continue;
    if (sender && related(sender->domain, *domain)) return *domain;
    if (!any) any = *domain;
  }
  return of_the_sender ? std::nullopt : any;
}

bool has_trace(const Facts& facts, std::string_view name) {
  const auto& fields = facts.traces.fields;
  return std::any_of(fields.begin(), fields.end(),
                     [&](const auto& field) { return ascii::iequals(field, name); });
}

// Whether the address will be used again: lists make a new one for each message or recipient.
bool comes_again(const std::string& local_part) {
  return std::none_of(local_part.begin(), local_part.end(),
                      [](char c) { return ascii::is_digit(c) || c == '+' || c == '='; });
}

// The list itself, by a signature of the envelope sender's domain, or by its SPF.
std::optional<Proposal> by_list(const Facts& facts) {
  const auto sender = sender_of(facts);
  if (!sender) return std::nullopt;
  std::optional<Proposal> proposal;
  if (const auto signer = signer_of(facts, true)) {
    proposal = make_proposal(IdentityKind::dkim, Proof::dkim, {"", *signer}, false,
                             "dkim=pass with d=" + signer->text());
    proposal->caution = "it lets through all that " + signer->text() + " signs";
  } else if (spf_proves(facts, sender->domain.text())) {
    proposal =
        make_proposal(IdentityKind::mfrom, Proof::spf, *sender, comes_again(sender->local_part),
                      "spf=pass for the MAIL FROM domain " + sender->domain.text());
    proposal->caution = "it lets through all that comes with such a MAIL FROM and spf=pass";
  }
  if (proposal) {
    proposal->caution +=
        ", whoever is in From: for a provider of bulk mail, all of its customers, under any name";
  }
  return proposal;
}

// A list to which people write has many authors; a newsletter has one.
std::optional<Proposal> by_open_list(const Facts& facts) {
  return has_trace(facts, "List-Post") ? by_list(facts) : std::nullopt;
}

// The author, when the service that sends for them answers for the message.
std::optional<Proposal> by_voucher(const Facts& facts) {
  const auto sender = sender_of(facts);
  const bool spf = sender && spf_proves(facts, sender->domain.text());
  auto signer = signer_of(facts, spf);
  if (!signer && !spf) return std::nullopt;
  const std::string who = signer ? signer->text() : sender->domain.text();
  auto proposal = make_proposal(
      IdentityKind::from, signer ? Proof::dkim : Proof::spf, {"", facts.author.domain()}, false,
      signer ? "dkim=pass with d=" + who : "spf=pass for the MAIL FROM domain " + who);
  proposal.entry.proof_of = who;
  proposal.caution =
      "it lets through whoever may " +
      std::string(signer ? "have " + who + " sign" : "send as " + who) + " and writes " +
      proposal.entry.domain +
      " into From: for a provider that lets its customers write any name, all of them";
  return proposal;
}

// The entry to prefer if the admin knows that it is a list.
std::string other_than(const Facts& facts, const Proposal& proposal, const AccessEffect& effect) {
  if (proposal.entry.proof_of.empty() || !has_trace(facts, "List-Id")) return {};
  auto list = by_list(facts);
  if (!list) return {};
  list->entry.effect = effect;
  return "if it is a list that has many authors: " + list->entry.text(AccessKind::allow) +
         "; but " + list->caution;
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

// Whether the entry, proven by somebody else than the author, is for a message in our own name.
// Such an entry decides who may write in our name, and is not proposed because of one message.
bool undone_for_us(const Facts& facts, const Proposal& proposal) {
  const auto& entry = proposal.entry;
  const bool of_another =
      entry.kind != IdentityKind::from || !entry.proof_of.empty() || !facts.dmarc.alias.empty();
  return facts.author_is_ours && of_another && (entry.effect.dmarc || entry.effect.spf);
}

std::string ours(const Facts& facts, const Proposal& proposal) {
  const std::string domain = judged_author(facts).text();
  AccessEntry entry = proposal.entry;
  entry.kind = IdentityKind::from;
  if (entry.proof_of.empty()) entry.proof_of = entry.domain;
  entry.local_part.clear();
  entry.domain = domain;
  return "its author is of our own domain " + domain + ", and " + proposal.reason +
         " shows only who has sent it. A service that writes in our name should sign as " + domain +
         "; where it cannot, `sekisho allow add " + entry.text(AccessKind::allow) +
         "` lets it, and whoever else may use it, write as anybody of " + domain;
}

// Why no entry could help; empty if one could.
std::string out_of_reach(const Facts& facts, const Decision& decision) {
  if (facts.exemption != Exemption::none) return "the message was not evaluated";
  if (decision.monitored.value_or(decision.action) == Action::accept) {
    return "the message was accepted: there is nothing to allow";
  }
  const std::string_view rule = rule_against(decision);
  if (rule == rule_name::limits) return "no entry may skip a limit";
  if (rule == rule_name::internal) return "the message was not judged for an error of ours";
  if (rule == rule_name::release) {
    return "the message was not judged: it comes out of the quarantine, and not now";
  }
  if (rule == rule_name::denylist) return "it is " + decision.reason + ": remove that entry";
  if (!facts.author.well_formed() || rule == rule_name::author) {
    return "its author is malformed (" + std::string(to_string(facts.author.result)) +
           "), which only an ip: entry with skip=author may skip";
  }
  if (effect_against(rule).nothing()) {
    return "no entry is known that could skip the rule " + std::string(rule);
  }
  return {};
}

}  // namespace

Expected<Proposal, std::string> propose(const Facts& facts, const Decision& decision) {
  if (auto why = out_of_reach(facts, decision); !why.empty()) {
    return tl::unexpected<std::string>(std::move(why));
  }
  for (const auto& by : {by_author, by_open_list, by_voucher}) {
    auto proposal = by(facts);
    if (!proposal) continue;
    proposal->entry.effect = effect_against(rule_against(decision));
    if (undone_for_us(facts, *proposal)) return tl::unexpected<std::string>(ours(facts, *proposal));
    proposal->other = other_than(facts, *proposal, proposal->entry.effect);
    return std::move(*proposal);
  }
  return tl::unexpected<std::string>(nothing_proven(facts));
}

}  // namespace sekisho::policy
