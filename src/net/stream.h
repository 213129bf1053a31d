// net/stream.h: a connected socket on its event loop: a bounded buffer for what arrives, a queue
// for what is to be sent, and how long the other side has been silent. What the octets mean is the
// business of its owner.
// Errors: whatever goes wrong closes the owner. Thread: its event loop's.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <asio/basic_stream_socket.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>

#include "base/clock.h"
#include "net/link.h"
#include "net/peer.h"
#include "net/timer.h"

namespace sekisho::net {

class Stream {
 public:
  enum class Then {
    read,  // the rest is offered again when more has arrived
    wait,  // nothing is read before go_on(): an answer is due before what follows is looked at
    end,   // the connection is over
  };
  struct Taken {
    std::size_t octets;  // from the front of what was offered
    Then then;
  };

  // Who talks over a Stream that is a part of it.
  class Owner : public Peer {
   public:
    // `received`: all that has arrived and was not taken before.
    virtual Taken take(std::string_view received) = 0;
    // The other side has been silent for too long.
    virtual void idle() { close(); }
  };

  struct Limits {
    // What is read at once. It is not filled with anything, so a connection on which little arrives
    // costs a page or two.
    std::size_t usual_octets;
    // Whoever leaves so many where they are is closed: nothing more would fit.
    std::size_t most_octets;
    std::chrono::seconds idle;
  };

  Stream(Link link, Owner& owner, const Limits& limits);

  void start();
  // Goes out at once as far as the socket takes it; the rest is kept. While something is kept,
  // nothing is read.
  void send(std::string octets);
  bool sending() const { return !writing_.empty(); }
  // After Then::wait, and not from within take().
  void go_on();
  // Closes the owner as soon as it is not busy.
  void drain();
  // The owner's close() calls it. What the socket has taken still goes out.
  void close();
  bool closed() const { return closed_; }

  Loop& loop() const { return seat_.loop(); }

 private:
  void read();
  void on_read(std::size_t octets);
  void offer();
  bool make_room();
  void write();
  void on_written();
  void watch_idleness(SteadyTime at);

  // With the loop's own executor: the one that asio erases the type of costs a copy at every step.
  using Socket =
      asio::basic_stream_socket<asio::generic::stream_protocol, asio::io_context::executor_type>;

  Owner& owner_;
  const Limits limits_;
  Seat seat_;
  const bool is_tcp_;
  Socket socket_;
  Timer idle_timer_;  // looks now and then when the last word was
  SteadyTime last_word_ = steady_now();
  std::unique_ptr<char[]> buffer_;
  std::size_t room_;
  std::size_t begin_ = 0;  // of what was received and not taken
  std::size_t end_ = 0;
  std::string writing_;
  std::string queued_;
  bool reading_ = false;
  bool waiting_ = false;
  bool draining_ = false;
  bool closed_ = false;
};

}  // namespace sekisho::net
