// session/seal.h: the proof that fields of ours were written by us, for this message. A content
// filter takes mail from the MTA and gives it back, and the second pass must distinguish our fields
// from those that a client forged.
//   X-Sekisho-Seal: id=K7Q2-4DMX; t=1796040000; h=from:date:message-id; mac=…
// The MAC is over the id, the time, our Authentication-Results and X-Sekisho-Disposition, and the
// identity of the message: its author, Date and Message-ID. Not the body, which a content filter
// may alter. RFC 2104, RFC 8601 §5.
// Errors: none. Thread: immutable.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "mail/header.h"

namespace sekisho::session {

inline constexpr std::string_view seal_field = "X-Sekisho-Seal";

// The values of our fields; empty: no such field.
struct OwnFields {
  std::string_view authentication_results;
  std::string_view disposition;
};

class Seal {
 public:
  // Older seals prove nothing. As long as a message may be on hold before the content filter.
  static constexpr std::chrono::hours good_for{30 * 24};

  explicit Seal(std::string secret) : secret_(std::move(secret)) {}

  // The value of the field, with its leading blank.
  std::string write(std::string_view id, WallTime now, const mail::Header& header,
                    const OwnFields& fields) const;
  // Whether `value` was written for these fields in this message.
  bool proves(std::string_view value, const mail::Header& header, const OwnFields& fields,
              WallTime now) const;

 private:
  std::string mac(std::string_view id, std::string_view time, std::string_view bound,
                  const mail::Header& header, const OwnFields& fields) const;

  std::string secret_;
};

}  // namespace sekisho::session
