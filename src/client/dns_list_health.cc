#include "client/dns_list_health.h"

#include <algorithm>
#include <utility>

#include "client/dnsbl.h"
#include "mail/ip_address.h"

namespace sekisho::client {

namespace {

// ::FFFF:127.0.0.2 and ::FFFF:127.0.0.1 as names in a list; mail::IpAddress reads both as IPv4.
std::string mapped(char last) {
  std::string name(1, last);
  for (const char nibble : std::string_view("00000f7ffff")) name.append(".").push_back(nibble);
  for (int i = 0; i < 20; ++i) name += ".0";
  return name;
}

dns::Question entry(const DnsListDefinition& list, std::string_view label) {
  std::string name(label);
  name.append(".").append(list.list.zone);
  // The zone leaves room for an IPv6 address.
  return {dns::Name::from(name).value(), dns::Type::a};
}

struct TestEntries {
  std::vector<dns::Question> listed;  // one of them must be listed
  dns::Question not_listed;

  std::vector<dns::Question> all() const {
    auto out = listed;
    out.insert(out.begin(), not_listed);
    return out;
  }
};

bool has_v6(const DnsListDefinition& list) { return !holds_domains(list.kind); }

TestEntries test_entries(const DnsListDefinition& list) {
  if (!holds_domains(list.kind)) return {{entry(list, "2.0.0.127")}, entry(list, "1.0.0.127")};
  TestEntries entries{{entry(list, "test")}, entry(list, "invalid")};
  if (const auto own = own_test_entry(list.list.zone); !own.empty())
    entries.listed.push_back(entry(list, own));
  return entries;
}

TestEntries test_entries_v6(const DnsListDefinition& list) {
  return {{entry(list, mapped('2'))}, entry(list, mapped('1'))};
}

std::string first_text(const dns::Answer& answer) {
  return answer.addresses.empty() ? std::string() : answer.addresses.front().text();
}

// The fault of an answer, whatever was asked.
std::optional<SelfTest> fault_of(const dns::Answer& answer) {
  if (answer.is_error()) {
    const DnsListFault fault = fault_of_error(answer.error);
    return SelfTest{fault == DnsListFault::none ? DnsListFault::no_answer : fault, answer.error};
  }
  for (const auto& address : answer.addresses) {
    if (is_error_code(address)) return SelfTest{DnsListFault::error_code, address.text()};
    if (!is_list_code(address)) return SelfTest{DnsListFault::outside, address.text()};
  }
  return std::nullopt;
}

// Whether the fault needs several consecutive failures, and not only one.
bool is_failure(DnsListFault fault) {
  return fault == DnsListFault::no_answer || fault == DnsListFault::refused;
}

std::string minutes_text(SteadyTime::duration time) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time).count();
  if (minutes >= 120) return std::to_string(minutes / 60) + " hours";
  return minutes <= 1 ? "a minute" : std::to_string(minutes) + " minutes";
}

}  // namespace

// --- the self-test -------------------------------------------------------------------------------

namespace {

// The fault of any answer; or the fault that an entry is listed that must not be.
SelfTest fault_of(const TestEntries& entries, const dns::Answers& answers) {
  for (const auto& question : entries.all()) {
    if (auto fault = fault_of(*answers.find(question))) return std::move(*fault);
  }
  const dns::Answer& answer = *answers.find(entries.not_listed);
  if (!answer.addresses.empty()) return {DnsListFault::lists_everything, first_text(answer)};
  return {};
}

}  // namespace

dns::Evaluation<SelfTest> self_test(const DnsListDefinition& list, const dns::Answers& answers) {
  using Evaluation = dns::Evaluation<SelfTest>;
  std::vector<TestEntries> entries = {test_entries(list)};
  if (has_v6(list)) entries.push_back(test_entries_v6(list));
  std::vector<dns::Question> open;
  for (const auto& each : entries) {
    for (const auto& question : each.all()) {
      if (answers.find(question) == nullptr) open.push_back(question);
    }
  }
  if (!open.empty()) return Evaluation{std::nullopt, std::move(open), {}};

  SelfTest test = fault_of(entries.front(), answers);
  if (has_v6(list)) {
    SelfTest v6 = fault_of(entries.back(), answers);
    test.fault_v6 = v6.fault;
    test.answer_v6 = std::move(v6.answer);
    // An error code means that the list does not serve us at all, whatever the family.
    if (test.fault_v6 == DnsListFault::error_code && test.fault == DnsListFault::none) {
      test.fault = test.fault_v6;
      test.answer = test.answer_v6;
    } else if (test.fault == DnsListFault::error_code) {
      test.fault_v6 = test.fault;
      test.answer_v6 = test.answer;
    }
  }
  const bool has_entry = std::any_of(entries.begin(), entries.end(), [&](const auto& each) {
    return std::any_of(each.listed.begin(), each.listed.end(), [&](const auto& question) {
      return !answers.find(question)->addresses.empty();
    });
  });
  if (!has_entry && list.self_test) {
    if (test.fault == DnsListFault::none) test.fault = DnsListFault::lists_nothing;
    if (test.fault_v6 == DnsListFault::none && has_v6(list))
      test.fault_v6 = DnsListFault::lists_nothing;
  }
  return Evaluation::of(std::move(test));
}

