// relay/smtp_connection.h: sends commands and reads replies on a blocking socket with deadlines.
// What is no reply, or one with several codes, is a broken connection.
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
#include "relay/reply.h"

namespace sekisho::relay {

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
  Expected<void, std::string> receive(SteadyTime deadline);

  UniqueFd fd_;
  std::string buffer_;
};

}  // namespace sekisho::relay
