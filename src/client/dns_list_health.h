// client/dns_list_health.h: whether a list can be trusted now. RFC 5782 §5. A list that answers
// with error codes or nonsense, that does not answer, or that fails its self-test is disabled:
// nothing counts as listed by it until a self-test has succeeded. A list must never make us reject
// everything.
//   healthy ──fault──► disabled ──self-test passed──► healthy
// The time is an argument.
// Thread: DnsListHealth one owner; DnsListGuard any, internally locked.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "client/options.h"
#include "client/result.h"
#include "dns/answers.h"

namespace sekisho::client {

// --- the self-test -------------------------------------------------------------------------------

struct SelfTest {
  DnsListFault fault = DnsListFault::none;  // none: passed. Of an address list: for IPv4
  std::string answer;                       // the answer of the list, for people
  DnsListFault fault_v6 = DnsListFault::none;
  std::string answer_v6 = {};

  // The result for IPv6, as a test of its own.
  SelfTest for_v6() const { return {fault_v6, answer_v6}; }
};

// The test entries of an address list are 127.0.0.2 (listed) and 127.0.0.1 (never listed), and the
// same as ::FFFF:127.0.0.2 and ::FFFF:127.0.0.1; those of a domain list are TEST and INVALID. Any
// code but an error code counts as listed here, whatever the pattern. A list without the listed
// IPv6 entry is not at fault: it has no IPv6. The families are judged separately: some lists answer
// every IPv6 name, but work for IPv4. Lists of domains with an entry of their own for tests count
// as listing it or TEST.
dns::Evaluation<SelfTest> self_test(const DnsListDefinition& list, const dns::Answers& answers);

// --- one list ------------------------------------------------------------------------------------

class DnsListHealth {
 public:
  enum class State : std::uint8_t {
    healthy,    // its answers count
    set_aside,  // its answers do not count
  };
  // An hour: RFC 5782 §5 leaves it open. A list that is shut down is noticed within an hour even if
  // it never listed anything, and two to four questions an hour are no burden.
  static constexpr std::chrono::hours test_every{1};
  // A disabled list is tested again sooner, so that a repaired resolver or a new key takes effect
  // soon. Each further time within a day doubles the wait, up to an hour, so that an unstable list
  // does not cause a stream of warnings.
  static constexpr std::chrono::minutes retest_after{5};
  // A list that only did not answer usually recovers soon.
  static constexpr std::chrono::minutes retest_after_silence{1};
  // A list that has not answered since our start may only lack a resolver that starts after us, as
  // at boot. Each further time doubles the wait, up to the minute.
  static constexpr std::chrono::seconds retest_at_start{5};
  // This many consecutive lookups without an answer disable a list. Each has been retried by the
  // resolver for seconds, so it is no lost packet; and a list that is asked by every session adds
  // its time-out to every message.
  static constexpr unsigned failures_to_set_aside = 5;
  // This many consecutive hits start a self-test: the list may have begun to list everything. Spam
  // comes in such runs too: hence not again within half a minute.
  static constexpr unsigned hits_to_test = 5;
  static constexpr std::chrono::seconds test_not_before{30};
  // Earlier faults do not double the wait.
  static constexpr std::chrono::hours forget_after{24};

  struct Change {
    DnsListFault fault = DnsListFault::none;  // none: healthy again
    std::string answer;
    SteadyTime::duration was_aside{0};
  };

  State state() const { return state_; }
  DnsListFault fault() const { return fault_; }
  const std::string& answer() const { return answer_; }
  SteadyTime since() const { return since_; }

  // Nothing counts before the first self-test. Without it, a list is trusted from the start.
  void wait_for_test(SteadyTime now);
  // Notes the fault of a lookup's answer.
  std::optional<Change> observe(DnsListFault fault, std::string_view answer, SteadyTime now);
  // Notes whether a lookup was a hit.
  void answered(bool listed, SteadyTime now);
  std::optional<Change> tested(const SelfTest& test, SteadyTime now);
  bool test_due(SteadyTime now) const { return now >= next_test_; }
  // Tests at once: the admin may have repaired the fault.
  void test_now(SteadyTime now) { next_test_ = now; }
  // No test is due again until the result, or until an hour has passed without one.
  void test_begun(SteadyTime now) {
    last_test_ = now;
    next_test_ = now + test_every;
  }

