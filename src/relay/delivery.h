// relay/delivery.h: one job on its way: finds the next hops, tries them one after the other, and
// gives each recipient a result.
// Errors: results. Thread: its lane's.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dns/inquiry.h"
#include "net/connect.h"
#include "relay/egress.h"
#include "relay/host_lookup.h"
#include "relay/lane.h"
#include "relay/mx.h"

namespace sekisho::relay {

// Whether a refusal speaks of the address that we sent from, so that the other family may do
// better.
bool speaks_of_address(const std::string& reply);

class Delivery final : public std::enable_shared_from_this<Delivery> {
 public:
  // One address of one host; or a Unix socket.
  struct Hop {
    std::string name;
    std::optional<HopAddress> address;
    std::string path;
    std::uint16_t port = 0;
    bool without_tls = false;  // its TLS is broken
    std::string text() const;  // "mx.example[192.0.2.1]:25"
  };

  Delivery(Lane& lane, std::string destination, Request request);

  void start();
  void stop();
  const std::string& destination() const { return destination_; }
  std::size_t concurrency() const;
  bool is_probe() const { return request_.probe; }

 private:
  struct Prepared {
    Expected<std::shared_ptr<OpenMessage>, std::string> message;
    std::optional<Expected<std::string, std::string>> secret;
  };

  Via::Kind kind() const;
  RouteTls tls_level() const;
  // Two routes to one host differ by their login, so a password that is refused stops only its own.
  const std::string& fault_name() const { return destination_; }
  RouteTls hop_level() const { return hop_->without_tls ? RouteTls::none : tls_level(); }
  const std::string& helo() const {
    return egress_.helo.empty() ? request_.job.map->options().hostname : egress_.helo;
  }
  bool has_login() const { return route_ != nullptr && !route_->login.empty(); }

  void deliver_locally();
  void prepare();
  void prepared(Prepared ready);
  void find_hops();
  void look_up(const std::string& host);
  void looked_up(const Expected<std::vector<HopAddress>, LookupError>& found);
  void ask_dns();
  void on_hops(const NextHops& hops);
  void add_hops(const std::string& name, const std::vector<HopAddress>& addresses,
                std::uint16_t port);

  void next_hop();
  void try_hop(bool may_reuse);
  void connect();
  void connected(Expected<net::Link, net::ConnectError> link);
  void run(std::shared_ptr<HopConnection> connection, bool reused);
  void on_outcome(Outcome outcome, const std::shared_ptr<HopConnection>& connection, bool reused);
  void judge(Outcome& outcome);
  void pause_route(const Outcome& outcome);
  bool try_other_family();
  HopConnection::Setup setup_of(const Hop& hop);
  std::string connection_key() const;
  Transaction transaction() const;

  std::vector<std::size_t> pending() const;
  // For all that have no final result; `last`: the result if no hop does better.
  void keep(Result result);
  void settle_all(const Result& result);
  void finish();

  Lane& lane_;
  const std::string destination_;
  Request request_;
  const Route* const route_;
  const Egress egress_;
  const std::shared_ptr<const TransportOptions> options_;
  const SteadyTime begin_;
  std::vector<std::optional<Result>> results_;  // final
  std::vector<std::optional<Result>> last_;     // of the last hop
  std::shared_ptr<OpenMessage> message_;
  std::string secret_;
  std::optional<Result> paused_;  // the route is, unless its password has changed
  std::unique_ptr<dns::Inquiry> inquiry_;
  dns::Share share_;
  MxOptions mx_;
  std::deque<Hop> hops_;
  std::optional<Hop> hop_;                             // the one that is tried
  std::shared_ptr<const tls::ClientContext> trusted_;  // for its connection
  std::shared_ptr<net::Connecting> connecting_;
  std::shared_ptr<HopConnection> connection_;
  bool reached_ = false;
  bool other_family_tried_ = false;
  bool storing_ = false;  // a Maildir task was posted: its result comes
  bool ended_ = false;
  JobResult out_;
};

// Of what is left to try the first that is of another family than the one that has refused.
void leave_one_of_other_family(std::deque<Delivery::Hop>& left, const Delivery::Hop& tried);

}  // namespace sekisho::relay
