#include "relay/smtp_transport.h"

#include <functional>
#include <utility>

#include "net/loop.h"

namespace sekisho::relay {

namespace {

// Messages are in the page cache, or come from one disk.
constexpr std::size_t reading_threads = 2;
// A resolver that is away keeps each for half a minute.
constexpr std::size_t naming_threads = 2;
// A folder is synced for each message: two keep the disk busy.
constexpr std::size_t folder_threads = 2;

}  // namespace

Expected<Trust, std::string> make_trust(const std::string& ca_file) {
  Trust trust;
  for (const bool demand : {false, true}) {
    auto made = tls::ClientContext::make({.demand_verified = demand, .ca_file = ca_file});
    if (!made) return tl::unexpected("tls.ca_file: " + made.error());
    (demand ? trust.verified : trust.any) = std::move(*made);
  }
  return trust;
}

SmtpTransport::SmtpTransport(net::Loops& loops, dns::Resolver& resolver, TransportOptions options)
    : loops_(loops),
      readers_(reading_threads),
      names_(naming_threads),
      folders_(folder_threads),
      options_(std::make_shared<const TransportOptions>(std::move(options))),
      shared_{resolver, readers_, names_, folders_,
              [this] { return options_.with([](const auto& now) { return now; }); }} {
  for (std::size_t i = 0; i < loops.count(); ++i) {
    net::Loop& loop = loops.loop(i);
    lanes_.push_back(std::make_unique<Lane>(loop, shared_));
    executors_.push_back(loop.executor());
  }
}

SmtpTransport::~SmtpTransport() = default;

void SmtpTransport::configure(TransportOptions options) {
  auto next = std::make_shared<const TransportOptions>(std::move(options));
  options_.with([&](auto& now) { now = std::move(next); });
}

void SmtpTransport::deliver(Job job, Done done) { post({std::move(job), false, std::move(done)}); }

void SmtpTransport::probe(Job job, Done done) { post({std::move(job), true, std::move(done)}); }

// A destination always comes to the same lane, so that its connections are found again.
void SmtpTransport::post(Request request) {
  const std::size_t number = std::hash<std::string>{}(destination_of(request.job)) % lanes_.size();
  executors_[number]->post([lane = lanes_[number].get(), request = std::move(request)]() mutable {
    lane->take(std::move(request));
  });
}

void SmtpTransport::forget(const std::string& domain) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    executors_[i]->post([lane = lanes_[i].get(), domain] { lane->forget(domain); });
  }
}

void SmtpTransport::stop() {
  if (std::exchange(stopped_, true)) return;
  const auto stop_lane = [this](net::Loop& loop) {
    lanes_[loop.number()]->stop();
    return std::size_t{0};
  };
  loops_.sum(stop_lane);
  folders_.stop();
  readers_.stop();
  names_.stop();
  // What the threads posted last has run when this returns.
  loops_.sum(stop_lane);
}

}  // namespace sekisho::relay
