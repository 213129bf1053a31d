// session/dns_list_checks.h: the lookups of one message in the DNS lists: begun as soon as a name
// is known, in all lists together, with a budget apart from authentication.
//   checks.client(address); checks.domain(DnsListOn::helo, helo); …
//   at RCPT: until decided() or rcpt_wait → results(now) → refuse_at_rcpt()
//   at the end of DATA: until decided() or deadline() → results(now) → facts.lists
// Each result is reported to the guard once.
// Thread: one owner; `notify` on the resolver's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "client/dns_list_health.h"
#include "client/dnsbl.h"
#include "dns/inquiry.h"

namespace sekisho::session {

class DnsListChecks {
 public:
  // HELO, MAIL FROM, the client's name, the author and the ten signatures that are looked at.
  static constexpr std::size_t most_domains = 14;
  // At least this many questions per message; more when the configured lists could need more.
  static constexpr std::size_t least_questions = 200;

  // `lists` is kept alive by `owner` (the snapshot).
  DnsListChecks(std::shared_ptr<const void> owner, const client::Options& lists,
                dns::Resolver& resolver, const dns::Options& dns, client::DnsListGuard& guard,
                std::function<void()> notify);

  void client(const mail::IpAddress& address);
  // Each origin and domain once, however often it is named.
  void domain(client::DnsListOn on, std::string_view domain);
  // Lookups began before the message: its time begins now.
  void restart() { inquiry_.restart_clock(); }

  void advance(SteadyTime now);
  // Every list has answered, and no hit waits for its reason any more; a reason that arrives later
  // is still used.
  bool decided(SteadyTime now) const;
  bool any_listed() const;
  // A hit still waits for its reason.
  bool awaits_reason(SteadyTime now) const;
  // When to look again without a new answer: the end of the wait for a reason, or of the time
  // budget.
  SteadyTime deadline() const;
  // Called at the deadline; afterwards decided() is true once the time is over.
  void expire(SteadyTime now);

  // In the order of the lists in the configuration; a list without an answer is `unanswered`.
  std::vector<client::DnsListResult> results() const;
  dns::Inquiry::Cost cost() const { return inquiry_.cost(); }

 private:
  struct Pending {
    client::DnsListLookup lookup;
    std::optional<client::DnsListResult> result;  // as the guard returned it
    bool wants_reason = false;                    // a hit whose reason is not known
    std::optional<SteadyTime> wait_until;         // … and is still waited for
  };
  struct Origin {
    client::DnsListOn on;
    std::size_t pending;  // its index in pending_
    bool operator==(const Origin&) const = default;
  };
  bool is_asked(const client::DnsListDefinition& list, client::DnsListOn on,
                std::string_view value);
  void ask(std::vector<client::DnsListLookup> lookups);
  void advance(Pending& pending, SteadyTime now);

  std::shared_ptr<const void> owner_;
  const client::Options& lists_;
  client::DnsListGuard& guard_;
  dns::Share share_;
  std::vector<dns::Question> refused_;  // beyond the share
  dns::Inquiry inquiry_;
  std::vector<Pending> pending_;  // each value in each list once
  std::vector<Origin> origins_;   // in the order in which they were named
};

}  // namespace sekisho::session
