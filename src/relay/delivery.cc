#include "relay/delivery.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "relay/maildir.h"
#include "relay/mx_lookup.h"
#include "relay/results.h"
#include "relay/secret_file.h"

namespace sekisho::relay {

namespace {

using Code = Result::Code;

// Reads the message once, so that BODY can say what it holds.
Expected<std::shared_ptr<OpenMessage>, std::string> open_message(const Job& job) {
  auto content = job.open();
  if (!content) return tl::unexpected<std::string>(content.error());
  auto message = std::make_shared<OpenMessage>();
  message->size = (*content)->size();
  for (std::uint64_t at = 0; at < message->size && !message->eight_bit;) {
    auto block = (*content)->read(at, block_octets);
    if (!block) return tl::unexpected<std::string>(block.error());
    if (block->empty()) return tl::unexpected<std::string>("it is shorter than it was");
    message->eight_bit = !is_ascii(*block);
    const std::size_t octets = block->size();
    if (at == 0) message->first = std::move(*block);
    at += octets;
  }
  message->content.with([&](auto& kept) { kept = std::move(*content); });
  return message;
}

std::string text_of(const HopAddress& address) {
  std::string text = address.address.text();
  if (address.scope != 0) text += "%" + std::to_string(address.scope);
  return text;
}

}  // namespace

bool speaks_of_address(const std::string& reply) {
  const std::string text = ascii::lower(reply);
  const auto has = [&](const char* word) { return text.find(word) != std::string::npos; };
  // 5.7.25 to 5.7.27: reverse DNS and authentication of the sender (RFC 7372, IANA).
  return has("ipv6") || has("ptr record") || has("reverse dns") || has("rdns") ||
         has("reverse lookup") || has("5.7.25") || has("5.7.26") || has("5.7.23") ||
         has("5.7.27") || has("unauthenticated");
}

std::string Delivery::Hop::text() const {
  if (!address) return path;
  const std::string in_brackets = "[" + text_of(*address) + "]:" + std::to_string(port);
  return name == address->address.text() ? in_brackets : name + in_brackets;
}

Delivery::Delivery(Lane& lane, std::string destination, Request request)
    : lane_(lane),
      destination_(std::move(destination)),
      request_(std::move(request)),
      route_(request_.job.map->find(request_.job.domain)),
      egress_(request_.job.map->egress_of(route_)),
      options_(lane_.shared().options()),
      begin_(steady_now()),
      results_(request_.job.targets.size()),
      last_(request_.job.targets.size()) {}

std::size_t Delivery::concurrency() const {
  return route_ == nullptr ? Route().concurrency : route_->concurrency;
}

Via::Kind Delivery::kind() const { return route_ == nullptr ? Via::Kind::mx : route_->via.kind; }

RouteTls Delivery::tls_level() const {
  // What goes through a Unix socket does not leave this host.
  if (kind() == Via::Kind::lmtp_unix) return RouteTls::none;
  if (has_login()) return RouteTls::verified;
  return route_ == nullptr ? RouteTls::opportunistic : route_->tls;
}

void Delivery::start() {
  if (kind() == Via::Kind::maildir || kind() == Via::Kind::discard) return deliver_locally();
  if (route_ != nullptr) {
    if (const Result* why = lane_.memory().paused(fault_name(), steady_now())) paused_ = *why;
  }
  if (paused_ && !has_login()) return settle_all(*paused_);
  if (route_ == nullptr && request_.job.map->is_own_name(request_.job.domain)) {
    return settle_all(make_result(Code::loop, "4.4.6",
                                  request_.job.domain + " is this host, and has no [[route]]"));
  }
  prepare();
}

void Delivery::deliver_locally() {
  reached_ = true;
  if (kind() == Via::Kind::discard)
    return settle_all(make_result(Code::sent, "2.0.0", "discarded by the route"));
  if (request_.probe) {
    return settle_all(make_result(Code::sent, "2.1.5", "a Maildir takes every recipient"));
  }
  lane_.shared().folders.post([self = shared_from_this()]() mutable {
    auto done = deliver_to_maildirs(self->request_.job, self->route_->via.target,
                                    self->options_->delimiter);
    const auto executor = self->lane_.loop().executor();
    executor->post([self = std::move(self), done = std::move(done)] {
      for (std::size_t i = 0; i < done.results.size(); ++i) self->results_[i] = done.results[i];
      self->finish();
    });
  });
  storing_ = true;  // its result comes by this loop
}

// The message and the password are read on a thread that may wait for the disk.
void Delivery::prepare() {
  lane_.shared().readers.post([self = shared_from_this()]() mutable {
    Prepared ready;
    if (!self->request_.probe && !self->paused_) ready.message = open_message(self->request_.job);
    if (self->has_login()) {
      const bool token = !self->route_->token_file.empty();
      ready.secret = read_secret(token ? self->route_->token_file : self->route_->password_file);
    }
    const auto executor = self->lane_.loop().executor();
    executor->post([self = std::move(self), ready = std::move(ready)]() mutable {
      self->prepared(std::move(ready));
    });
  });
}

void Delivery::prepared(Prepared ready) {
  if (ended_) return;
  if (ready.secret && !*ready.secret) {
    return settle_all(own_fault("4.7.8", "the login of the route: " + ready.secret->error(),
                                std::string(route_fault) + fault_name()));
  }
  if (ready.secret) secret_ = std::move(**ready.secret);
  // Another password ends the pause at once.
  if (const auto paused = std::exchange(paused_, std::nullopt)) {
    if (!lane_.memory().is_new_secret(fault_name(), secret_)) return settle_all(*paused);
    return prepare();
  }
  if (!ready.message) return settle_all(unreadable(ready.message.error()));
  message_ = std::move(*ready.message);
  find_hops();
}

// --- The next hops

void Delivery::find_hops() {
  switch (kind()) {
    case Via::Kind::lmtp_unix:
      hops_.push_back({route_->via.target, std::nullopt, route_->via.target, 0, false});
      return next_hop();
    case Via::Kind::lmtp:
    case Via::Kind::smtp_host:
    case Via::Kind::smtps_host:
      return look_up(route_->via.target);
    case Via::Kind::smtp_domain:
    case Via::Kind::mx:
      break;
    case Via::Kind::maildir:
    case Via::Kind::discard:
      return;
  }
  mx_ = mx_options(*request_.job.map, egress_.family);
  mx_.seed = static_cast<std::uint64_t>(begin_.time_since_epoch().count());
  share_.most = max_questions_of_hops;
  std::weak_ptr<Delivery> weak = weak_from_this();
  inquiry_ =
      std::make_unique<dns::Inquiry>(lane_.shared().resolver, options_->dns,
                                     [weak = std::move(weak), executor = lane_.loop().executor()] {
                                       executor->post([weak] {
                                         const auto self = weak.lock();
                                         if (self && self->inquiry_ && self->inquiry_->collect())
                                           self->ask_dns();
                                       });
                                     });
  ask_dns();
}

void Delivery::look_up(const std::string& host) {
  // An address is not to wait behind names that the system is asked for.
  if (auto numeric = numeric_host(host)) return looked_up(*std::move(numeric));
  lane_.shared().names.post([self = shared_from_this(), host]() mutable {
    auto found = look_up_host(host, self->egress_.family);
    const auto executor = self->lane_.loop().executor();
    executor->post([self = std::move(self), found = std::move(found)] { self->looked_up(found); });
  });
}

void Delivery::looked_up(const Expected<std::vector<HopAddress>, LookupError>& found) {
  if (ended_) return;
  if (!found) return settle_all(make_result(Code::deferred, "4.4.4", found.error().what));
  add_hops(route_->via.target, *found, route_->via.port);
  next_hop();
}

// Its domain is checked where it was read, so only an odd recipient has none that can be asked.
void Delivery::ask_dns() {
  const bool by_route = kind() == Via::Kind::smtp_domain;
  const auto domain = mail::DomainName::parse(by_route ? route_->via.target : request_.job.domain);
  if (!domain) {
    return settle_all(make_result(Code::failed, "5.1.2", "the domain: " + domain.error().what));
  }
  for (;;) {
    auto found = next_hops(*domain, mx_, inquiry_->answers());
    if (found.done()) {
      inquiry_.reset();
      return on_hops(*found.result);
    }
    if (inquiry_->all_known(found.needed)) continue;
    if (!inquiry_->ask(found.needed, found.hints, share_).empty()) {
      inquiry_.reset();
      return settle_all(make_result(Code::deferred, "4.4.3", "too many questions to the DNS"));
    }
    if (!inquiry_->all_known(found.needed)) return;
  }
}

void Delivery::on_hops(const NextHops& hops) {
  const bool by_route = kind() == Via::Kind::smtp_domain;
  switch (hops.code) {
    case NextHops::Code::found:
      break;
    case NextHops::Code::null_mx:
      return settle_all(by_route ? own_fault("4.1.10", hops.why, "mx:" + fault_name())
                                 : make_result(Code::failed, "5.1.10", hops.why));
    case NextHops::Code::no_domain:
      return settle_all(make_result(by_route ? Code::deferred : Code::failed,
                                    by_route ? "4.4.4" : "5.4.4", hops.why));
    case NextHops::Code::loop:
      return settle_all(make_result(Code::loop, "4.4.6", hops.why));
    case NextHops::Code::no_address:
      return settle_all(make_result(Code::deferred, "4.4.4", hops.why));
  }
  constexpr std::uint16_t smtp_port = 25;
  const std::uint16_t port =
      route_ == nullptr || route_->via.port == 0 ? smtp_port : route_->via.port;
  for (const auto& host : hops.hosts) {
    std::vector<HopAddress> addresses;
    for (const auto& one : host.addresses) addresses.push_back({one, 0});
    add_hops(host.name, addresses, port);
  }
  next_hop();
}

void Delivery::add_hops(const std::string& name, const std::vector<HopAddress>& addresses,
                        std::uint16_t port) {
  for (const auto& address : addresses) hops_.push_back({name, address, "", port, false});
}

// --- Results

std::vector<std::size_t> Delivery::pending() const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < results_.size(); ++i) {
    if (!results_[i]) out.push_back(i);
  }
  return out;
}