// --- one list ------------------------------------------------------------------------------------

void DnsListHealth::wait_for_test(SteadyTime now) {
  state_ = State::set_aside;
  fault_ = DnsListFault::untested;
  answer_.clear();
  since_ = next_test_ = now;
}

std::optional<DnsListHealth::Change> DnsListHealth::observe(DnsListFault fault,
                                                            std::string_view answer,
                                                            SteadyTime now) {
  if (fault == DnsListFault::none) {
    failures_ = 0;
    answered_ = true;
    return std::nullopt;
  }
  // Only a self-test enables the list again.
  if (state_ == State::set_aside) return std::nullopt;
  if (is_failure(fault) && ++failures_ < failures_to_set_aside) return std::nullopt;
  return set_aside(fault, answer, now);
}

void DnsListHealth::answered(bool listed, SteadyTime now) {
  hits_ = listed ? hits_ + 1 : 0;
  if (hits_ < hits_to_test || state_ == State::set_aside) return;
  next_test_ = std::min(next_test_, std::max(now, last_test_ + test_not_before));
}

std::optional<DnsListHealth::Change> DnsListHealth::tested(const SelfTest& test, SteadyTime now) {
  if (test.fault == DnsListFault::none) {
    // Failures before its first answer are not relapses.
    if (!answered_) relapses_ = 0;
    answered_ = true;
    failures_ = 0;
    next_test_ = now + test_every;
    if (state_ == State::healthy) return std::nullopt;
    const bool first = fault_ == DnsListFault::untested;
    Change change{DnsListFault::none, {}, now - since_};
    state_ = State::healthy;
    fault_ = DnsListFault::none;
    answer_.clear();
    since_ = now;
    if (first) return std::nullopt;
    return change;
  }
  if (state_ == State::set_aside && fault_ != DnsListFault::untested) {
    fault_ = test.fault;  // the present fault, for `sekisho status`
    answer_ = test.answer;
    next_test_ = now + retest_wait();
    return std::nullopt;
  }
  // One unanswered test of a list that has worked counts as one unanswered lookup.
  if (state_ == State::healthy && is_failure(test.fault)) {
    next_test_ = now + retest_after_silence;
    return observe(test.fault, test.answer, now);
  }
  return set_aside(test.fault, test.answer, now);
}

std::optional<DnsListHealth::Change> DnsListHealth::set_aside(DnsListFault fault,
                                                              std::string_view answer,
                                                              SteadyTime now) {
  if (!is_failure(fault)) answered_ = true;
  const bool before = relapses_ > 0 && now - since_ < forget_after;
  relapses_ = before ? relapses_ + 1 : 1;
  state_ = State::set_aside;
  fault_ = fault;
  answer_ = answer;
  since_ = now;
  failures_ = 0;
  next_test_ = now + retest_wait();
  return Change{fault, answer_, {}};
}

SteadyTime::duration DnsListHealth::retest_wait() {
  if (!answered_ && is_failure(fault_) && start_wait_ < retest_after_silence) {
    return std::exchange(start_wait_, start_wait_ * 2);
  }
  SteadyTime::duration wait = is_failure(fault_) ? retest_after_silence : retest_after;
  for (unsigned i = 1; i < relapses_ && wait < test_every; ++i) wait *= 2;
  return std::min<SteadyTime::duration>(wait, test_every);
}

