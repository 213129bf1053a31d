// client/dns_list_health.h: whether a list can be trusted now. RFC 5782 §5. A list that answers with
// error codes or nonsense, that does not answer, or that fails its self-test is set aside: nothing
// counts as listed by it until a self-test has succeeded. A list must never reject the world.
//   healthy ──fault──► set aside ──self-test passed──► healthy
// The time comes in as an argument. Thread: DnsListHealth one owner; DnsListGuard any, internally locked.
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
  std::string answer;                       // what the list said, for people
  DnsListFault fault_v6 = DnsListFault::none;
  std::string answer_v6 = {};

  // What IPv6 came to, as a test of its own.
  SelfTest for_v6() const { return {fault_v6, answer_v6}; }
};

// The test entries of an address list are 127.0.0.2 (listed) and 127.0.0.1 (never listed), and the
// same as ::FFFF:127.0.0.2 and ::FFFF:127.0.0.1; those of a domain list are TEST and INVALID. Any
// code but an error code counts as listed here, whatever the pattern. A list without the listed
// IPv6 entry is not at fault: it has no IPv6. The families are judged apart: some lists answer
// every IPv6 name, and are well for IPv4. Lists of domains with an entry of their own for tests
// count as listing it or TEST.
dns::Evaluation<SelfTest> self_test(const DnsListDefinition& list, const dns::Answers& answers);

// --- one list ------------------------------------------------------------------------------------

class DnsListHealth {
 public:
  enum class State : std::uint8_t {
    healthy,    // its answers count
    set_aside,  // its answers do not count
  };
  // An hour: RFC 5782 §5 leaves it open. A list that is shut down is noticed within it even if
  // nothing of it was ever listed, and two to four questions an hour burden nobody.
  static constexpr std::chrono::hours test_every{1};
  // Set aside: tested again sooner, so that a repaired resolver or a new key is in use at once;
  // each further time within a day doubles it, up to an hour, so that one that comes and goes is
  // not a stream of warnings.
  static constexpr std::chrono::minutes retest_after{5};
  // A list that only did not answer is mostly back soon.
  static constexpr std::chrono::minutes retest_after_silence{1};
  // One that has not answered since we started may only wait for a resolver that starts after us,
  // as at the boot of a machine. Each further time doubles it, up to the minute.
  static constexpr std::chrono::seconds retest_at_start{5};
  // This many consecutive lookups without an answer set a list aside. Each has been retried by the
  // resolver for seconds, so it is no lost packet; and a list that is asked by every session adds
  // its time-out to every message.
  static constexpr unsigned failures_to_set_aside = 5;
  // This many consecutive hits start a self-test: the list may have begun to list everything. Spam
  // comes in such runs too: hence not again within half a minute.
  static constexpr unsigned hits_to_test = 5;
  static constexpr std::chrono::seconds test_not_before{30};
  // What happened longer ago does not double the wait.
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
  // What a lookup showed: the fault of its answer.
  std::optional<Change> observe(DnsListFault fault, std::string_view answer, SteadyTime now);
  // Whether a lookup found something listed.
  void answered(bool listed, SteadyTime now);
  std::optional<Change> tested(const SelfTest& test, SteadyTime now);
  bool test_due(SteadyTime now) const { return now >= next_test_; }
  // The admin may have repaired what was wrong.
  void test_now(SteadyTime now) { next_test_ = now; }
  // Not due again until its result, or until an hour has passed without one.
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
  unsigned failures_ = 0;                              // in a row
  unsigned hits_ = 0;                                  // in a row
  unsigned relapses_ = 0;                              // times set aside within a day
  bool answered_ = false;                              // ever
  SteadyTime::duration start_wait_ = retest_at_start;  // until then
};

// Which clients an address list is set aside for; of a list of domains, always `all`.
enum class Whom : std::uint8_t { all, v4, v6 };

// What to do about a fault, for the admin.
std::string advice(const DnsListDefinition& list, DnsListFault fault, std::string_view answer,
                   Whom whom = Whom::all);

// --- all lists -----------------------------------------------------------------------------------

// What `sekisho status` and the metrics say of a list. Counters since start.
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
  std::uint64_t not_counted = 0;  // listed, but the list was set aside, or the answer an error
  std::uint64_t times_set_aside = 0;
};

class DnsListGuard {
 public:
  // One line for each change of a list's state, called without a lock held.
  using Warn = std::function<void(std::string)>;
  explicit DnsListGuard(Warn warn) : warn_(std::move(warn)) {}

  // The lists in force. Those that were there before, with the same zone, keep their state; those
  // that are set aside are tested again. `wait_for_test`: new ones do not count before their
  // self-test; for a daemon that runs them.
  void configure(const Options& options, bool wait_for_test, SteadyTime now);
  // Takes note of a result, and gives it back as it counts: what a list that is set aside lists is
  // `set_aside`.
  DnsListResult observe(DnsListResult result, SteadyTime now);
  // The lists whose self-test is due; each is then being tested.
  std::vector<std::string> take_due(SteadyTime now);
  void tested(std::string_view name, const SelfTest& test, SteadyTime now);
  // A client whose name was to be looked up came with one, or without. A rule on names that never
  // come is dead, and is reported once.
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
  // A change to be told when no lock is held.
  struct News {
    DnsListDefinition list;
    DnsListHealth::Change change;
    Whom whom;
  };
  static Whom whom(const Entry& entry, const DnsListResult& result);
  // Both families changed alike: that is one piece of news.
  static std::vector<News> news(Entry& entry, std::optional<DnsListHealth::Change> v4,
                                std::optional<DnsListHealth::Change> v6);
  void tell(const std::vector<News>& all) const;

  Warn warn_;
  Guarded<Entries> entries_;
  std::atomic<unsigned> nameless_{0};  // in a row
};

}  // namespace sekisho::client
