#include "replay/what_if.h"

#include <algorithm>
#include <functional>

#include "config/keys.h"
#include "policy/access_list.h"
#include "policy/allow_proposal.h"
#include "policy/at_rcpt.h"
#include "policy/decide.h"
#include "policy/proofs.h"
#include "session/checks.h"

namespace sekisho::replay {

using session::Decided;
using session::Snapshot;

namespace {

using policy::Facts;

// With another SPF result, or another entry: all facts are final.
constexpr policy::KnownSoFar all_known{true, true};

class Alternatives {
 public:
  Alternatives(const Decided& recorded, const Snapshot& snapshot)
      : recorded_(recorded), snapshot_(snapshot), facts_(recorded.outcome.facts) {
    // The entries may have changed since: then the recorded ones are used.
    Facts now = facts_;
    policy::match_access_lists(now, snapshot.rules);
    lists_are_the_same_ = now.allowlist == facts_.allowlist && now.denylist == facts_.denylist;
  }

  const Facts& facts() const { return facts_; }
  bool at_rcpt() const { return recorded_.inputs.at_rcpt; }
  const policy::Decision& decision() const { return recorded_.outcome.verdict.message; }

  // Another result of SPF or DKIM, and DMARC evaluated with it on the recorded answers.
  void with_results(std::string change, const std::function<void(Facts&)>& alter) {
    Facts facts = facts_;
    alter(facts);
    // Evaluates DMARC again, then the access lists.
    if (facts.author.well_formed()) {
      const spf::Result* spf = facts.client.address ? &facts.spf_mail_from : nullptr;
      const auto again =
          dmarc::evaluate(session::dmarc_inputs(policy::judged_author(facts), spf, facts.dkim),
                          recorded_.inputs.answers, snapshot_.dmarc);
      if (!again.result) return;
      facts.dmarc = *again.result;
      facts.dmarc.alias = facts_.dmarc.alias;
    }
    if (lists_are_the_same_ && at_rcpt()) {
      policy::match_at_rcpt(facts, snapshot_.rules, all_known);
    } else if (lists_are_the_same_) {
      policy::match_access_lists(facts, snapshot_.rules);
    }
    add(std::move(change), facts, snapshot_.rules);
  }
  void with_facts(std::string change, const std::function<void(Facts&)>& alter) {
    Facts facts = facts_;
    alter(facts);
    add(std::move(change), facts, snapshot_.rules);
  }
  void with_rules(std::string change, const std::function<void(policy::Rules&)>& alter) {
    policy::RuleSet rules = snapshot_.rules;
    alter(rules.defaults);
    for (auto& each : rules.policies) alter(each.rules);
    add(std::move(change), facts_, rules);
  }
  std::vector<Alternative> take() { return std::move(found_); }

 private:
  void add(std::string change, const Facts& facts, const policy::RuleSet& rules) {
    const auto& then = recorded_.outcome.verdict;
    // An exempt client is accepted, whatever its message.
    const bool early = at_rcpt() && facts.exemption == policy::Exemption::none;
    const auto now = early ? policy::decide_at_rcpt(facts, rules) : policy::decide(facts, rules);
    const bool passes = early && policy::lets_pass(then, now);
    if (now.message.action == then.message.action && !passes) return;
    const bool told = std::any_of(found_.begin(), found_.end(),
                                  [&](const Alternative& each) { return each.change == change; });
    if (told) return;
    if (passes) {
      found_.push_back({.change = std::move(change), .rule = {}, .passes_rcpt = true});
    } else {
      found_.push_back({std::move(change), now.message.action, now.message.rule});
    }
  }

