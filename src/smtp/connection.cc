#include "smtp/connection.h"

#include <algorithm>
#include <utility>

#include "base/memory.h"
#include "net/loop.h"
#include "tls/server_context.h"

namespace sekisho::smtp {

namespace {

constexpr net::Stream::Limits stream_limits{
    // A quarter of the messages of a small site in one piece. The buffer is not touched beyond what
    // arrives, so an idle client costs its first page.
    .usual_octets = std::size_t{16} * 1024,
    // A line of an AUTH exchange, or a command, and what is pipelined behind it.
    .most_octets = std::size_t{64} * 1024,
    // Only the last resort: on_time() ends a client much earlier.
    .idle = std::chrono::seconds(1800),
};

// The next step of an answer may have an earlier deadline than the one before it.
constexpr std::chrono::seconds look_while_waiting(1);

}  // namespace

Connection::Connection(net::Link link, Services& services, Peer peer)
    : services_(services),
      no_room_(peer.no_room),
      stream_(std::move(link), *this, stream_limits),
      timer_(stream_.loop()),
      conversation_(services,
                    {.send = [this](std::string octets) { send(std::move(octets)); },
                     .resume = [this] { resume(); },
                     .owner = stream_.loop().executor(),
                     .broken = [this](const std::exception& error) { broken(error); },
                     .later = [this](std::chrono::milliseconds time,
                                     std::function<void()> then) { later(time, std::move(then)); }},
                    std::move(peer.client)),
      phase_(peer.proxied ? Phase::proxy : Phase::talk) {
  ++services_.counters.connections;
  ++services_.counters.open_connections;
}

Connection::~Connection() { --services_.counters.open_connections; }

// What the client has sent already is read before the greeting goes out: see
// Conversation::take().
void Connection::start() {
  stream_.start();
  if (no_room_) {
    conversation_.turn_away();
    return close();
  }
  watch();
  if (phase_ == Phase::proxy) return;
  stream_.loop().executor()->post([self = shared_from_this(), this] {
    guarded([this] {
      if (!stream_.closed()) begin();
    });
  });
}

void Connection::begin() {
  if (conversation_.client().profile != Profile::submissions) return open();
  // Before the handshake, which costs more than anything that it could then be refused.
  if (!conversation_.admit()) return close();
  begin_tls();
}

void Connection::begin_tls() {
  const auto site = services_.sites.now();
  const auto& context = site->listeners.at(conversation_.client().listener).tls_context;
  if (!context) return close();
  tls_ = std::make_unique<tls::Layer>(context);
  phase_ = Phase::handshake;
  owed_since_ = steady_now();
  resume();
}

void Connection::open() {
  phase_ = Phase::talk;
  owed_since_ = steady_now();
  conversation_.open();
  if (conversation_.state() == State::ended) return close();
  watch();
  resume();
}

void Connection::close() {
  timer_.cancel();
  if (!stream_.closed() && tls_ && tls_->established() && !tls_->failure()) {
    tls_->close();
    flush();
  }
  stream_.close();
  conversation_.closed();
}

void Connection::broken(const std::exception& error) noexcept {
  contained([&] {
    services_.log.write_limited(LogLevel::error, "smtp broken",
                                "closed a connection: " + what_of(error));
  });
  contained([this] { close(); });
}

bool Connection::busy() const {
  return !stream_.closed() && (conversation_.busy() || stream_.sending());
}

void Connection::drain() {
  if (phase_ == Phase::talk && !stream_.closed()) conversation_.drain();
  stream_.drain();
}

// The stream's own limit: the client does not even read.
void Connection::idle() { close(); }

// --- octets --------------------------------------------------------------------------------------

void Connection::send(std::string octets) {
  if (stream_.closed()) return;
  if (!tls_) return stream_.send(std::move(octets));
  if (!tls_->established()) return;
  tls_->send(octets);
  flush();
}

void Connection::flush() {
  auto octets = tls_->take_output();
  if (!octets.empty()) stream_.send(std::move(octets));
}

void Connection::resume() {
  if (!taking_) stream_.go_on();
}

net::Stream::Taken Connection::take(std::string_view received) {
  taking_ = true;
  net::Stream::Taken taken{0, net::Stream::Then::end};
  if (phase_ == Phase::proxy) {
    taken = take_proxy(received);
  } else if (tls_) {
    taken = take_tls(received);
  } else if (phase_ == Phase::talk && conversation_.client().profile == Profile::submissions) {
    taken = {0, net::Stream::Then::wait};  // begin() is on its way
  } else {
    received_ += received.size();
    const auto conversed = conversation_.take(received);
    taken.octets = conversed.octets;
    switch (conversed.next) {
      case Conversation::Next::read:
        taken.then = net::Stream::Then::read;
        break;
      case Conversation::Next::wait:
        taken.then = net::Stream::Then::wait;
        break;
      case Conversation::Next::start_tls:
        begin_tls();
        taken.then = net::Stream::Then::read;
        break;
      case Conversation::Next::close:
        break;
    }
    progressed(conversed.octets);
  }
  taking_ = false;
  if (taken.then == net::Stream::Then::wait) watch();
  return taken;
}

net::Stream::Taken Connection::take_proxy(std::string_view received) {
  const auto header = read_proxy_header(received);
  using Read = ProxyHeader::Read;
  if (header.read == Read::incomplete) return {0, net::Stream::Then::read};
  if (header.read == Read::invalid) {
    services_.log.write_limited(LogLevel::warning, "smtp proxy",
                                "warning: no PROXY header from " + conversation_.client().text() +
                                    ", which listener.proxies lists");
    return {0, net::Stream::Then::end};
  }
  conversation_.proxied(header);
  begin();
  if (conversation_.state() == State::ended || stream_.closed())
    return {header.octets, net::Stream::Then::end};
  // What follows is the handshake, or came too early.
  const auto rest = take(received.substr(header.octets));
  return {header.octets + rest.octets, rest.then};
}

net::Stream::Taken Connection::take_tls(std::string_view received) {
  using Then = net::Stream::Then;
  tls_->receive(received);
  flush();
  plain_ += tls_->take_plain();
  if (tls_->failure()) {
    if (phase_ == Phase::handshake) conversation_.tls_failed(*tls_->failure());
    return {received.size(), Then::end};
  }
  if (!tls_->established()) return {received.size(), Then::read};
  if (phase_ == Phase::handshake) {
    phase_ = Phase::talk;
    owed_since_ = steady_now();
    conversation_.tls_established(tls_->version() + " with cipher " + tls_->cipher());
    if (conversation_.state() == State::silent) conversation_.open();
  }
  const auto then = converse();
  return {received.size(), then == Then::read && tls_->ended() ? Then::end : then};
}

net::Stream::Then Connection::converse() {
  using Then = net::Stream::Then;
  received_ += plain_.size();
  const auto taken = conversation_.take(plain_);
  plain_.erase(0, taken.octets);
  progressed(taken.octets);
  switch (taken.next) {
    case Conversation::Next::read:
      return Then::read;
    case Conversation::Next::wait:
      return Then::wait;
    case Conversation::Next::start_tls:  // not within TLS
    case Conversation::Next::close:
      return Then::end;
  }
  return Then::end;
}

// --- times ---------------------------------------------------------------------------------------

void Connection::later(std::chrono::milliseconds time, std::function<void()> then) {
  auto timer = std::make_shared<net::Timer>(stream_.loop());
  timer->set(steady_now() + time,
             [self = shared_from_this(), timer, then = std::move(then)] { self->guarded(then); });
}

void Connection::progressed(std::size_t octets) {
  if (octets > 0 && !conversation_.receiving() && !conversation_.skipping())
    owed_since_ = steady_now();
}

void Connection::watch() {
  if (stream_.closed()) return;
  const auto now = steady_now();
  const auto next = conversation_.waiting()
                        ? std::min(conversation_.deadline(), now + look_while_waiting)
                        : now + services_.times.look_every;
  timer_.set(std::max(next, now), [this, weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !stream_.closed()) guarded([this] { on_time(); });
  });
}

void Connection::on_time() {
  const auto now = steady_now();
  if (conversation_.waiting()) {
    if (now >= conversation_.deadline()) conversation_.expire();
    owed_since_ = steady_now();  // it is we who let it wait
  } else if (is_over(now)) {
    if (phase_ == Phase::talk) conversation_.timed_out();
    return close();
  } else if (now - owed_since_ >= services_.times.look_every) {
    conversation_.rest();
  }
  watch();
}

bool Connection::is_over(SteadyTime now) {
  const auto& times = services_.times;
  const auto waited = now - owed_since_;
  if (phase_ != Phase::talk) return waited >= times.opening;
  if (!conversation_.receiving()) return waited >= times.command;
  if (waited < times.rate) return false;
  const bool slow = received_ < times.rate_octets;
  received_ = 0;
  owed_since_ = now;
  return slow;
}

}  // namespace sekisho::smtp
