// control/server.h: the daemon's control socket: answers one request per connection, one connection
// after the other. Errors: open() says why the socket cannot be had. Thread: its own; handlers are
// called on it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/result.h"
#include "base/unique_handle.h"
#include "control/options.h"

namespace sekisho::control {

class Server {
 public:
  using Handler = std::function<nlohmann::json(const nlohmann::json& request)>;

  explicit Server(Log& log) : log_(log) {}
  ~Server();

  // `handlers`: by verb. What one throws becomes {"ok":false,"error":…}.
  Expected<bool, std::string> open(const Options& options);
  void run(std::map<std::string, Handler> handlers);
  void stop();

 private:
  void serve();
  void answer(int connection);
  nlohmann::json handle(const std::string& request);

  Log& log_;
  std::string path_;
  UniqueFd listening_;
  UniqueFd stop_reader_;
  UniqueFd stop_writer_;
  std::map<std::string, Handler> handlers_;
  std::thread thread_;
};

}  // namespace sekisho::control