 private:
  std::optional<Change> set_aside(DnsListFault fault, std::string_view answer, SteadyTime now);
  SteadyTime::duration retest_wait();

  State state_ = State::healthy;
  DnsListFault fault_ = DnsListFault::none;
  std::string answer_;
  SteadyTime since_{};
  SteadyTime last_test_{};
  SteadyTime next_test_{};
  unsigned failures_ = 0;                              // consecutive
  unsigned hits_ = 0;                                  // consecutive
  unsigned relapses_ = 0;                              // times disabled within a day
  bool answered_ = false;                              // ever
  SteadyTime::duration start_wait_ = retest_at_start;  // until then
};

// The clients for which an address list is disabled; for a list of domains, always `all`.
enum class Whom : std::uint8_t { all, v4, v6 };

// What to do about a fault, for the admin.
std::string advice(const DnsListDefinition& list, DnsListFault fault, std::string_view answer,
                   Whom whom = Whom::all);

// --- all lists -----------------------------------------------------------------------------------

// The state of a list for `sekisho status` and the metrics. Counters since start.
struct DnsListStatus {
  std::string name;
  DnsListKind kind = DnsListKind::dnsbl;
  bool set_aside = false;      // for all
  Whom aside_for = Whom::all;  // v4, v6: for these alone, while it counts for the others
  DnsListFault fault = DnsListFault::none;
  std::string answer;
  SteadyTime since{};  // of the state
  std::uint64_t lookups = 0;
  std::uint64_t listed = 0;
  std::uint64_t failures = 0;     // lookups without an answer
  std::uint64_t not_counted = 0;  // hits of a disabled list, or error answers
  std::uint64_t times_set_aside = 0;
};

class DnsListGuard {
 public:
  // One line for each change of a list's state, called without a lock held.
  using Warn = std::function<void(std::string)>;
  explicit DnsListGuard(Warn warn) : warn_(std::move(warn)) {}

  // Sets the lists in force. Lists that existed before with the same zone keep their state;
  // disabled ones are tested again. `wait_for_test`: new lists do not count before their self-test;
  // for a daemon, which runs the tests.
  void configure(const Options& options, bool wait_for_test, SteadyTime now);
  // Notes a result, and returns it as it counts: a hit in a disabled list becomes `set_aside`.
  DnsListResult observe(DnsListResult result, SteadyTime now);
  // The lists whose self-test is due; each is then being tested.
  std::vector<std::string> take_due(SteadyTime now);
  void tested(std::string_view name, const SelfTest& test, SteadyTime now);
  // Notes whether a client came with a verified name. If no client ever has one, a rule on client
  // names is useless, and is reported once.
  void client_came(bool with_name);
  std::vector<DnsListStatus> status() const;

  // One client in ten has no name. Where this many in a row have none, the MTA looks none up.
  static constexpr unsigned nameless_clients_to_warn = 200;

 private:
  struct Entry {
    DnsListDefinition list;
    DnsListHealth health;     // of domains, or for IPv4
    DnsListHealth health_v6;  // of an address list
    DnsListStatus counts;

    bool has_v6() const { return !holds_domains(list.kind); }
    DnsListHealth& of(Whom whom) { return whom == Whom::v6 ? health_v6 : health; }
  };
  using Entries = std::map<std::string, Entry, std::less<>>;
  // A change to report when no lock is held.
  struct News {
    DnsListDefinition list;
    DnsListHealth::Change change;
    Whom whom;
  };
  static Whom whom(const Entry& entry, const DnsListResult& result);
  // If both families changed in the same way, that is one report.
  static std::vector<News> news(Entry& entry, std::optional<DnsListHealth::Change> v4,
                                std::optional<DnsListHealth::Change> v6);
  void tell(const std::vector<News>& all) const;

  Warn warn_;
  Guarded<Entries> entries_;
  std::atomic<unsigned> nameless_{0};  // in a row
};

}  // namespace sekisho::client