std::string advice(const DnsListDefinition& list, DnsListFault fault, std::string_view answer,
                   Whom whom) {
  switch (fault) {
    case DnsListFault::error_code:
      if (answer.starts_with("127.255.255.254")) {
        return "your resolver is a public one, which the list does not serve: use a resolver of "
               "your own, or an access key (DQS) in a list_file";
      }
      if (answer.starts_with("127.255.255.255")) {
        return "you ask more than the list gives for nothing: get an access key, or remove the "
               "list";
      }
      if (answer.starts_with("127.255.255.252")) {
        return "the zone is misspelt: correct list or list_file";
      }
      return "ask the operator of the list what the code means, or remove the list";
    case DnsListFault::outside:
      return "the domain of the list is given up, or your resolver rewrites answers: remove the "
             "list, or use a resolver of your own";
    case DnsListFault::no_answer:
      return "see that your resolver reaches it, or remove the list";
    case DnsListFault::refused:
      return "see that the list still exists, and that it serves your resolver";
    case DnsListFault::lists_everything:
      if (whom == Whom::v6) {
        return "it lists ::FFFF:127.0.0.1, so it would block every client with an IPv6 address; "
               "IPv4 "
               "clients are looked up as before: tell its operator";
      }
      if (whom == Whom::v4) {
        return "it lists 127.0.0.1, so it would block every client with an IPv4 address; IPv6 "
               "clients "
               "are looked up as before: tell its operator";
      }
      return holds_domains(list.kind)
                 ? "it lists INVALID, so it would block every domain: it is shut down, or refuses "
                   "you; remove the list"
                 : "it lists 127.0.0.1, so it would block everybody: it is shut down, or refuses "
                   "you; remove the list";
    case DnsListFault::lists_nothing:
      if (holds_domains(list.kind)) {
        return "RFC 5782 section 5 wants TEST to be listed: correct the zone, remove a dead list, "
               "or "
               "set self_test = false for one of your own, or whose operator lists no TEST";
      }
      return "RFC 5782 section 5 wants such an entry: correct the zone, remove a dead list, or set "
             "self_test = false for one of your own";
    case DnsListFault::none:
    case DnsListFault::untested:
      break;
  }
  return {};
}

// --- all lists -----------------------------------------------------------------------------------

void DnsListGuard::configure(const Options& options, bool wait_for_test, SteadyTime now) {
  entries_.with([&](Entries& entries) {
    Entries next;
    for (const DnsListDefinition& list : options.lists) {
      const auto old = entries.find(list.name);
      const bool known = old != entries.end() && old->second.list.list.zone == list.list.zone &&
                         old->second.list.kind == list.kind;
      Entry entry;
      if (known) {
        entry = old->second;
        for (auto* health : {&entry.health, &entry.health_v6}) {
          if (health->state() == DnsListHealth::State::set_aside) health->test_now(now);
        }
      } else if (wait_for_test) {
        entry.health.wait_for_test(now);
        entry.health_v6.wait_for_test(now);
      }
      entry.list = list;
      next.emplace(list.name, std::move(entry));
    }
    entries = std::move(next);
  });
}

Whom DnsListGuard::whom(const Entry& entry, const DnsListResult& result) {
  if (!entry.has_v6() || result.on != DnsListOn::client) return Whom::all;
  const auto address = mail::IpAddress::parse(result.value);
  return address && !address->is_v4() ? Whom::v6 : Whom::v4;
}

std::vector<DnsListGuard::News> DnsListGuard::news(Entry& entry,
                                                   std::optional<DnsListHealth::Change> v4,
                                                   std::optional<DnsListHealth::Change> v6) {
  std::vector<News> out;
  const bool alike = v4 && v6 && v4->fault == v6->fault;
  if (alike || (v4 && !entry.has_v6())) {
    out.push_back({entry.list, *v4, Whom::all});
  } else {
    if (v4) out.push_back({entry.list, *v4, Whom::v4});
    if (v6) out.push_back({entry.list, *v6, Whom::v6});
  }
  for (const auto& one : out) {
    if (one.change.fault != DnsListFault::none) ++entry.counts.times_set_aside;
  }
  return out;
}

DnsListResult DnsListGuard::observe(DnsListResult result, SteadyTime now) {
  std::vector<News> changes;
  entries_.with([&](Entries& entries) {
    const auto found = entries.find(result.name);
    if (found == entries.end()) return;  // a message under an earlier configuration
    Entry& entry = found->second;
    const Whom whose = whom(entry, result);
    DnsListHealth& health = entry.of(whose);
    ++entry.counts.lookups;
    const bool hit = result.code == DnsListCode::listed;
    if (result.code == DnsListCode::temperror) ++entry.counts.failures;
    // A failure on our side says nothing about the list, not even that it answers.
    const bool tells = result.code != DnsListCode::temperror || result.fault != DnsListFault::none;
    const std::string& answer = result.codes.empty() ? result.reason : result.codes;
    // A fault of an answer is a fault of the whole list, unless it is known to affect only this
    // family.
    const bool both = entry.has_v6() && result.fault != DnsListFault::none &&
                      health.state() == DnsListHealth::State::healthy;
    std::optional<DnsListHealth::Change> v4;
    std::optional<DnsListHealth::Change> v6;
    if (tells && (both || whose != Whom::v6)) v4 = entry.health.observe(result.fault, answer, now);
    if (tells && (both || whose == Whom::v6))
      v6 = entry.health_v6.observe(result.fault, answer, now);
    if (hit || result.code == DnsListCode::not_listed) health.answered(hit, now);
    changes = news(entry, std::move(v4), std::move(v6));
    if (hit && health.state() == DnsListHealth::State::set_aside) {
      result.code = DnsListCode::set_aside;
      result.fault = health.fault();
      result.reason = "the list " + std::string(to_string(result.fault));
    }
    if (result.code == DnsListCode::set_aside) ++entry.counts.not_counted;
    if (result.code == DnsListCode::listed) ++entry.counts.listed;
  });
  tell(changes);
  return result;
}

