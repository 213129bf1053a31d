// tests/support/milter_client.h: packets as an MTA writes them, and an MTA's end of a connection.
// Thread: one owner.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_handle.h"
#include "milter/packet.h"

namespace sekisho::test {

inline std::string packet(char command, std::string_view data = {}) {
  std::string out;
  milter::put_packet(out, command, data);
  return out;
}

// Strings that each end with NUL.
std::string strings(const std::vector<std::string>& all);
// Option negotiation: version, actions, steps.
std::string negotiation(std::uint32_t version, std::uint32_t actions, std::uint32_t steps);
// SMFIC_CONNECT of an IPv4 client.
std::string connect_packet(const std::string& address);
std::string header_packet(const std::string& name, const std::string& value);

// Everything that a filter may be offered today.
inline constexpr std::uint32_t all_actions = 0x1ff;
inline constexpr std::uint32_t all_steps = 0x1fffff;

// "y550 5.7.1 …" for each packet: the command letter, then the data with NUL as `|`.
std::vector<std::string> shown(std::string_view octets);

// A connection to a filter that listens.
class MilterClient {
 public:
  explicit MilterClient(const std::string& unix_path);
  // inet or inet6.
  MilterClient(const std::string& host, std::uint16_t port);
  bool connected() const { return static_cast<bool>(fd_); }
  bool send(std::string_view octets);
  // Whether a short packet could be sent without waiting, at some time within this one.
  bool takes_more(std::chrono::milliseconds within) const;
  // The next packet as shown() has it; empty at the end of the connection or after the time.
  std::string next(std::chrono::milliseconds within = std::chrono::seconds(10));
  // Whether the filter has closed the connection, within the time.
  bool closed(std::chrono::milliseconds within = std::chrono::seconds(10));
  // From the negotiation to HELO of 192.0.2.10.
  bool greet();
  // MAIL and RCPT of a message of bob@a.example.
  bool begin();
  // A whole message; its final answer.
  std::string message();

 private:
  // For POLLIN or POLLOUT.
  bool wait(short event, std::chrono::milliseconds within) const;
  UniqueFd fd_;
  std::string received_;
  bool mail_is_answered_ = true;
};

}  // namespace sekisho::test
