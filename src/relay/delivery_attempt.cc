// The part of relay/delivery.h that tries one next hop after the other.
#include <algorithm>
#include <functional>
#include <utility>

#include "relay/delivery.h"
#include "relay/results.h"

namespace sekisho::relay {

using Code = Result::Code;

namespace {

constexpr std::chrono::seconds connect_timeout(30);

bool is_opportunistic(RouteTls level) { return level == RouteTls::opportunistic; }

}  // namespace

void Delivery::next_hop() {
  if (ended_) return;
  if (hops_.empty()) return finish();
  hop_ = std::move(hops_.front());
  hops_.pop_front();
  hop_->without_tls = hop_->without_tls || (is_opportunistic(tls_level()) &&
                                            lane_.memory().tls_is_broken(hop_->name, steady_now()));
  try_hop(true);
}

void Delivery::try_hop(bool may_reuse) {
  const Trust& trust = options_->trust;
  trusted_ = hop_level() == RouteTls::verified ? trust.verified : trust.any;
  if (may_reuse) {
    if (auto connection = lane_.resting(connection_key())) return run(std::move(connection), true);
  }
  connect();
}

// What two deliveries must have in common to use one connection.
std::string Delivery::connection_key() const {
  const char separator = '\n';
  std::string key = hop_->text() + separator + destination_ + separator;
  key += std::to_string(static_cast<int>(kind())) + separator + egress_.ipv4 + separator +
         egress_.ipv6 + separator + helo() + separator + std::string(to_string(hop_level())) +
         separator;
  // A connection keeps its context alive, so that no other one has this address.
  key += std::to_string(std::hash<const void*>{}(trusted_.get())) + separator;
  if (route_ != nullptr) {
    key += route_->tls_name + separator + route_->login + separator + secret_;
  }
  return key;
}

void Delivery::connect() {
  net::Dial dial;
  dial.within = connect_timeout;
  if (hop_->address) {
    dial.to = socket_name(*hop_->address, hop_->port);
    dial.from = source_for(egress_, *hop_->address);
  } else if (!net::set_unix(dial.to, hop_->path)) {
    return settle_all(own_fault("4.3.5", hop_->path + ": the path is too long for a socket",
                                "socket:" + hop_->path));
  }
  connecting_ = net::connect(lane_.loop(), dial, [self = shared_from_this()](auto link) {
    self->connecting_.reset();
    if (!self->ended_) self->connected(std::move(link));
  });
}

void Delivery::connected(Expected<net::Link, net::ConnectError> link) {
  if (link) {
    auto connection = std::make_shared<HopConnection>(std::move(*link), setup_of(*hop_));
    connection->start();
    return run(std::move(connection), false);
  }
  const std::string why = "connect to " + hop_->text() + ": " + link.error().what;
  if (link.error().at_source) {
    const std::string source = source_text(egress_, *hop_->address);
    // From another address nothing leaves: it would have neither the name nor the rights of this.
    return settle_all(own_fault("4.4.2", source + ": this host does not have that address",
                                "egress:" + source.substr(source.rfind(' ') + 1)));
  }
  if (!hop_->address) return settle_all(own_fault("4.4.1", why, "socket:" + hop_->path));
  // LMTP on this host is the same by TCP; "localhost" may have another address.
  const bool here = kind() == Via::Kind::lmtp && mail::is_loopback(hop_->address->address);
  keep(here ? own_fault("4.4.1", why, "socket:" + hop_->text())
            : make_result(Code::deferred, "4.4.1", why));
  next_hop();
}

HopConnection::Setup Delivery::setup_of(const Hop& hop) {
  HopConnection::Setup setup;
  setup.conversation = {kind() == Via::Kind::lmtp || kind() == Via::Kind::lmtp_unix, helo(),
                        hop_level(), kind() == Via::Kind::smtps_host};
  if (has_login()) {
    setup.login =
        std::make_unique<Login>(Credentials{route_->login, secret_, !route_->token_file.empty()});
  }
  setup.tls = trusted_;
  const bool named = route_ != nullptr && !route_->tls_name.empty();
  setup.tls_name = named ? route_->tls_name : hop.name;
  setup.timeout = egress_.timeout;
  setup.opening = "connected to " + hop.text();
  setup.readers = &lane_.shared().readers;
  return setup;
}

Transaction Delivery::transaction() const {
  Transaction it;
  const Job& job = request_.job;
  it.sender = job.sender.raw();
  it.parameters = job.parameters;
  for (const std::size_t i : pending())
    it.recipients.push_back({job.targets[i].path.raw(), job.targets[i].parameters});
  it.size = message_ ? message_->size : 0;
  it.eight_bit = message_ && message_->eight_bit;
  it.probe = request_.probe;
  return it;
}

void Delivery::run(std::shared_ptr<HopConnection> connection, bool reused) {
  connection_ = connection;
  // A hop after the first begins to read anew.
  std::shared_ptr<OpenMessage> message = message_;
  connection->run(transaction(), message,
                  [self = shared_from_this(), connection, reused](Outcome outcome) {
                    if (self->ended_) return;
                    self->on_outcome(std::move(outcome), connection, reused);
                  });
}

void Delivery::on_outcome(Outcome outcome, const std::shared_ptr<HopConnection>& connection,
                          bool reused) {
  connection_.reset();
  if (reused && outcome.unheard) return try_hop(true);
  const auto& lines = connection->conversation().dialogue();
  out_.dialogue.assign(lines.begin(), lines.end());
  out_.tls = connection->tls();
  reached_ = reached_ || outcome.trouble != Trouble::host;
  if (route_ != nullptr && outcome.trouble == Trouble::none)
    lane_.memory().login_worked(fault_name());
  if (connection->reusable()) lane_.rest(connection_key(), connection);
  judge(outcome);
  switch (outcome.trouble) {
    case Trouble::none:
      return try_other_family() ? next_hop() : finish();
    case Trouble::login:
      return finish();
    case Trouble::host:
    case Trouble::tls:
      return next_hop();
    case Trouble::tls_broken:
      break;
  }
  lane_.memory().tls_broke(hop_->name, steady_now());
  hop_->without_tls = true;
  try_hop(true);
}

// Where another hop may do better, a result is not final yet.
void Delivery::judge(Outcome& outcome) {
  const auto which = pending();
  for (std::size_t i = 0; i < which.size() && i < outcome.results.size(); ++i) {
    Result& result = outcome.results[i];
    result.host = hop_->text();
    result.took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - begin_);
    if (result.code == Code::own_fault && result.fault.empty()) {
      result.fault =
          (outcome.trouble == Trouble::login ? std::string(route_fault) : "tls:") + fault_name();
    }
    const bool open = outcome.trouble == Trouble::host || outcome.trouble == Trouble::tls ||
                      outcome.trouble == Trouble::tls_broken;
    const bool by_address = result.code == Code::failed && speaks_of_address(result.reply);
    auto& last = last_[which[i]];
    const bool weaker = last && last->code == Code::own_fault && result.code == Code::deferred;
    if (!weaker) last = result;
    if (!(open && result.code != Code::failed && result.code != Code::sent) && !by_address)
      results_[which[i]] = result;
  }
  if (outcome.trouble == Trouble::login && route_ != nullptr) pause_route(outcome);
}

// All that would take the route get this result, so it must be the one of the login: another
// recipient may have been refused for what it is.
void Delivery::pause_route(const Outcome& outcome) {
  for (const Result& result : outcome.results) {
    if (result.code != Code::own_fault) continue;
    return lane_.memory().pause(fault_name(), result, secret_, steady_now());
  }
}

// Once more, by the family that this refusal does not speak of; true: there is one.
bool Delivery::try_other_family() {
  if (pending().empty() || std::exchange(other_family_tried_, true) || !hop_->address) return false;
  leave_one_of_other_family(hops_, *hop_);
  return !hops_.empty();
}

void leave_one_of_other_family(std::deque<Delivery::Hop>& left, const Delivery::Hop& tried) {
  const auto family = tried.address->address.family();
  std::erase_if(left, [&](const Delivery::Hop& each) {
    return !each.address || each.address->address.family() == family;
  });
  if (left.size() > 1) left.resize(1);
}

}  // namespace sekisho::relay
