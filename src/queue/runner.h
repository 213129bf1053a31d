// queue/runner.h: the queue at work: when each message is tried, what is under way, and what comes
// of it. Rows are loaded at the start; a message that was just accepted is handed over in memory.
// In memory are a few fields for each recipient; texts are read from the index when it is its turn.
// Changes of state are committed in groups by the store's own committer; a bounce and the final
// state that it tells of are one commit.
// Errors: none; what cannot be committed is tried again each second.
// Thread: its own; all calls from any, internally locked. Results of the transport may come late.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "accounts/directory.h"
#include "base/alarms.h"
#include "base/executor.h"
#include "base/guarded.h"
#include "base/log.h"
#include "queue/bounce.h"
#include "queue/counts.h"
#include "queue/crash_marks.h"
#include "queue/message.h"
#include "queue/options.h"
#include "queue/ready.h"
#include "queue/tables.h"
#include "relay/transport.h"
#include "spool/store.h"

namespace sekisho::queue {

// A command about messages that wait.
enum class Act { hold, release, flush, remove, requeue };
constexpr auto words_of(Act) {
  return words<Act>({{Act::hold, "hold"},
                     {Act::release, "release"},
                     {Act::flush, "flush"},
                     {Act::remove, "delete"},
                     {Act::requeue, "requeue"}});
}
Event::Kind event_of(Act act);

class Runner {
 public:
  // What the configuration in force says.
  struct Site {
    Options options;
    std::shared_ptr<const relay::Map> map;
    std::shared_ptr<const accounts::Directory> directory;
    std::string origin;
    std::string hostname;
    std::string postmaster;    // gets the daily summary; empty: nobody
    std::string local_sender;  // identity.local_sender
  };
  // Of the lines, by what they are about.
  struct Logs {
    Log& qmgr;
    Log& smtp;
    Log& lmtp;
    Log& bounce;
  };
  struct Needs {
    std::shared_ptr<spool::Store> spool;
    relay::Transport& transport;
    Logs logs;
    Alarms& alarms;
    std::function<std::string()> next_id;
    CrashMarks* marks = nullptr;
  };

  // How long before one of the messages that wait for a fault tries whether it has ended.
  // A little longer than a next hop's login may not be tried (relay/hosts_memory.h).
  static constexpr std::chrono::seconds probe_every{15 * 60 + 10};

  Runner(Needs needs, Site site);
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  // What is under way is not waited for: it waits again after the next start.
  ~Runner();
  // Begins nothing any more, and waits until what is under way has ended and is on the disk;
  // returns how many attempts and changes have not. From then on an attempt that ends without a
  // word of the next hop was cut off: it does not count, and is made again after the next start.
  std::size_t drain(std::chrono::milliseconds within);

  // A message that was just put; it is durable.
  void queued(Message message);
  // A person has changed the configuration: what waits for a fault of this side tries at once.
  void reload(Site site);
  // Files or interfaces have changed. As reload(), but no password is tried for that which was
  // refused: a provider locks an account that tries too often.
  void replace(Site site);
  // What was out of order may be mended (relay::Result::fault): one that is held tries at once.
  void try_again(std::string fault);
  // Another process has changed rows, and says so in queue_news.
  void look();

  // Empty: done; else why not, for each id that was named. Waits for the disk. `ids` empty: all.
  using Answer = std::map<std::string, std::string>;
  Answer act(Act act, std::vector<std::string> ids);
  // The ids of messages with an attempt under way.
  std::vector<std::string> under_way();
  // What is out of order: since when, and when one of those that are held for it tries again.
  struct FaultTimes {
    WallTime since{};
    WallTime next{};
  };
  std::map<std::string, FaultTimes> faults();
  Counts counts() const;

 private:
  struct Sent;     // a job under way
  struct Settled;  // a change to commit
  struct Asked;    // who waits for the outcome of a command
  struct Slim {
    std::uint32_t place = 0;
    Progress progress;
    std::shared_ptr<const std::string> domain;
    bool expand = false;
    bool ready = false;       // its turn has come, and it waits for room
    bool hop_failed = false;  // the hop itself did not work, not only this recipient
  };
  struct Entry {
    bool null_sender = false;
    bool own = false;
    bool may_bounce = false;
    WallTime arrived{};
    std::vector<Slim> recipients;
    std::optional<Message> full;  // while it is needed
    std::optional<WallTime> scheduled;
    unsigned under_way = 0;                      // jobs
    unsigned committing = 0;                     // changes on their way to the disk, one at a time
    std::deque<std::shared_ptr<Settled>> later;  // of them, those that wait for the first
  };
  using Entries = std::unordered_map<std::string, Entry>;

