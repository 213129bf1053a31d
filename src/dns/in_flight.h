// dns/in_flight.h: the questions in flight. They are joined, sent, repeated, moved to another
// server or to TCP, followed along a CNAME, answered and cached. This class only decides; its
// caller sends the packets, outside the lock, from the `Effects` that it returns. RFC 1035 §7, RFC
// 2308, RFC 5452.
// Errors: answers with Outcome::error. Thread: one owner (the resolver guards it).
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/memory.h"
#include "dns/cache.h"
#include "dns/codec.h"
#include "dns/options.h"
#include "dns/random.h"
#include "dns/resolver.h"
#include "dns/server_list.h"
#include "dns/udp_pool.h"

namespace sekisho::dns {

// The work to do once the lock is released.
struct Effects {
  struct Datagram {
    UdpSocketPtr socket;
    std::string packet;
  };
  struct TcpStart {
    std::uint64_t query;
    ServerPtr server;
    Sent sent;
    std::string packet;
    SteadyTime until;
  };
  std::vector<Datagram> datagrams;
  std::vector<TcpStart> tcp;
};

class InFlight {
 public:
  // Callbacks that may wait: 1,000 messages with 20 questions each. Each may cost a kilobyte.
  static constexpr std::size_t max_waiting = 20'000;
  // Octets of cached answers: three times what options.cache_entries typical answers take.
  static constexpr std::size_t max_cache_octets = std::size_t{32} << 20;
  // The first repetition comes after this, the n-th one n times this after the one before:
  // 0.4, 1.2, 2.4 and 4 s after the question. A live resolver on this host or network answers or
  // begins to recurse well before.
  static constexpr std::chrono::milliseconds first_retry{400};
  // A server that truncates must answer over TCP within this, or another is asked.
  static constexpr std::chrono::milliseconds tcp_time{2000};

  InFlight(const Options& options, int epoll, std::vector<ServerAddress> servers);

  void set_servers(std::vector<ServerAddress> addresses) {
    servers_.replace(std::move(addresses), pool_);
  }
  // What is wrong with the source of the servers (resolv.conf).
  void set_problem(std::string problem) { status_.problem = std::move(problem); }

  // For the asking threads. If ask() throws for want of memory, nothing was asked.
  struct Asked {
    AnswerPtr at_once = nullptr;  // then `done` is not called
    Resolver::Ticket ticket = 0;
    bool wake = false;  // the loop sleeps too long for this one
  };
  AnswerPtr at_hand(const Question& question, SteadyTime now);
  Asked ask(const Question& question, Resolver::Callback& done, SteadyTime now, Effects& effects);
  void cancel(Resolver::Ticket ticket);
  ResolverStatus status() const;

  // For the loop.
  struct Match {
    std::uint64_t query;
    ServerPtr server;
    Sent sent;
  };
  UdpSocketPtr socket(std::uint64_t token) const { return pool_.find(token); }
  std::optional<Match> match(const UdpSocketPtr& socket, std::uint16_t id);
  void received(const Match& match, Reply reply, SteadyTime now, Effects& effects);
  void tcp_failed(std::uint64_t query, const ServerPtr& server, SteadyTime now, Effects& effects);
  void unreachable(const UdpSocketPtr& socket, SteadyTime now, Effects& effects);
  void count_ignored() { ++status_.ignored; }
  void tick(SteadyTime now, Effects& effects);
  // When the loop must call again; it must not sleep longer.
  SteadyTime sleep_until(SteadyTime now);
  // A callback to be called now, outside the lock; one at a time, so that cancel() finds those
  // still to come. nullopt if there is none.
  std::optional<std::pair<Resolver::Callback, AnswerPtr>> take_finished() noexcept;
  // Everything open, and asked from now on, fails.
  void shut_down();

 private:
  // Kept in lists, so that a waiter can be moved from those that wait to those that are called
  // without an allocation that could fail.
  struct Waiter {
    Resolver::Ticket ticket;
    Resolver::Callback done;
    AnswerPtr answer = nullptr;
  };
  using Waiters = std::list<Waiter>;
  struct Attempt {
    UdpSocketPtr socket;
    std::uint16_t id;
    ServerPtr server;
    SteadyTime sent;
    bool edns;
  };
  struct Query {
    Query(std::uint64_t n, const Question& q, SteadyTime until)
        : number(n),
          question(q),
          sent{q, {}, 0, 0, false},
          deadline(until),
          why(error_answer("timeout")) {}

    std::uint64_t number;
    Question question;  // as it was asked of us
    Sent sent;          // as it is asked now: after aliases another name
    Waiters waiters;
    std::uint64_t tickets = 0;
    SteadyTime deadline;
    SteadyTime next_step{};
    std::vector<Attempt> attempts;
    std::vector<Trial> trials;
    std::chrono::seconds ttl = std::chrono::hours(24);  // smallest so far
    Answer why;        // the failure to report when nothing better comes
    bool edns = true;  // no server has refused it so far
    bool over_tcp = false;
  };
  struct Timer {
    SteadyTime due;
    std::uint64_t query;
    bool operator>(const Timer& other) const { return due > other.due; }
  };
  Query& start(const Question& question, SteadyTime now);
  void take_reply(const Match& match, Reply reply, SteadyTime now, Effects& effects);
  void aim(Query& query, const Question& question);
  void send_to_next(Query& query, SteadyTime now, Effects& effects);
  void send(Query& query, const ServerPtr& server, SteadyTime now, Effects& effects);
  void schedule(Query& query, SteadyTime due);
  void start_tcp(Query& query, const Match& match, SteadyTime now, Effects& effects);
  static void learn_of_edns(Query& query, const Match& match, Reply::Kind kind, SteadyTime now);
  void without_edns(Query& query, const Match& match, Reply& reply, SteadyTime now,
                    Effects& effects);
  void follow_alias(Query& query, Reply& reply, SteadyTime now, Effects& effects);
  void server_failed(Query& query, const ServerPtr& server, Answer why, SteadyTime now,
                     Effects& effects);
  void step(Query& query, SteadyTime now, Effects& effects);
  void finish(Query& query, Answer answer, SteadyTime now);
  void finish(Query& query, const AnswerPtr& answer) noexcept;
  // Does `work` on one query. If it throws for want of memory, the query ends with an error.
  // Otherwise no timer would ever repeat or end it, and everybody who asks the same would join it.
  template <class Work>
  void attempt(std::uint64_t query, Work&& work) noexcept {
    if (contained(work)) return;
    if (Query* broken = find(query)) finish(*broken, no_memory_);
  }
  void forget_attempts(Query& query);
  Query* find(std::uint64_t number);

  std::chrono::milliseconds timeout_;
  const AnswerPtr no_memory_;
  Random random_;
  UdpPool pool_;
  ServerList servers_;
  Cache cache_;
  std::unordered_map<std::uint64_t, Query> queries_;
  std::unordered_map<Question, std::uint64_t, QuestionHash> by_question_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  Waiters finished_;
  ResolverStatus status_;
  std::uint64_t last_query_ = 0;
  std::size_t waiting_ = 0;
  SteadyTime sleeping_until_ = SteadyTime::max();
  bool asked_since_sleep_ = false;
  bool shut_down_ = false;
};

}  // namespace sekisho::dns
