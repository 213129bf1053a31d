// tests/support/scripted_server.h: a TCP server for one connection, or a few after each other, that
// says what its script says, whatever it is told.
// Thread: its own; what was heard is read after wait().
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_handle.h"

namespace sekisho::test {

class ScriptedServer {
 public:
  // The first text at once, each other one after a command line, or after the message when the text
  // before began with "354". An empty text closes the connection; after the last one it is closed
  // too. `repeated`: the last text is sent again and again, until nobody listens.
  explicit ScriptedServer(std::vector<std::string> says, bool repeated = false,
                          int connections = 1);
  ~ScriptedServer();

  std::uint16_t port() const { return port_; }
  // What the client sent. Ends the server.
  const std::string& heard();

 private:
  void serve(const std::vector<std::string>& says, bool repeated);
  UniqueFd accept() const;
  bool read_until(int fd, const std::string& end);

  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::string heard_;
  std::thread thread_;
};

}  // namespace sekisho::test