  const Decided& recorded_;
  const Snapshot& snapshot_;
  const Facts& facts_;
  bool lists_are_the_same_ = false;
  std::vector<Alternative> found_;
};

void sender_could(Alternatives& all) {
  const auto& facts = all.facts();
  const auto& spf = facts.spf_mail_from;
  if (spf.code != spf::Code::pass && !spf.domain.empty()) {
    all.with_results("SPF had passed for " + spf.domain,
                     [](Facts& f) { f.spf_mail_from.code = spf::Code::pass; });
  } else if (spf.code == spf::Code::pass) {
    all.with_results("SPF had failed for " + spf.domain,
                     [](Facts& f) { f.spf_mail_from.code = spf::Code::fail; });
  }
  for (std::size_t i = 0; i < facts.dkim.size(); ++i) {
    const auto& signature = facts.dkim[i];
    if (signature.domain.empty()) continue;
    const bool passed = signature.code == dkim::Code::pass;
    all.with_results(
        "the signature of " + signature.domain + (passed ? " had not passed" : " had passed"),
        [=](Facts& f) { f.dkim[i].code = passed ? dkim::Code::fail : dkim::Code::pass; });
  }
  if (!facts.author.well_formed()) return;
  const auto author = policy::judged_author(facts).text();
  all.with_results("there were a DKIM signature of " + author + " that passes", [&](Facts& f) {
    dkim::SignatureResult signature;
    signature.code = dkim::Code::pass;
    signature.domain = author;
    f.dkim.push_back(std::move(signature));
  });
  if (facts.dmarc.requested != dmarc::Policy::none) {
    all.with_facts(author + " published p=none",
                   [](Facts& f) { f.dmarc.requested = f.dmarc.policy = dmarc::Policy::none; });
  }
}

void lists_could(Alternatives& all) {
  for (const auto& list : all.facts().lists) {
    if (list.code != client::DnsListCode::listed) continue;
    const std::string& name = list.name;
    all.with_facts("the list " + name + " had not listed " + list.value, [&](Facts& f) {
      for (auto& each : f.lists) {
        const bool meant = each.name == name && each.value == list.value;
        if (meant) each.code = client::DnsListCode::not_listed;
      }
    });
  }
}

void entries_could(Alternatives& all) {
  const auto& facts = all.facts();
  for (const auto& match : facts.denylist) {
    all.with_facts("the denylist did not have " + match.entry,
                   [&](Facts& f) { std::erase(f.denylist, match); });
  }
  // At RCPT no decision of an allowing entry has been made.
  if (all.at_rcpt()) return;
  for (const auto& match : facts.allowlist) {
    if (!match.holds) continue;
    all.with_facts("the allowlist did not have " + match.entry,
                   [&](Facts& f) { std::erase(f.allowlist, match); });
  }
}

// At RCPT the address alone can prove anything for certain.
void address_could(Alternatives& all) {
  const auto& facts = all.facts();
  if (!facts.client.address) return;
  all.with_facts("the allowlist had the entry: ip:" + facts.client.address->text() + " skip=all",
                 [](Facts& f) { f.rcpt_skips = client::accusing_kinds(); });
}

void entry_could(Alternatives& all) {
  // The narrowest entry that this message proves.
  const auto proposal = policy::propose(all.facts(), all.decision());
  if (!proposal) return;
  const std::string entry = proposal->entry.text(policy::AccessKind::allow);
  auto file = std::make_shared<policy::AccessFile>(
      policy::parse_access_file(entry + "\n", "proposal", policy::AccessKind::allow));
  const policy::AccessList list(policy::AccessKind::allow, {std::move(file)});
  all.with_facts("the allowlist had the entry: " + entry, [&](Facts& f) {
    for (auto& match : policy::match_allowlist(list, f)) f.allowlist.push_back(std::move(match));
  });
}

// Alternatives that need a message.
void message_could(Alternatives& all) {
  const auto& facts = all.facts();
  if (facts.traces.any()) {
    all.with_facts("there were no trace of a list or forwarder in it",
                   [](Facts& f) { f.traces = {}; });
  } else {
    all.with_facts("it had a trace of a list or forwarder (List-Id)",
                   [](Facts& f) { f.traces.fields = {"List-Id"}; });
  }
  entry_could(all);
  entries_could(all);
  if (facts.author_is_ours) {
    all.with_facts("[identity] domains did not name the author's",
                   [](Facts& f) { f.author_is_ours = false; });
  }
  all.with_facts("the sender had been deferred for long enough",
                 [](Facts& f) { f.deferred_for = std::chrono::hours(24 * 365); });
}

void circumstances_could(Alternatives& all) {
  const auto& facts = all.facts();
  if (!all.at_rcpt() && facts.dmarc.code == dmarc::Code::temperror) {
    all.with_facts("the DNS had answered, without a policy of " + facts.dmarc.from,
                   [](Facts& f) { f.dmarc.code = dmarc::Code::none; });
  }
  lists_could(all);
  if (all.at_rcpt()) {
    entries_could(all);
    address_could(all);
  } else {
    message_could(all);
  }
  all.with_facts("the client were in [trust] networks",
                 [](Facts& f) { f.exemption = policy::Exemption::trusted_network; });
}

// The alternatives for a key that a rule used: each of its other words.
void words_could(Alternatives& all, const std::string& key) {
  const config::KeyRow* row = config::find_key(key);
  if (row == nullptr || !row->rule) return;
  for (const std::string& word : row->rule.words) {
    all.with_rules(key + " were " + word,
                   [&](policy::Rules& rules) { config::set_word(row->rule, word, rules); });
  }
}

// The alternatives for the keys that rules used, of the first recipient's rules or the defaults.
void configuration_could(Alternatives& all, const Snapshot& snapshot) {
  const auto& facts = all.facts();
  const auto* override_rule = facts.author.well_formed()
                                  ? snapshot.rules.override_for(policy::judged_author(facts))
                                  : nullptr;
  const auto& rules = facts.recipients.empty()
                          ? snapshot.rules.defaults
                          : snapshot.rules.for_recipient(facts.recipients.front());
  // Refusals at RCPT do not depend on a word that could be changed.
  const auto opinions = all.at_rcpt() ? std::vector<policy::RuleOpinion>()
                                      : policy::opinions(facts, rules, override_rule);
  for (const auto& opinion : opinions) {
    if (opinion.said != policy::RuleOpinion::Said::not_asked) words_could(all, opinion.key);
  }
  all.with_rules("nothing were in monitor mode", [](policy::Rules& r) {
    r.monitor = r.spf.monitor = r.dmarc.monitor = r.author.monitor = false;
    for (auto& list : r.lists.rules) list.monitor = false;
  });
}

}  // namespace

std::vector<Alternative> what_if(const Decided& recorded, const Snapshot& snapshot) {
  if (!recorded.failure.empty()) return {};
  Alternatives all(recorded, snapshot);
  if (recorded.outcome.facts.exemption == policy::Exemption::none) {
    sender_could(all);
    circumstances_could(all);
    configuration_could(all, snapshot);
  }
  return all.take();
}

}  // namespace sekisho::replay
