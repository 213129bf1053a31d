#include "relay/lane.h"

#include <utility>

#include "base/memory.h"
#include "relay/delivery.h"
#include "relay/results.h"

namespace sekisho::relay {

namespace {

void refuse(const Request& request, const std::string& why) {
  JobResult out;
  out.results.assign(request.job.targets.size(), make_result(Result::Code::deferred, "4.3.2", why));
  request.done(std::move(out));
}

std::size_t concurrency_of(const Request& request) {
  const Route* route = request.job.map->find(request.job.domain);
  return route == nullptr ? Route().concurrency : route->concurrency;
}

}  // namespace

std::string route_name(const Route* route, const std::string& domain) {
  if (route == nullptr) return domain;
  const std::string port = ":" + std::to_string(route->via.port);
  switch (route->via.kind) {
    case Via::Kind::lmtp_unix:
    case Via::Kind::maildir:
      return route->via.target;
    case Via::Kind::lmtp:
    case Via::Kind::smtp_host:
    case Via::Kind::smtps_host:
      return "[" + route->via.target + "]" + port;
    case Via::Kind::smtp_domain:
      return route->via.target + port;
    case Via::Kind::mx:
    case Via::Kind::discard:
      break;
  }
  return domain;
}

// Two routes to one host may differ in all else, so the login is part of it.
std::string destination_of(const Route* route, const std::string& domain) {
  const std::string name = route_name(route, domain);
  return route == nullptr || route->login.empty() ? name : route->login + " at " + name;
}

std::string destination_of(const Job& job) {
  return destination_of(job.map->find(job.domain), job.domain);
}

void Lane::take(Request request) {
  if (stopped_) return refuse(request, "the daemon ends");
  last_map_ = request.job.map;
  const std::string name = destination_of(request.job);
  auto& [jobs, probes] = destinations_[name];
  auto& waiting = request.probe ? probes.waiting : jobs.waiting;
  if (request.probe && waiting.size() >= most_waiting_probes)
    return refuse(request, "too many recipients are asked for at once");
  waiting.push_back(std::move(request));
  begin_more(name);
}

// A request that was lost for want of memory would leave its message under way for ever: until it
// is among those that are active, it keeps its turn.
void Lane::begin_one(Turns& turns, const std::string& name) {
  std::shared_ptr<Delivery> delivery;
  const bool begun = until_memory([&] {
    delivery = std::make_shared<Delivery>(*this, name, Request(turns.waiting.front()));
    active_.insert(delivery);
  });
  const Request request = std::move(turns.waiting.front());
  turns.waiting.pop_front();
  if (!begun) {
    contained([&] { refuse(request, "no memory"); });
    return;
  }
  ++turns.active;
  if (!contained([&] { delivery->start(); })) contained([&] { delivery->stop(); });
}

void Lane::begin_more(const std::string& name) {
  for (;;) {
    const auto found = destinations_.find(name);
    if (found == destinations_.end()) return;
    auto& [jobs, probes] = found->second;
    if (jobs.idle() && probes.idle()) {
      destinations_.erase(found);
      return;
    }
    if (!probes.waiting.empty() && probes.active < most_probes) {
      begin_one(probes, name);
    } else if (!jobs.waiting.empty() &&
               jobs.active < memory_.window(name, concurrency_of(jobs.waiting.front()))) {
      begin_one(jobs, name);
    } else {
      return;
    }
  }
}

// `reached`: the host spoke with us, whatever it said.
void Lane::finished(const std::shared_ptr<Delivery>& delivery, bool reached) {
  if (active_.erase(delivery) == 0) return;
  const std::string name = delivery->destination();
  const bool probe = delivery->is_probe();
  // A host that is slow to say who exists may be quick with mail.
  if (!probe && reached) memory_.succeeded(name, delivery->concurrency());
  if (!probe && !reached) memory_.failed(name);
  if (const auto found = destinations_.find(name); found != destinations_.end()) {
    auto& active = (probe ? found->second.probes : found->second.jobs).active;
    if (active > 0) --active;
  }
  // Not from here: a thousand results that are at hand would nest.
  loop_.executor()->post([this, name] { begin_more(name); });
}

std::shared_ptr<HopConnection> Lane::resting(const std::string& key) {
  for (auto each = resting_.find(key); each != resting_.end() && each->first == key;) {
    auto connection = each->second;
    each = resting_.erase(each);
    if (!connection->reusable()) continue;
    if (connection->has_source()) return connection;
    connection->close();
  }
  return nullptr;
}

void Lane::rest(const std::string& key, const std::shared_ptr<HopConnection>& connection) {
  std::erase_if(resting_, [](const auto& each) { return !each.second->reusable(); });
  if (!connection->reusable()) return;
  if (stopped_) return connection->quit();
  connection->rest(rest_of_connection);
  resting_.emplace(key, connection);
}

void Lane::forget(const std::string& domain) {
  if (domain.empty()) return memory_.forget_all();
  if (!last_map_) return;
  Job job;
  job.domain = domain;
  job.map = last_map_;
  memory_.forget(destination_of(job));
}

void Lane::stop() {
  stopped_ = true;
  const auto waiting = std::exchange(destinations_, {});
  for (const auto& [name, destination] : waiting) {
    for (const auto* turns : {&destination.jobs, &destination.probes}) {
      for (const auto& request : turns->waiting) refuse(request, "the daemon ends");
    }
  }
  const auto active = active_;
  for (const auto& delivery : active) delivery->stop();
  for (const auto& [key, connection] : std::exchange(resting_, {})) connection->quit();
}

}  // namespace sekisho::relay
