#include "milter/connection.h"

#include <algorithm>
#include <utility>

#include "base/memory.h"
#include "mail/sendmail_cf.h"
#include "net/loop.h"

namespace sekisho::milter {

namespace {

// sendmail waits 10 s for each answer, and 5 min for the end of a message in all; Postfix 300 s for
// that. Both restart that time with every progress report.
constexpr std::chrono::seconds progress_interval(4);

constexpr net::Stream::Limits limits{
    // The longest piece of a body that an MTA sends, with some header before it: then the whole of
    // most messages comes at once.
    .usual_octets = std::size_t{68} * 1024,
    // The head of a packet, and one octet more, so that a packet never fills the buffer.
    .most_octets = max_packet_octets + 5,
    // An MTA holds its connection for the whole SMTP session. libmilter gives up after 7,210 s, so
    // MTAs are prepared for that.
    .idle = std::chrono::seconds(7210),
};

}  // namespace

Connection::Connection(net::Link link, session::Engine& engine, policy::Role role, Log& log)
    : engine_(engine),
      log_(log),
      stream_(std::move(link), *this, limits),
      timer_(stream_.loop()),
      conversation_(engine, role, stream_.loop().executor(), [this](std::string octets) {
        guarded([&] { stream_.send(std::move(octets)); });
      }) {
  ++engine_.counters().connections;
  ++engine_.counters().open_connections;
}

Connection::~Connection() { --engine_.counters().open_connections; }

void Connection::close() {
  timer_.cancel();
  stream_.close();
}

void Connection::broken(const std::exception& error) noexcept {
  complain(what_of(error));
  contained([this] { close(); });
}

bool Connection::busy() const {
  return !stream_.closed() && (conversation_.in_message() || stream_.sending());
}

// When this ends the connection, the last answer is still sent.
net::Stream::Taken Connection::take(std::string_view received) {
  using Then = net::Stream::Then;
  std::size_t taken = 0;
  for (;;) {
    Packet packet;
    std::size_t octets = 0;
    switch (next_packet(received.substr(taken), packet, octets)) {
      case Framing::incomplete:
        watch();
        return {taken, Then::read};
      case Framing::invalid:
        complain("what it sent is no packet of the milter protocol");
        return {taken, Then::end};
      case Framing::packet:
        break;
    }
    if (receive(packet) == Then::end) return {taken, Then::end};
    taken += octets;
  }
}

net::Stream::Then Connection::receive(const Packet& packet) {
  switch (conversation_.receive(packet)) {
    case Conversation::Next::go_on:
      break;
    case Conversation::Next::close:
      return net::Stream::Then::end;
    case Conversation::Next::protocol_error:
      complain(conversation_.problem());
      return net::Stream::Then::end;
  }
  if (conversation_.mta() == mail::Mta::sendmail && engine_.first_sendmail()) warn_of_aliases();
  if (conversation_.loses_blanks()) warn_of_lost_blanks();
  return net::Stream::Then::read;
}

// Limited: any client of the socket could fill the log.
void Connection::complain(std::string_view problem) noexcept {
  contained([&] {
    log_.write_limited(LogLevel::warning, "milter packets",
                       "milter: closed a connection: " + std::string(problem));
  });
}

// sendmail's macros do not tell where its configuration is, so the usual place is read.
void Connection::warn_of_aliases() {
  const auto cf = mail::read_sendmail_cf();
  if (!cf || !cf->follows_aliases) return;
  log_.warning(std::string("milter: the MTA is sendmail, and by ") + mail::sendmail_cf_path + " " +
               mail::sendmail_cf_advice);
}

void Connection::warn_of_lost_blanks() {
  if (std::exchange(warned_, true)) return;
  // Limited from the end of time: logged once, as long as the daemon runs.
  log_.write_limited(
      LogLevel::warning, "milter blanks",
      "milter: the MTA speaks version " + std::to_string(conversation_.version()) +
          " of the milter protocol and eats the blank after the colon of each header field; it is "
          "put back, and "
          "signatures with c=simple are tried with and without. Let it speak version 6 (Postfix: "
          "milter_protocol = 6, the default)",
      SteadyTime::max());
}

// While the MTA waits: reports progress now and then, and ends the lookups when their time is over.
void Connection::watch() {
  if (!conversation_.waiting() || stream_.closed()) return;
  const auto now = steady_now();
  const auto next = std::min(conversation_.deadline(), now + progress_interval);
  timer_.set(std::max(next, now), [this, self = shared_from_this()] {
    if (stream_.closed() || !conversation_.waiting()) return;
    guarded([this] { on_time(); });
  });
}

void Connection::on_time() {
  if (steady_now() >= conversation_.deadline()) {
    conversation_.expire();
  } else {
    conversation_.progress();
  }
  watch();
}

}  // namespace sekisho::milter
