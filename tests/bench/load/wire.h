// tests/bench/load/wire.h: packets of the milter protocol over a socket, as an MTA writes and reads
// them. A packet is a length of four octets, a command octet and data (protocol 6, mfdef.h).
// Packets are queued and leave when flushed, so that several of them share one write.
// Errors: WireError when the filter closes, stalls or sends nonsense.
// Thread: one owner.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sekisho::bench {

struct WireError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Packet {
  char command;
  std::string data;
};

class Wire {
 public:
  // `endpoint` is "inet:PORT@HOST", "inet6:PORT@HOST" or "unix:PATH", as in a milter's own
  // configuration.
  Wire(const std::string& endpoint, std::chrono::seconds timeout);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void queue(char command, std::string_view data = {});
  void flush();
  Packet read();

 private:
  void fill(std::size_t wanted);

  int fd_ = -1;
  int timeout_ms_;
  std::string out_;
  std::string in_;
  std::size_t in_start_ = 0;
};

void put_u32(std::string& out, std::uint32_t value);
std::uint32_t get_u32(std::string_view data, std::size_t offset);

}  // namespace sekisho::bench
