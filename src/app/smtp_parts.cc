#include "app/smtp_parts.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <nlohmann/json.hpp>

#include "metrics/queue.h"
#include "net/loop.h"
#include "smtp/connection.h"

namespace sekisho::app {

using nlohmann::json;
using Started = Expected<void, std::string>;

namespace {

// A message of sendmail(1) as a client of the listeners: one end of a pair of sockets is a
// connection of the front, whose user is whoever left the file.
cli::Submitted hand_over(smtp::Services& services, net::Loops& loops, uid_t owner,
                         const cli::Dropped& message) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return {"", {}, message.rcpts, std::strerror(errno)};
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  ::fcntl(theirs.get(), F_SETFL, ::fcntl(theirs.get(), F_GETFL) | O_NONBLOCK);
  smtp::Connection::Peer peer;
  peer.client.profile = smtp::Profile::local;
  peer.client.listener = services.sites.now()->listeners.size() - 1;
  peer.client.user = owner;
  net::Link link = loops.link(std::move(theirs));
  const auto executor = link.seat.loop().executor();
  auto connection = std::make_shared<smtp::Connection>(std::move(link), services, peer);
  executor->post(
      [connection = std::move(connection)] { connection->guarded([&] { connection->start(); }); });
  return cli::submit(std::move(ours), message);
}

}  // namespace

std::string submit_socket(const config::Settings& settings) {
  return (std::filesystem::path(settings.control.socket).parent_path() / "submit.sock").string();
}

// --- alarms --------------------------------------------------------------------------------------

void AlarmsPart::warnings(std::vector<std::string>& out) const {
  for (const auto& alarm : alarms_.lasting()) {
    out.push_back(alarm.text + " (since " + to_iso8601(alarm.since) + ")");
  }
}

void AlarmsPart::append_metrics(metrics::Families& out) const {
  out.push_back(metrics::gauge("sekisho_alarms", "Faults that a person must end, at this moment.",
                               static_cast<double>(alarms_.lasting().size())));
}

// --- listeners -----------------------------------------------------------------------------------

ListenersPart::Open::Open(ListenersPart& part, const config::Settings& settings)
    : failures(state_folder(settings) + "/known-logins", part.log_),
      quota(state_folder(settings) + "/logins", part.log_),
      services(part.services(*this)),
      front(services, part.needs_.loops),
      drop(
          {settings.queue.drop, settings.limits.message_size, settings.process.user},
          [this, &loops = part.needs_.loops](uid_t owner, const cli::Dropped& message) {
            return hand_over(services, loops, owner, message);
          },
          part.log_) {}

smtp::Services ListenersPart::services(Open& open) {
  return {.engine = needs_.engine,
          .sites = needs_.house.sites(),
          .limits = open.limits,
          .failures = open.failures,
          .quota = open.quota,
          .broken_tls = open.broken_tls,
          .counters = counters_,
          .log = log_,
          .keeping = [&queue =
                          needs_.queue](auto arrival) { return queue.keeping(std::move(arrival)); },
          .ask = [&queue = needs_.queue](const mail::Path& recipient, const relay::Route&,
                                         auto done) { queue.ask(recipient, std::move(done)); },
          .no_room = [&queue = needs_.queue] { return queue.no_room(); },
          .alarm = [&alarms = needs_.alarms](const std::string& key,
                                             const std::string& text) { alarms.raise(key, text); },
          .alarm_over = [&alarms = needs_.alarms](const std::string& key) { alarms.clear(key); }};
}

Started ListenersPart::open(const config::Settings& settings) {
  if (settings.listeners.empty()) return {};
  open_ = std::make_unique<Open>(*this, settings);
  const auto socket = submit_socket(settings);
  if (auto opened = open_->front.open(settings.listeners, socket); !opened) return opened;
  for (const auto& listener : settings.listeners) {
    for (const auto& address : smtp::addresses_of(listener)) {
      sockets_.push_back(address + " " + std::string(to_string(listener.profile)));
    }
  }
  sockets_.push_back(socket + " local");
  return open_->drop.open();
}

Started ListenersPart::start(const config::Loaded& /*loaded*/) {
  if (!open_) return {};
  open_->front.run();
  open_->drop.run();
  return {};
}

std::size_t ListenersPart::drain(std::chrono::milliseconds within) {
  if (!open_) return 0;
  open_->drop.stop();
  return open_->front.drain(within);
}

void ListenersPart::status(json& answer) const {
  if (!open_) return;
  answer["listeners"] = metrics::listeners_json(counters_);
  answer["listeners"]["sockets"] = sockets_;
}

void ListenersPart::append_metrics(metrics::Families& out) const {
  if (open_) metrics::append_listeners(out, counters_);
}

}  // namespace sekisho::app
