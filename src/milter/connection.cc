#include "milter/connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>

#include "base/memory.h"
#include "mail/sendmail_cf.h"

namespace sekisho::milter {

namespace {

// The longest piece of a body that an MTA sends, with some header before it: then the whole of most
// messages comes at once. It is not filled with anything, so a connection that has had nothing but
// small packets costs a page or two. Grown for a longer packet, up to max_packet_octets.
constexpr std::size_t initial_buffer_octets = std::size_t{68} * 1024;

// sendmail waits 10 s for each answer, and 5 min for the end of a message in all; Postfix 300 s for
// that. Both begin anew to wait with every progress report.
constexpr std::chrono::seconds progress_interval(4);

// An MTA holds its connection for the whole SMTP session. libmilter gives up after 7,210 s, so an
// MTA is used to that.
constexpr std::chrono::seconds idle_limit(7210);

}  // namespace

void LoopExecutor::post(Task task) {
  std::list<Task> one;
  one.push_back(std::move(task));
  const bool wake = queue_.with([&](Queue& queue) {
    queue.tasks.splice(queue.tasks.end(), one);
    return !std::exchange(queue.awake, true);
  });
  if (!wake) return;
  // It is taken by now, so nothing may come out of here. The next one tries again.
  if (!until_memory([this] { asio::post(loop_, [this] { run_all(); }); })) {
    queue_.with([](Queue& queue) { queue.awake = false; });
  }
}

// What breaks in one task is not the next one's fault.
void LoopExecutor::run_all() noexcept {
  std::list<Task> tasks;
  queue_.with([&](Queue& queue) {
    queue.awake = false;
    tasks.swap(queue.tasks);
  });
  for (const auto& task : tasks) {
    try {
      task();
    } catch (const std::exception& error) {
      contained([&] {
        log_.write_limited(LogLevel::error, "milter task",
                           std::string("milter: internal error: ") + error.what());
      });
    }
  }
}

Connection::Connection(Socket socket, bool is_tcp, session::Engine& engine, policy::Role role,
                       std::shared_ptr<LoopExecutor> loop, Log& log)
    : socket_(std::move(socket)),
      loop_(std::move(loop)),
      engine_(engine),
      log_(log),
      conversation_(engine, role, loop_,
                    [this](std::string octets) { guarded([&] { send(std::move(octets)); }); }),
      timer_(socket_.get_executor()),
      idle_timer_(socket_.get_executor()),
      buffer_(std::make_unique_for_overwrite<char[]>(initial_buffer_octets)),
      room_(initial_buffer_octets),
      is_tcp_(is_tcp) {
  ++engine_.counters().connections;
  ++engine_.counters().open_connections;
  ++loop_->connections;
}

Connection::~Connection() {
  --engine_.counters().open_connections;
  --loop_->connections;
}

void Connection::start() {
  asio::error_code failed;
  socket_.non_blocking(true, failed);
  if (failed) return close();
  guarded([this] {
    watch_idleness(last_word_ + idle_limit);
    read();
  });
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  asio::error_code ignored;
  timer_.cancel();
  idle_timer_.cancel();
  socket_.close(ignored);
}

void Connection::broken(const std::exception& error) noexcept {
  complain(what_of(error));
  contained([this] { close(); });
}

void Connection::drain() {
  draining_ = true;
  if (!busy()) close();
}

bool Connection::busy() const {
  return !closed_ && (conversation_.in_message() || !writing_.empty());
}

// An MTA waits for an answer before it sends more. From one that does not read what it is answered
// nothing more is taken, or its answers would pile up here.
void Connection::read() {
  if (closed_ || reading_ || !writing_.empty()) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(buffer_.get() + end_, room_ - end_),
                          [self = shared_from_this()](asio::error_code error, std::size_t octets) {
                            self->reading_ = false;
                            if (error) {
                              self->close();
                            } else {
                              self->guarded([&] { self->on_read(octets); });
                            }
                          });
}