void Delivery::keep(Result result) {
  result.took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - begin_);
  if (result.host.empty() && hop_) result.host = hop_->text();
  for (const std::size_t i : pending()) {
    // What another host has said counts more than that this one does not answer.
    const bool weaker = result.code == Code::deferred && last_[i] &&
                        (last_[i]->code == Code::own_fault || last_[i]->code == Code::failed);
    if (!weaker) last_[i] = result;
  }
}

void Delivery::settle_all(const Result& result) {
  keep(result);
  finish();
}

void Delivery::stop() {
  // Nothing can call it back, and who said otherwise would deliver it twice.
  if (storing_) return;
  const auto connecting = connecting_;
  const auto connection = connection_;
  settle_all(make_result(Code::deferred, "4.3.2", "the daemon ends"));
  if (connecting) connecting->cancel();
  if (connection) connection->close();
}

void Delivery::finish() {
  if (std::exchange(ended_, true)) return;
  inquiry_.reset();
  connecting_.reset();
  connection_.reset();
  message_.reset();
  for (std::size_t i = 0; i < results_.size(); ++i) {
    auto& one = results_[i] ? results_[i] : last_[i];
    out_.results.push_back(one ? std::move(*one)
                               : make_result(Code::deferred, "4.3.0", "no result"));
  }
  const auto self = shared_from_this();
  lane_.finished(self, reached_);
  request_.done(std::move(out_));
}

}  // namespace sekisho::relay
