// net/stream.h: a connected socket on its event loop: a bounded input buffer, an output queue, and
// an idle timer. The owner interprets the octets.
// Errors: any failure closes the owner. Thread: its event loop's.
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
    wait,  // nothing is read before go_on(): an answer is due first
    end,   // the connection is over
  };
  struct Taken {
    std::size_t octets;  // consumed from the front of the input
    Then then;
  };

  // The owner of a Stream, of which the Stream is a member.
  class Owner : public Peer {
   public:
    // `received`: all input that was not consumed before.
    virtual Taken take(std::string_view received) = 0;
    // The other side has been silent for too long.
    virtual void idle() { close(); }
    // All that was queued has been taken by the socket.
    virtual void written() {}
    // The connection broke, or the other side has closed it ("End of file").
    virtual void failed(const std::string& /*why*/) { close(); }
  };

  struct Limits {
    // The size of one read. The buffer is not initialised, so a quiet connection costs a page or
    // two.
    std::size_t usual_octets;
    // The connection is closed if this many octets are not consumed: nothing more would fit.
    std::size_t most_octets;
    std::chrono::seconds idle;
    // Input is read while output is queued too: for a side that is not flooded by answers to what
    // it has not sent, and wants to hear why the other one takes no more.
    bool reads_while_writing = false;
  };

  Stream(Link link, Owner& owner, const Limits& limits);

  void start();
  // Writes at once as much as the socket takes; the rest is queued. While output is queued, nothing
  // is read.
  void send(std::string octets);
  bool sending() const { return !writing_.empty(); }
  // Continues after Then::wait; must not be called within take().
  void go_on();
  // Closes the owner as soon as it is not busy.
  void drain();
  // Called by the owner's close(). Octets that the socket has taken are still sent.
  void close();
  bool closed() const { return closed_; }
  // False: the other side takes no more octets, and what it still says is read.
  bool takes_more() const { return !closed_ && !deaf_; }

  Loop& loop() const { return seat_.loop(); }

 private:
  void read();
  void on_read(std::size_t octets);
  void offer();
  bool make_room();
  void write();
  void on_written();
  void on_error(asio::error_code error);
  void watch_idleness(SteadyTime at);

  // With the loop's own executor type: asio's type-erased executor costs a copy at every step.
  using Socket =
      asio::basic_stream_socket<asio::generic::stream_protocol, asio::io_context::executor_type>;

  Owner& owner_;
  const Limits limits_;
  Seat seat_;
  const bool is_tcp_;
  Socket socket_;
  Timer idle_timer_;  // checks now and then when the last input was
  SteadyTime last_word_ = steady_now();
  std::unique_ptr<char[]> buffer_;
  std::size_t room_;
  std::size_t begin_ = 0;  // of the input that is not consumed
  std::size_t end_ = 0;
  std::string writing_;
  std::string queued_;
  bool reading_ = false;
  bool waiting_ = false;
  bool draining_ = false;
  bool closed_ = false;
  bool deaf_ = false;  // the other side takes no more octets
};

}  // namespace sekisho::net
