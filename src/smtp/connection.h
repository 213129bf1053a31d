// smtp/connection.h: one client: a Conversation over a Stream, with the PROXY header before it, TLS
// between them, and the times that it may take.
// Thread: its event loop's.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/link.h"
#include "net/stream.h"
#include "net/timer.h"
#include "smtp/conversation.h"
#include "tls/layer.h"

namespace sekisho::smtp {

class Connection final : public net::Stream::Owner {
 public:
  struct Peer {
    Client client;         // as the socket knows it
    bool proxied = false;  // a PROXY header is mandatory
    bool no_room = false;  // it is answered 421
  };
  Connection(net::Link link, Services& services, Peer peer);
  ~Connection() override;

  void start() override;
  void drain() override;
  bool busy() const override;
  void close() override;
  void broken(const std::exception& error) noexcept override;
  net::Stream::Taken take(std::string_view received) override;
  void idle() override;

 private:
  enum class Phase {
    proxy,      // the PROXY header is awaited
    handshake,  // TLS begins
    talk,       // the conversation, with or without TLS
  };
  net::Stream::Taken take_proxy(std::string_view received);
  net::Stream::Taken take_tls(std::string_view received);
  net::Stream::Then converse();
  void begin();
  void begin_tls();
  void open();
  void send(std::string octets);
  void flush();
  void resume();
  void later(std::chrono::milliseconds time, std::function<void()> then);
  // The client has sent something whole: its time begins again.
  void progressed(std::size_t octets);
  void watch();
  void on_time();
  bool is_over(SteadyTime now);

  Services& services_;
  const bool no_room_;
  net::Stream stream_;
  net::Timer timer_;
  Conversation conversation_;
  Phase phase_;
  std::unique_ptr<tls::Layer> tls_;
  std::string plain_;  // within TLS: octets that the conversation has not taken
  bool taking_ = false;
  // Since when the client owes us something, and how much of a message it had sent by then.
  SteadyTime owed_since_ = steady_now();
  std::uint64_t received_ = 0;  // octets since then
};

}  // namespace sekisho::smtp
