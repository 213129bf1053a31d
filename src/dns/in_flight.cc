#include "dns/in_flight.h"

#include <algorithm>

namespace sekisho::dns {

namespace {

using namespace std::chrono_literals;

// A ticket is the number of the query and that of the waiter in it. Waiters may come and go: 16
// million in one timeout.
constexpr unsigned waiter_bits = 24;
// While there is work the loop wakes this often. That is before the first repetition of a question
// asked meanwhile, so that a thread that asks need not wake it.
constexpr auto busy_sleep = 250ms;
constexpr auto idle_sleep = 2s;
static_assert(busy_sleep < InFlight::first_retry);

AnswerPtr share(Answer answer) { return std::make_shared<const Answer>(std::move(answer)); }

Trial& trial_of(std::vector<Trial>& trials, const ServerPtr& server) {
  const auto found = std::find_if(trials.begin(), trials.end(),
                                  [&](const Trial& t) { return t.server == server; });
  return found != trials.end() ? *found : trials.emplace_back(Trial{server});
}

bool was_asked(const std::vector<Trial>& trials, const ServerPtr& server) {
  return std::any_of(trials.begin(), trials.end(),
                     [&](const Trial& t) { return t.server == server && t.sends > 0; });
}

}  // namespace

InFlight::InFlight(const Options& options, int epoll, std::vector<ServerAddress> servers)
    : timeout_(options.timeout),
      no_memory_(share(error_answer("no memory"))),
      pool_(epoll),
      cache_(options.cache_entries, max_cache_octets) {
  set_servers(std::move(servers));
}

AnswerPtr InFlight::at_hand(const Question& question, SteadyTime now) {
  AnswerPtr hit = cache_.find(question, now);
  if (hit != nullptr) {
    ++status_.questions;
    ++status_.cache_hits;
  }
  return hit;
}

InFlight::Asked InFlight::ask(const Question& question, Resolver::Callback& done, SteadyTime now,
                              Effects& effects) {
  if (AnswerPtr hit = at_hand(question, now)) return {std::move(hit)};
  ++status_.questions;
  if (shut_down_ || waiting_ >= max_waiting) {
    ++status_.failures;
    return {share(error_answer(shut_down_ ? "shutting down" : "resolver busy"))};
  }
  Waiters one(1);
  const auto known = by_question_.find(question);
  const bool joins = known != by_question_.end();
  Query& query = joins ? queries_.at(known->second) : start(question, now);
  const std::uint64_t number = query.number;
  const Resolver::Ticket ticket =
      number << waiter_bits | (query.tickets++ & ((1U << waiter_bits) - 1));
  one.front().ticket = ticket;
  one.front().done = std::move(done);
  query.waiters.splice(query.waiters.end(), one);
  ++waiting_;
  if (joins) {
    ++status_.coalesced;
    return {nullptr, ticket, false};
  }
  attempt(number, [&] { send_to_next(query, now, effects); });
  asked_since_sleep_ = true;
  // The question has ended already; its callback is about to be called.
  const Query* under_way = find(number);
  const SteadyTime next_step = under_way != nullptr ? under_way->next_step : now;
  const bool wake = next_step < sleeping_until_;
  if (wake) sleeping_until_ = next_step;
  return {nullptr, ticket, wake};
}

InFlight::Query& InFlight::start(const Question& question, SteadyTime now) {
  const std::uint64_t number = ++last_query_;
  Query& query = queries_.try_emplace(number, number, question, now + timeout_).first->second;
  try {
    aim(query, question);
    by_question_.emplace(question, number);
  } catch (...) {
    queries_.erase(number);
    throw;
  }
  return query;
}

void InFlight::aim(Query& query, const Question& question) {
  query.sent.question = question;
  query.sent.wire_name = to_wire(question.name);
  mix_case(query.sent.wire_name, random_.bits64());
}

void InFlight::cancel(Resolver::Ticket ticket) {
  const auto erase_from = [ticket](auto& waiters) {
    return std::erase_if(waiters, [ticket](const auto& waiter) { return waiter.ticket == ticket; });
  };
  // A query without waiters is not repeated, but its answer is still welcome to the cache.
  if (Query* query = find(ticket >> waiter_bits)) {
    waiting_ -= erase_from(query->waiters);
  } else {
    erase_from(finished_);
  }
}

ResolverStatus InFlight::status() const {
  ResolverStatus status = status_;
  status.cache_entries = cache_.size();
  status.in_flight = queries_.size();
  status.servers = servers_.texts();
  return status;
}

void InFlight::send_to_next(Query& query, SteadyTime now, Effects& effects) {
  const ServerPtr server = servers_.next(query.trials, now);
  // A server that did not answer this question will not answer it now that another has said that it
  // cannot.
  const bool any_failed = std::any_of(query.trials.begin(), query.trials.end(),
                                      [](const Trial& t) { return t.failed; });
  if (server == nullptr || (any_failed && server->down && was_asked(query.trials, server))) {
    finish(query, std::move(query.why), now);
    return;
  }
  send(query, server, now, effects);
}

void InFlight::send(Query& query, const ServerPtr& server, SteadyTime now, Effects& effects) {
  Trial& trial = trial_of(query.trials, server);
  // A question without an answer is repeated without EDNS: some firewalls and home routers drop
  // packets with an OPT record.
  const bool edns = query.edns && trial.sends == 0 && server->edns.take(now);
  trial.edns_sent |= edns;
  ++trial.sends;
  // Without a socket (no route, no descriptor) the next repetition tries again.
  if (const UdpSocketPtr socket = pool_.pick(server->sockets, server->address, random_)) {
    query.attempts.reserve(query.attempts.size() + 1);  // or nobody would release the id
    const std::uint16_t id = socket->expect(query.number, random_);
    query.attempts.push_back({socket, id, server, now, edns});
    effects.datagrams.push_back(
        {socket, build_query(query.sent.wire_name, query.sent.question.type, id, edns)});
    ++status_.sent;
  } else {
    ServerList::unreachable(*server, now);
    query.why = error_answer("server unreachable");
  }
  int sends = 0;
  for (const Trial& each : query.trials) sends += each.sends;
  schedule(query, now + sends * first_retry);
}

void InFlight::schedule(Query& query, SteadyTime due) {
  query.next_step = std::min(due, query.deadline);
  timers_.push({query.next_step, query.number});
}

std::optional<InFlight::Match> InFlight::match(const UdpSocketPtr& socket, std::uint16_t id) {
  const auto number = socket->expected(id);
  Query* query = number ? find(*number) : nullptr;
  if (query == nullptr) return std::nullopt;
  for (const Attempt& attempt : query->attempts) {
    if (attempt.socket != socket || attempt.id != id) continue;
    Match match{query->number, attempt.server, query->sent};
    match.sent.id = id;
    match.sent.edns = attempt.edns;
    return match;
  }
  return std::nullopt;
}

void InFlight::received(const Match& match, Reply reply, SteadyTime now, Effects& effects) {
  attempt(match.query, [&] { take_reply(match, std::move(reply), now, effects); });
}

void InFlight::take_reply(const Match& match, Reply reply, SteadyTime now, Effects& effects) {
  Query* query = find(match.query);
  // A late second reply to a question that has moved on is ignored.
  if (reply.kind == Reply::Kind::not_ours || query == nullptr ||
      query->sent.aliases != match.sent.aliases) {
    ++status_.ignored;
    return;
  }
  ServerList::heard(*match.server, now);
  learn_of_edns(*query, match, reply.kind, now);
  switch (reply.kind) {
    case Reply::Kind::not_ours:
      return;
    case Reply::Kind::truncated:
      start_tcp(*query, match, now, effects);
      return;
    case Reply::Kind::no_edns:
    case Reply::Kind::perhaps_no_edns:
      without_edns(*query, match, reply, now, effects);
      return;
    case Reply::Kind::server_failure:
      server_failed(*query, match.server, std::move(reply.answer), now, effects);
      return;
    case Reply::Kind::alias:
      follow_alias(*query, reply, now, effects);
      return;
    case Reply::Kind::answered:
      ++status_.answered;
      finish(*query, std::move(reply.answer), now);
      return;
  }
}

void InFlight::learn_of_edns(Query& query, const Match& match, Reply::Kind kind, SteadyTime now) {
  const bool proper = kind == Reply::Kind::answered || kind == Reply::Kind::alias ||
                      (kind == Reply::Kind::truncated && !match.sent.over_tcp);
  if (!proper) return;
  EdnsSupport& edns = match.server->edns;
  const Trial& trial = trial_of(query.trials, match.server);
  if (match.sent.edns) {
    edns.answered();
  } else if (trial.edns_refused) {
    edns.refused(now);
  } else if (trial.edns_sent) {
    edns.unanswered(now);
  }
}

void InFlight::without_edns(Query& query, const Match& match, Reply& reply, SteadyTime now,
                            Effects& effects) {
  const bool genuine =
      reply.kind == Reply::Kind::perhaps_no_edns && match.server->edns.known_to_work();
  Trial& trial = trial_of(query.trials, match.server);
  if (genuine || trial.edns_refused) {
    server_failed(query, match.server, std::move(reply.answer), now, effects);
    return;
  }
  trial.edns_refused = true;
  query.edns = false;
  query.over_tcp = false;
  query.why = std::move(reply.answer);
  send(query, match.server, now, effects);
}

void InFlight::start_tcp(Query& query, const Match& match, SteadyTime now, Effects& effects) {
  if (query.over_tcp) return;
  query.over_tcp = true;
  Effects::TcpStart start{
      query.number, match.server, query.sent, {}, std::min(query.deadline, now + tcp_time)};
  start.sent.id = random_.bits16();
  start.sent.over_tcp = true;
  start.sent.edns = match.sent.edns;
  start.packet =
      build_query(query.sent.wire_name, query.sent.question.type, start.sent.id, start.sent.edns);
  effects.tcp.push_back(std::move(start));
  ++status_.sent;
  schedule(query, query.deadline);
}

void InFlight::follow_alias(Query& query, Reply& reply, SteadyTime now, Effects& effects) {
  query.ttl = std::min(query.ttl, reply.answer.ttl);
  const Question target{std::move(*reply.alias), query.question.type};
  // Not from the cache: it does not know how many links led to an answer, and the limit must not
  // depend on earlier questions.
  forget_attempts(query);
  query.trials.clear();
  query.over_tcp = false;
  query.sent.aliases = reply.aliases;
  aim(query, target);
  send_to_next(query, now, effects);
}

void InFlight::server_failed(Query& query, const ServerPtr& server, Answer why, SteadyTime now,
                             Effects& effects) {
  trial_of(query.trials, server).failed = true;
  query.why = std::move(why);
  query.over_tcp = false;
  send_to_next(query, now, effects);
}

void InFlight::tcp_failed(std::uint64_t number, const ServerPtr& server, SteadyTime now,
                          Effects& effects) {
  Query* query = find(number);
  if (query == nullptr || !query->over_tcp) return;
  attempt(number, [&] {
    server_failed(*query, server, error_answer("truncated, and no answer over TCP"), now, effects);
  });
}

void InFlight::unreachable(const UdpSocketPtr& socket, SteadyTime now, Effects& effects) {
  for (const std::uint64_t number : socket->waiting()) {
    Query* query = find(number);
    if (query == nullptr || query->over_tcp) continue;
    for (const Attempt& each : query->attempts) {
      if (each.socket == socket) ServerList::unreachable(*each.server, now);
    }
    attempt(number, [&] {
      query->why = error_answer("server unreachable");
      // Only a server that was not asked yet is asked at once: it does not help to hammer a server
      // that is being restarted.
      const ServerPtr other = servers_.next(query->trials, now);
      if (other != nullptr && !was_asked(query->trials, other)) send(*query, other, now, effects);
    });
  }
}

void InFlight::tick(SteadyTime now, Effects& effects) {
  while (!timers_.empty() && timers_.top().due <= now) {
    const Timer timer = timers_.top();
    timers_.pop();
    Query* query = find(timer.query);
    if (query == nullptr || query->next_step != timer.due) continue;
    attempt(timer.query, [&] { step(*query, now, effects); });
  }
}

void InFlight::step(Query& query, SteadyTime now, Effects& effects) {
  if (!query.attempts.empty() && !query.over_tcp) {
    const Attempt& last = query.attempts.back();
    ServerList::lost(*last.server, last.sent, now);
  }
  if (now >= query.deadline) {
    finish(query, std::move(query.why), now);
  } else if (query.waiters.empty()) {
    finish(query, error_answer("cancelled"), now);
  } else {
    send_to_next(query, now, effects);
  }
}

SteadyTime InFlight::sleep_until(SteadyTime now) {
  sleeping_until_ = now + (asked_since_sleep_ ? SteadyTime::duration(busy_sleep)
                                              : SteadyTime::duration(idle_sleep));
  asked_since_sleep_ = false;
  if (!timers_.empty()) sleeping_until_ = std::min(sleeping_until_, timers_.top().due);
  return sleeping_until_;
}

void InFlight::finish(Query& query, Answer answer, SteadyTime now) {
  answer.ttl = std::min(answer.ttl, query.ttl);
  if (answer.is_error() && !query.waiters.empty())
    ++(answer.error == "timeout" ? status_.timeouts : status_.failures);
  const AnswerPtr shared = share(std::move(answer));
  contained([&] { cache_.insert(query.question, shared, now); });
  finish(query, shared);
}

void InFlight::finish(Query& query, const AnswerPtr& answer) noexcept {
  for (Waiter& waiter : query.waiters) waiter.answer = answer;
  waiting_ -= query.waiters.size();
  finished_.splice(finished_.end(), query.waiters);
  forget_attempts(query);
  by_question_.erase(query.question);
  queries_.erase(query.number);
}

void InFlight::forget_attempts(Query& query) {
  for (const Attempt& attempt : query.attempts) pool_.release(attempt.socket, attempt.id);
  query.attempts.clear();
}

InFlight::Query* InFlight::find(std::uint64_t number) {
  const auto found = queries_.find(number);
  return found == queries_.end() ? nullptr : &found->second;
}

std::optional<std::pair<Resolver::Callback, AnswerPtr>> InFlight::take_finished() noexcept {
  if (finished_.empty()) return std::nullopt;
  std::pair<Resolver::Callback, AnswerPtr> next{std::move(finished_.front().done),
                                                std::move(finished_.front().answer)};
  finished_.pop_front();
  return next;
}

void InFlight::shut_down() {
  shut_down_ = true;
  AnswerPtr answer = no_memory_;
  contained([&] { answer = share(error_answer("shutting down")); });
  while (!queries_.empty()) finish(queries_.begin()->second, answer);
}

}  // namespace sekisho::dns
