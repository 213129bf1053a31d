#include "session/dns_list_checks.h"

#include <algorithm>
#include <utility>

namespace sekisho::session {

namespace {

// The reason text of one list is worth less than the answer of another.
constexpr std::size_t kept_from_reasons = 20;

// Enough to ask every configured list about everything, codes and reason: a sender cannot displace
// a list by naming more domains.
std::size_t questions_of(const client::Options& lists) {
  std::size_t questions = 0;
  for (const auto& list : lists.lists) {
    const bool domains = holds_domains(list.kind);
    questions += 2 * (domains ? DnsListChecks::most_domains : 1);
  }
  return std::max(questions, DnsListChecks::least_questions);
}

}  // namespace

DnsListChecks::DnsListChecks(std::shared_ptr<const void> owner, const client::Options& lists,
                             dns::Resolver& resolver, const dns::Options& dns,
                             client::DnsListGuard& guard, std::function<void()> notify)
    : owner_(std::move(owner)),
      lists_(lists),
      guard_(guard),
      share_{questions_of(lists), questions_of(lists) - kept_from_reasons},
      inquiry_(resolver, dns, std::move(notify)) {
  // Five lists and some names of the envelope; more is rare.
  pending_.reserve(16);
  origins_.reserve(16);
}

void DnsListChecks::client(const mail::IpAddress& address) {
  auto lookups = client::address_lookups(lists_, address);
  std::erase_if(lookups, [this](const client::DnsListLookup& each) {
    return is_asked(*each.list, each.on, each.value);
  });
  ask(std::move(lookups));
}

void DnsListChecks::domain(client::DnsListOn on, std::string_view domain) {
  const auto value = client::listable(domain);
  bool held = false;
  std::vector<client::DnsListLookup> lookups;
  for (const auto& list : lists_.lists) {
    if (!value || !list.holds(on)) continue;
    held = true;
    if (!is_asked(list, on, *value)) lookups.push_back(client::domain_lookup(list, on, *value));
  }
  if (on == client::DnsListOn::client_name) guard_.client_came(held);
  ask(std::move(lookups));
}

// Most mail has one domain in several places: it is looked up once, and reported for each of them.
bool DnsListChecks::is_asked(const client::DnsListDefinition& list, client::DnsListOn on,
                             std::string_view value) {
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const auto& lookup = pending_[i].lookup;
    if (lookup.list != &list || lookup.value != value) continue;
    const Origin origin{on, i};
    if (std::find(origins_.begin(), origins_.end(), origin) == origins_.end()) {
      origins_.push_back(origin);
    }
    return true;
  }
  return false;
}

// The questions of all lists go out together.
void DnsListChecks::ask(std::vector<client::DnsListLookup> lookups) {
  std::vector<dns::Question> questions;
  questions.reserve(lookups.size());
  for (auto& lookup : lookups) {
    if (lookup.question) questions.push_back(*lookup.question);
    origins_.push_back({lookup.on, pending_.size()});
    pending_.push_back({std::move(lookup), std::nullopt, false, std::nullopt});
  }
  if (questions.empty()) return;
  const auto refused = inquiry_.ask(questions, {}, share_);
  refused_.insert(refused_.end(), refused.begin(), refused.end());
}

void DnsListChecks::advance(SteadyTime now) {
  inquiry_.collect();
  for (Pending& pending : pending_) {
    if (!pending.result || pending.wants_reason) advance(pending, now);
  }
}

// A hit is reported to the guard as soon as it is known; its reason is added when that arrives.
void DnsListChecks::advance(Pending& pending, SteadyTime now) {
  using client::Reason;
  const auto& question = pending.lookup.question;
  if (question && std::find(refused_.begin(), refused_.end(), *question) != refused_.end()) {
    pending.result = client::not_asked(pending.lookup);
    return;
  }
  const auto& answers = inquiry_.answers();
  auto found = look_up(pending.lookup, answers, Reason::wanted);
  if (!found.done()) {
    inquiry_.ask({}, found.needed, share_);
    // The answer may have been at hand.
    found = look_up(pending.lookup, answers, Reason::wanted);
  }
  const bool with_reason = found.done();
  if (!pending.result) {
    if (!with_reason) found = look_up(pending.lookup, answers, Reason::if_known);
    if (!found.done()) return;
    pending.result = guard_.observe(std::move(*found.result), now);
    pending.wants_reason = pending.result->code == client::DnsListCode::listed && !with_reason;
    if (pending.wants_reason) pending.wait_until = now + client::reason_wait;
    return;
  }
  if (!with_reason) return;
  pending.result->reason = std::move(found.result->reason);
  pending.wants_reason = false;
  pending.wait_until.reset();
}

bool DnsListChecks::decided(SteadyTime now) const {
  return std::all_of(pending_.begin(), pending_.end(), [&](const Pending& pending) {
    return pending.result && (!pending.wait_until || now >= *pending.wait_until);
  });
}

bool DnsListChecks::any_listed() const {
  return std::any_of(pending_.begin(), pending_.end(), [](const Pending& pending) {
    return pending.result && pending.result->code == client::DnsListCode::listed;
  });
}

bool DnsListChecks::awaits_reason(SteadyTime now) const {
  return std::any_of(pending_.begin(), pending_.end(), [&](const Pending& pending) {
    return pending.wait_until && now < *pending.wait_until;
  });
}

SteadyTime DnsListChecks::deadline() const {
  SteadyTime first = inquiry_.deadline();
  bool open = false;
  for (const Pending& pending : pending_) {
    if (pending.wait_until) first = std::min(first, *pending.wait_until);
    open = open || !pending.result || pending.wait_until;
  }
  return open ? first : SteadyTime::max();
}

void DnsListChecks::expire(SteadyTime now) {
  if (now >= inquiry_.deadline()) inquiry_.expire();
  advance(now);
  for (Pending& pending : pending_) {
    if (pending.wait_until && now >= *pending.wait_until) pending.wait_until.reset();
  }
}

std::vector<client::DnsListResult> DnsListChecks::results() const {
  std::vector<client::DnsListResult> out;
  out.reserve(origins_.size());
  for (const auto& list : lists_.lists) {
    for (const auto& [on, place] : origins_) {
      const Pending& pending = pending_[place];
      if (pending.lookup.list != &list) continue;
      out.push_back(pending.result ? *pending.result : client::unanswered(pending.lookup));
      out.back().on = on;
    }
  }
  return out;
}

}  // namespace sekisho::session
