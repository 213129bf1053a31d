// milter/connection.h: one connection of an MTA: the socket and the timers around a Conversation.
// Thread: its event loop's.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>

#include <asio/basic_stream_socket.hpp>
#include <asio/basic_waitable_timer.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>

#include "base/executor.h"
#include "base/guarded.h"
#include "base/log.h"
#include "milter/conversation.h"

namespace sekisho::milter {

// An event loop as the executor of its sessions. Its own queue, for what asio has taken half-way is
// lost when there is no memory for the rest. Thread: any, internally locked; must outlive its
// loop's last task.
class LoopExecutor final : public Executor {
 public:
  LoopExecutor(asio::io_context& loop, Log& log) : loop_(loop), log_(log) {}
  void post(Task task) override;

  std::atomic<std::size_t> connections{0};

 private:
  struct Queue {
    std::list<Task> tasks;
    bool awake = false;  // the loop has been told, and has not looked yet
  };
  void run_all() noexcept;

  asio::io_context& loop_;
  Log& log_;
  Guarded<Queue> queue_;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // With the loop's own executor: the one that asio erases the type of costs a copy at every step.
  using Socket =
      asio::basic_stream_socket<asio::generic::stream_protocol, asio::io_context::executor_type>;
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>,
                                           asio::io_context::executor_type>;

  Connection(Socket socket, bool is_tcp, session::Engine& engine, policy::Role role,
             std::shared_ptr<LoopExecutor> loop, Log& log);
  ~Connection();
  void start();
  // Closes now when no message is under way, else when its verdict has been sent.
  void drain();
  // A message is under way, or its verdict is.
  bool busy() const;
  void close();
  // Does `event`; when it breaks, the connection is closed, which an MTA takes for a temporary
  // failure.
  template <class Event>
  void guarded(const Event& event) noexcept {
    try {
      event();
    } catch (const std::exception& error) {
      broken(error);
    }
  }

 private:
  void broken(const std::exception& error) noexcept;
  void read();
  void on_read(std::size_t octets);
  void acknowledge_at_once();
  // False when the connection is over.
  bool consume();
  void complain(std::string_view problem) noexcept;
  void warn_of_aliases();
  void warn_of_lost_blanks();
  void make_room();
  void send(std::string octets);
  void write();
  void watch();
  void watch_idleness(SteadyTime at);

  Socket socket_;
  std::shared_ptr<LoopExecutor> loop_;
  session::Engine& engine_;
  Log& log_;
  Conversation conversation_;
  Timer timer_;       // while a verdict is awaited
  Timer idle_timer_;  // looks now and then when the MTA's last word was
  SteadyTime last_word_ = steady_now();
  std::unique_ptr<char[]> buffer_;
  std::size_t room_;
  std::size_t begin_ = 0;  // of what was received and not consumed
  std::size_t end_ = 0;
  bool is_tcp_;
  std::string writing_;
  std::string queued_;
  bool reading_ = false;
  bool draining_ = false;
  bool closed_ = false;
  bool warned_ = false;
};

}  // namespace sekisho::milter