std::vector<std::string> DnsListGuard::take_due(SteadyTime now) {
  return entries_.with([&](Entries& entries) {
    std::vector<std::string> due;
    for (auto& [name, entry] : entries) {
      const bool v6_due = entry.has_v6() && entry.health_v6.test_due(now);
      if (!entry.health.test_due(now) && !v6_due) continue;
      entry.health.test_begun(now);
      entry.health_v6.test_begun(now);
      due.push_back(name);
    }
    return due;
  });
}

void DnsListGuard::tested(std::string_view name, const SelfTest& test, SteadyTime now) {
  std::vector<News> changes;
  entries_.with([&](Entries& entries) {
    const auto found = entries.find(name);
    if (found == entries.end()) return;
    Entry& entry = found->second;
    auto v4 = entry.health.tested(test, now);
    std::optional<DnsListHealth::Change> v6;
    if (entry.has_v6()) v6 = entry.health_v6.tested(test.for_v6(), now);
    changes = news(entry, std::move(v4), std::move(v6));
  });
  tell(changes);
}

void DnsListGuard::client_came(bool with_name) {
  if (with_name) {
    nameless_ = 0;
    return;
  }
  if (++nameless_ != nameless_clients_to_warn || !warn_) return;
  std::string names;
  entries_.with([&](const Entries& entries) {
    for (const auto& [name, entry] : entries) {
      const auto& on = entry.list.on;
      const bool asked = holds_domains(entry.list.kind) &&
                         std::find(on.begin(), on.end(), DnsListOn::client_name) != on.end();
      if (asked) names += (names.empty() ? "" : ", ") + name;
    }
  });
  if (names.empty()) return;
  warn_("client_name of " + names + " is dead: none of the last " +
        std::to_string(nameless_clients_to_warn) +
        " clients came with a name; let the MTA look names up (Postfix: smtpd_peername_lookup = "
        "yes; see that its resolver answers), or take client_name out of on");
}

std::vector<DnsListStatus> DnsListGuard::status() const {
  return entries_.with([](const Entries& entries) {
    std::vector<DnsListStatus> out;
    for (const auto& [name, entry] : entries) {
      DnsListStatus status = entry.counts;
      status.name = name;
      status.kind = entry.list.kind;
      const bool v4 = entry.health.state() == DnsListHealth::State::set_aside;
      const bool v6 = entry.has_v6() && entry.health_v6.state() == DnsListHealth::State::set_aside;
      status.set_aside = v4 && (v6 || !entry.has_v6());
      if (v4 != v6 && entry.has_v6()) status.aside_for = v4 ? Whom::v4 : Whom::v6;
      const DnsListHealth& told = v6 && !v4 ? entry.health_v6 : entry.health;
      status.fault = told.fault();
      status.answer = told.answer();
      status.since = told.since();
      out.push_back(std::move(status));
    }
    return out;
  });
}

void DnsListGuard::tell(const std::vector<News>& all) const {
  if (!warn_) return;
  for (const auto& [list, change, whom] : all) {
    const std::string clients = whom == Whom::all  ? ""
                                : whom == Whom::v4 ? " for IPv4 clients"
                                                   : " for IPv6 clients";
    if (change.fault == DnsListFault::none) {
      warn_("list " + list.name + " is in use again" + clients + " after " +
            minutes_text(change.was_aside));
      continue;
    }
    std::string line =
        "list " + list.name + " is disabled" + clients + " and nothing counts as listed by it: it ";
    if (whom != Whom::all) {
      line = "list " + list.name + " is disabled" + clients + ", none of whom it lists counts: it ";
    }
    line += to_string(change.fault);
    if (!change.answer.empty()) line += " (" + change.answer + ")";
    warn_(line + ": " + advice(list, change.fault, change.answer, whom));
  }
}

}  // namespace sekisho::client
