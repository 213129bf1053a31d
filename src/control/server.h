// control/server.h: the daemon's control socket: one request a connection, several connections at a
// time. One thread reads and writes them all without waiting for any, and handles quick requests;
// slow ones (a reload) are handled by another thread. So a silent or slow client, or many of them,
// delay nobody else.
// Errors: open() says why the socket cannot be had.
// Thread: its own two; handlers are called on them.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/executor.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/result.h"
#include "base/unique_handle.h"
#include "control/options.h"
#include "net/acceptor.h"

namespace sekisho::control {

class Server {
 public:
  using Handler = std::function<nlohmann::json(const nlohmann::json& request)>;
  using Handlers = std::map<std::string, Handler>;

  explicit Server(Log& log) : log_(log) {}
  ~Server();

  // `quick` and `slow`: handlers by verb. An exception becomes {"ok":false,"error":…}. Slow
  // handlers run one after the other, in parallel to the quick ones.
  Expected<void, std::string> open(const Options& options);
  void run(Handlers quick, Handlers slow = {});
  void stop();

 private:
  // reading → answering (by the slow thread) → writing, then closed.
  struct Connection {
    UniqueFd fd;
    SteadyTime until;  // while reading or writing
    std::string request = {};
    std::string answer = {};
    std::size_t written = 0;
    enum class Stage { reading, answering, writing, over } stage = Stage::reading;
    std::uint64_t number = 0;
  };
  struct Answer {
    std::uint64_t connection;
    std::string text;
  };

  void serve() noexcept;
  bool wait();
  void work_slowly() noexcept;
  void accept_all();
  void make_room();
  void read(Connection& connection);
  void take_request(Connection& connection);
  void write(Connection& connection);
  void begin_answer(Connection& connection, std::string text);
  void take_answers();
  void end_overdue() noexcept;
  std::string answer_to(const nlohmann::json& request, const Handler& handler) const;
  void wake() const;

  Log& log_;
  std::string path_;
  std::optional<net::Acceptor> acceptor_;  // while it is open
  UniqueFd wake_;
  std::atomic<bool> stopping_{false};
  Handlers quick_;
  Handlers slow_;
  std::list<Connection> connections_;  // the oldest first; used by the first thread only
  std::uint64_t last_number_ = 0;
  RunQueue slow_tasks_;
  Guarded<std::list<Answer>> answers_;
  std::thread thread_;
  std::thread slow_thread_;
};

}  // namespace sekisho::control
