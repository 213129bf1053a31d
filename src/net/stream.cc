#include "net/stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <asio/buffer.hpp>
#include <asio/write.hpp>

#include "net/socket_options.h"

namespace sekisho::net {

Stream::Stream(Link link, Owner& owner, const Limits& limits)
    : owner_(owner),
      limits_(limits),
      seat_(std::move(link.seat)),
      is_tcp_(link.family != AF_UNIX),
      socket_(loop().context()),
      idle_timer_(loop()),
      buffer_(std::make_unique_for_overwrite<char[]>(limits.usual_octets)),
      room_(limits.usual_octets) {
  socket_.assign(asio::generic::stream_protocol(link.family, 0), link.fd.get());
  link.fd.release();
}

void Stream::start() {
  asio::error_code failed;
  socket_.non_blocking(true, failed);
  if (failed) return owner_.close();
  owner_.guarded([this] {
    watch_idleness(last_word_ + limits_.idle);
    read();
  });
}

void Stream::close() {
  if (std::exchange(closed_, true)) return;
  asio::error_code ignored;
  idle_timer_.cancel();
  socket_.close(ignored);
}

void Stream::drain() {
  draining_ = true;
  if (!owner_.busy()) owner_.close();
}

// While the peer does not read its answers, nothing more is read from it; otherwise its answers
// would pile up here.
void Stream::read() {
  if (closed_ || reading_ || waiting_) return;
  if (!writing_.empty() && !limits_.reads_while_writing) return;
  reading_ = true;
  socket_.async_read_some(
      asio::buffer(buffer_.get() + end_, room_ - end_),
      [this, self = owner_.shared_from_this()](asio::error_code error, std::size_t octets) {
        reading_ = false;
        owner_.guarded([&] {
          if (error) {
            on_error(error);
          } else {
            on_read(octets);
          }
        });
      });
}

// What had been read when the stream was closed is not looked at: no answer would go out.
void Stream::on_read(std::size_t octets) {
  if (closed_) return;
  end_ += octets;
  last_word_ = steady_now();
  if (is_tcp_) acknowledge_at_once(socket_.native_handle());
  offer();
}

void Stream::offer() {
  const auto taken = owner_.take({buffer_.get() + begin_, end_ - begin_});
  if (taken.then == Then::end) return owner_.close();
  begin_ += taken.octets;
  waiting_ = taken.then == Then::wait;
  if (closed_ || waiting_) return;
  if (!make_room()) return owner_.close();
  read();
}

void Stream::go_on() {
  if (!std::exchange(waiting_, false) || closed_) return;
  owner_.guarded([this] { offer(); });
}

// Makes room for more input. False if there is none.
bool Stream::make_room() {
  const std::size_t kept = end_ - begin_;
  std::size_t room = room_;
  if (kept == room_) {
    room = std::min(room_ * 2, limits_.most_octets);
  } else if (kept == 0) {
    room = limits_.usual_octets;
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
  return end_ < room_;
}

// Nearly always the socket takes the whole answer at once, so that no callback is needed.
void Stream::send(std::string octets) {
  if (closed_ || deaf_) return;
  if (writing_.empty() && !draining_) {
    asio::error_code ignored;  // the write that then follows reports it
    octets.erase(0, socket_.write_some(asio::buffer(octets), ignored));
    if (octets.empty()) return;
  }
  queued_ += octets;
  if (writing_.empty()) write();
}

void Stream::write() {
  writing_.swap(queued_);
  queued_.clear();
  asio::async_write(socket_, asio::buffer(writing_),
                    [this, self = owner_.shared_from_this()](asio::error_code error, std::size_t) {
                      writing_.clear();
                      owner_.guarded([&] {
                        if (!error) {
                          on_written();
                        } else if (!limits_.reads_while_writing) {
                          on_error(error);
                        } else {
                          // Its last words may still be there to be read; reading then fails too.
                          queued_.clear();
                          deaf_ = true;
                        }
                      });
                    });
}

void Stream::on_error(asio::error_code error) {
  if (!closed_) owner_.failed(error.message());
}

void Stream::on_written() {
  if (!queued_.empty()) return write();
  if (draining_ && !owner_.busy()) return owner_.close();
  read();
  if (!closed_) owner_.written();
}

// The timer is not restarted at every input: it checks when the last one was.
void Stream::watch_idleness(SteadyTime at) {
  idle_timer_.set(at, [this, self = owner_.shared_from_this()] {
    if (closed_) return;
    owner_.guarded([this] {
      const auto now = steady_now();
      const auto end = last_word_ + limits_.idle;
      if (now < end) return watch_idleness(end);
      owner_.idle();
      if (!closed_) watch_idleness(now + limits_.idle);
    });
  });
}

}  // namespace sekisho::net
