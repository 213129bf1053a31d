// relay/smtp_connection.h: sends commands and reads replies on a blocking socket with deadlines.
// RFC 5321 §4.2: a reply has at most 100 lines and 64 KB, all with one code; anything else is a
// broken connection.
// Errors: a sentence. Thread: one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_handle.h"

namespace sekisho::relay {

// More lines than any MTA has extensions, and more octets than those lines may be long (RFC 5321
// §4.5.3.1.5).
inline constexpr std::size_t reply_lines = 100;
inline constexpr std::size_t reply_octets = 64 * 1024;

struct Reply {
  int code = 0;
  std::vector<std::string> lines;  // after the code; printable ASCII, the rest replaced by `?`

  bool positive() const { return code >= 200 && code < 300; }
  bool intermediate() const { return code >= 300 && code < 400; }
  bool permanent() const { return code >= 500; }
  // "250 2.0.0 Ok: queued as 4bXY", all lines joined by blanks; at most 512 octets.
  std::string text() const;
};

// `host`: a name or an address, without brackets.
class SmtpConnection {
 public:
  static Expected<SmtpConnection, std::string> open(const std::string& host, std::uint16_t port,
                                                    std::chrono::seconds timeout);

  // The whole text, octet by octet.
  Expected<void, std::string> send(std::string_view octets, SteadyTime deadline);
  Expected<Reply, std::string> read_reply(SteadyTime deadline);
  // Whether the server has sent more than the expected replies.
  bool has_unread() const { return !buffer_.empty(); }

 private:
  explicit SmtpConnection(UniqueFd fd) : fd_(std::move(fd)) {}
  Expected<void, std::string> wait(short events, SteadyTime deadline) const;
  Expected<std::string, std::string> read_line(SteadyTime deadline, std::size_t& room);

  UniqueFd fd_;
  std::string buffer_;
};

}  // namespace sekisho::relay