  // runner.cc
  void serve();
  void load();
  void take(Message message);
  Entry slim(const Message& message);
  bool take_due();
  void look_at(const std::string& id);
  void schedule(const std::string& id, Entry& entry);
  void tend();
  void read_news();
  void merge(const std::string& id);
  bool find_lost();
  void forget_done();
  std::optional<std::vector<std::string>> over_with_file(std::int64_t up_to);
  void recount();
  Message* full(const std::string& id, Entry& entry);
  void slim_down(const std::string& id);
  void slim_down_if_many_wait(const std::string& id);
  std::shared_ptr<const std::string> domain_of(const std::string& address);
  Circumstances around(const Entry& entry);
  Slim* find_slim(Entry& entry, std::uint32_t place);
  void note_busy();

  // runner_send.cc
  void ready(const std::string& id, Entry& entry);
  void pump();
  bool send_all(const Ready::Item& item);
  static void put_off(Entry& entry);
  void send(const Ready::Item& item, Entry& entry, const std::vector<std::uint32_t>& places);
  relay::Job job_for(const Message& message, const std::vector<std::uint32_t>& places,
                     const std::string& domain) const;
  std::string qualified(const std::string& address) const;
  void expand(const std::string& id, Entry& entry);
  std::vector<Recipient> expanded(const Message& message, const Recipient& to,
                                  std::string& fault) const;

  // runner_settle.cc
  void arrived(const std::shared_ptr<Sent>& sent, const relay::JobResult& result);
  void settle(const Sent& sent, const relay::JobResult& result);
  void take_result(Entry& entry, Recipient& to, const relay::Result& result, Settled& settled);
  void add_bounces(const Entry& entry, const Message& message, Settled& settled);
  void commit(const std::shared_ptr<Settled>& settled);
  void write(const std::shared_ptr<Settled>& settled);
  void write_later(Entry& entry);
  void put_bounce(const std::shared_ptr<Settled>& settled);
  spool::Store::Done when_stored(const std::shared_ptr<Settled>& settled);
  void stored(const std::shared_ptr<Settled>& settled, const std::string& failure);
  void committed(const std::shared_ptr<Settled>& settled, const std::string& failure);
  void tell(const Settled& settled);
  void write_summary();

  // runner_act.cc
  void apply(const std::string& id, Entry& entry, const Event& event,
             const std::shared_ptr<Asked>& asked = nullptr);
  void note_change(const std::string& id, Message& message, std::uint32_t place, const Step& took,
                   Settled& settled);
  void begin_count_anew(Message& message, Settled& settled);

  // runner_faults.cc
  std::string hop_of(const std::string& domain) const;
  bool fails(const std::string& hop) const;
  void after_result(const Settled& settled, const Slim& slim, const Progress& before,
                    const relay::Result& result);
  void hop_works(const std::string& hop, SteadyTime begun);
  void wake_hop(const std::string& hop);
  void name_hops_anew();
  void forget_hops();
  void note_fault(const std::string& id, const Slim& slim);
  void try_after(const std::string& fault);
  void end_fault(const std::string& fault);
  void probe_faults();
  void note_loop(const std::string& domain, const std::string& why);
  void end_alarms();
  void note_crashes();
  void note_crash(const std::string& id, unsigned count);
  void no_longer_suspect(const std::string& id);
  void forgive(const std::string& id);

  const Needs needs_;
  Site site_;
  std::string index_;
  std::mt19937 random_{std::random_device{}()};
  Entries entries_;
  std::set<std::pair<WallTime, std::string>> due_;
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> domains_;
  Ready ready_;
  std::set<std::string> suspects_;  // under way at a crash: tried alone
  std::deque<Ready::Item> suspects_ready_;
  std::optional<std::string> alone_;  // the suspect under way
  std::map<std::string, unsigned> marks_;
  std::set<std::string> unread_;  // other processes have changed them
  bool loaded_ = false;           // all that the index had at the start
  struct Hop {
    std::set<std::string> ids;  // of messages that wait because it did not work
    std::optional<SteadyTime> woken;
  };
  std::unordered_map<std::string, Hop> failing_hops_;
  struct Fault {
    std::set<std::string> ids;   // of messages that are held for it, and perhaps others
    std::set<std::string> hops;  // a success there ends it
    SteadyTime noted{};          // last
    WallTime since{};
    WallTime probe{};
  };
  std::map<std::string, Fault> faults_;
  std::set<std::string> loops_;    // domains: alarms that last
  std::set<std::string> crashes_;  // ids: the same
  std::deque<std::pair<SteadyTime, std::int64_t>> done_;
  std::deque<std::pair<SteadyTime, std::shared_ptr<Settled>>> again_;
  bool draining_ = false;
  std::size_t committing_ = 0;                // of all entries
  Guarded<std::optional<std::size_t>> busy_;  // while it drains
  SteadyTime next_tend_{};
  SteadyTime next_forget_{};
  Guarded<Counts> counts_;
  std::shared_ptr<RunQueue> tasks_ = std::make_shared<RunQueue>();
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace sekisho::queue
