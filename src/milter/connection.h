// milter/connection.h: one connection of an MTA: a Conversation over a Stream, with timers for the
// verdict.
// Thread: its event loop's.
#pragma once

#include <string_view>

#include "base/log.h"
#include "milter/conversation.h"
#include "net/link.h"
#include "net/stream.h"
#include "net/timer.h"

namespace sekisho::milter {

class Connection final : public net::Stream::Owner {
 public:
  Connection(net::Link link, session::Engine& engine, policy::Role role, Log& log);
  ~Connection() override;
  void start() override { stream_.start(); }
  // Closes now if no message is under way, else after its verdict has been sent.
  void drain() override { stream_.drain(); }
  // Whether a message or its verdict is under way.
  bool busy() const override;
  void close() override;
  // Closes: an MTA treats the end of its connection as a temporary failure.
  void broken(const std::exception& error) noexcept override;
  net::Stream::Taken take(std::string_view received) override;

 private:
  net::Stream::Then receive(const Packet& packet);
  void complain(std::string_view problem) noexcept;
  void warn_of_aliases();
  void warn_of_lost_blanks();
  void watch();
  void on_time();

  session::Engine& engine_;
  Log& log_;
  net::Stream stream_;
  net::Timer timer_;  // while a verdict is awaited
  Conversation conversation_;
  bool warned_ = false;
};

}  // namespace sekisho::milter