// An MTA sends small packets to which nothing is answered. Its kernel holds each back until the one
// before is acknowledged, and ours would acknowledge after 40 ms; the option holds for one read
// only.
void Connection::acknowledge_at_once() {
  const int on = 1;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void Connection::on_read(std::size_t octets) {
  end_ += octets;
  last_word_ = steady_now();
  if (is_tcp_) acknowledge_at_once();
  if (!consume()) {
    // What was answered last still goes out: closing a socket sends what it holds.
    close();
    return;
  }
  watch();
  read();
}

bool Connection::consume() {
  Packet packet;
  for (;;) {
    std::size_t used = 0;
    const std::string_view received(buffer_.get() + begin_, end_ - begin_);
    switch (next_packet(received, packet, used)) {
      case Framing::incomplete:
        make_room();
        return !closed_;
      case Framing::invalid:
        complain("what it sent is no packet of the milter protocol");
        return false;
      case Framing::packet:
        break;
    }
    switch (conversation_.receive(packet)) {
      case Conversation::Next::go_on:
        if (conversation_.mta() == mail::Mta::sendmail && engine_.first_sendmail()) {
          warn_of_aliases();
        }
        if (conversation_.loses_blanks()) warn_of_lost_blanks();
        break;
      case Conversation::Next::close:
        return false;
      case Conversation::Next::protocol_error:
        complain(conversation_.problem());
        return false;
    }
    begin_ += used;
  }
}

// Whoever reaches the socket could fill the log.
void Connection::complain(std::string_view problem) noexcept {
  contained([&] {
    log_.write_limited(LogLevel::warning, "milter packets",
                       "milter: closed a connection: " + std::string(problem));
  });
}

// What sendmail's macros say is not where its configuration is: looked at is the usual place.
void Connection::warn_of_aliases() {
  const auto cf = mail::read_sendmail_cf();
  if (!cf || !cf->follows_aliases) return;
  log_.warning(std::string("milter: the MTA is sendmail, and by ") + mail::sendmail_cf_path + " " +
               mail::sendmail_cf_advice);
}

void Connection::warn_of_lost_blanks() {
  if (std::exchange(warned_, true)) return;
  // At the end of time: once, for as long as the daemon runs.
  log_.write_limited(
      LogLevel::warning, "milter blanks",
      "milter: the MTA speaks version " + std::to_string(conversation_.version()) +
          " of the milter protocol and eats the blank after the colon of each header field; it is "
          "put back, and "
          "signatures with c=simple are tried with and without. Let it speak version 6 (Postfix: "
          "milter_protocol = 6, the default)",
      SteadyTime::max());
}

// For the rest of a packet, or for the next one.
void Connection::make_room() {
  const std::size_t kept = end_ - begin_;
  std::size_t room = room_;
  if (kept == room_) {
    room = std::min(room_ * 2, max_packet_octets + 5);
  } else if (kept == 0) {
    room = initial_buffer_octets;
  }
  if (room != room_) {
    auto other = std::make_unique_for_overwrite<char[]>(room);
    std::memcpy(other.get(), buffer_.get() + begin_, kept);
    buffer_ = std::move(other);
    room_ = room;
  } else if (begin_ > 0 && kept > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, kept);
  }
  begin_ = 0;
  end_ = kept;
}

// Nearly always the socket takes the whole answer at once: then nothing has to be told of it later.
void Connection::send(std::string octets) {
  if (closed_) return;
  if (writing_.empty() && !draining_) {
    asio::error_code later;  // the write that then follows meets it again
    octets.erase(0, socket_.write_some(asio::buffer(octets), later));
    if (octets.empty()) return;
  }
  queued_ += octets;
  if (writing_.empty()) write();
}

void Connection::write() {
  writing_.swap(queued_);
  queued_.clear();
  asio::async_write(
      socket_, asio::buffer(writing_),
      [self = shared_from_this()](asio::error_code error, std::size_t) {
        self->writing_.clear();
        if (error) {
          self->close();
        } else if (self->draining_ && self->queued_.empty() && !self->conversation_.in_message()) {
          self->close();
        } else {
          self->guarded([&] {
            if (!self->queued_.empty()) self->write();
            self->read();
          });
        }
      });
}

// The timer is not set anew with every word: it looks when the last one was.
void Connection::watch_idleness(SteadyTime at) {
  idle_timer_.expires_at(at);
  idle_timer_.async_wait([self = shared_from_this()](asio::error_code error) {
    if (error || self->closed_) return;
    const auto end = self->last_word_ + idle_limit;
    if (steady_now() >= end) {
      self->close();
    } else {
      self->guarded([&] { self->watch_idleness(end); });
    }
  });
}

// While the MTA waits: tell it so now and then, and let the lookups end when their time is over.
void Connection::watch() {
  if (!conversation_.waiting() || closed_) return;
  const auto now = steady_now();
  const auto next = std::min(conversation_.deadline(), now + progress_interval);
  timer_.expires_at(std::max(next, now));
  timer_.async_wait([self = shared_from_this()](asio::error_code error) {
    if (error || self->closed_ || !self->conversation_.waiting()) return;
    self->guarded([&] {
      if (steady_now() >= self->conversation_.deadline()) {
        self->conversation_.expire();
      } else {
        self->conversation_.progress();
      }
      self->watch();
    });
  });
}

}  // namespace sekisho::milter
