// queue/bounce.h: what a sender is told of recipients: not delivered, delayed, delivered, or passed
// on to a host that tells nothing further. RFC 3464 (multipart/report, RFC 6522), RFC 3461 (NOTIFY,
// RET, ENVID, ORCPT), RFC 3834 (Auto-Submitted), RFC 6533 (addresses in UTF-8). One message for the
// recipients of one attempt.
// Errors: none. Thread: any.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/words.h"
#include "queue/message.h"

namespace sekisho::queue {

// delivered: at the end of its way; relayed: to another host that does not tell.
enum class Report { failed, delayed, relayed, delivered };
constexpr auto words_of(Report) {
  return words<Report>({{Report::failed, "failed"},
                        {Report::delayed, "delayed"},
                        {Report::relayed, "relayed"},
                        {Report::delivered, "delivered"}});
}

// Whether the parameters of RCPT ask for it.
bool wants(Report report, const std::vector<std::string>& parameters);
// Whether MAIL FROM asked for the whole message (RET=FULL).
bool wants_whole(const std::vector<std::string>& parameters);

// With RET=FULL the message itself up to so many octets, else its header. A larger one would make
// every bounce of a large mail a large mail.
inline constexpr std::size_t bounce_octets = 50'000;

struct Bounce {
  Report report = Report::failed;
  std::string id;        // of the bounce
  std::string to;        // without angle brackets
  std::string origin;    // MAILER-DAEMON@origin
  std::string hostname;  // of this host
  WallTime now{};
  std::chrono::seconds give_up{};     // delayed: how long the message is tried in all
  std::vector<Recipient> recipients;  // at least one
  std::string original;               // the header, or the whole message
  bool whole = false;
};

// The message, with CRLF.
std::string compose(const Bounce& bounce, const Letter& of);
// Its letter: from <>, to the sender, whose aliases are looked up.
Message bounce_message(const Bounce& bounce, std::string_view content);

// The header of a message of ours to a person. `auto_submitted`: "auto-replied" (RFC 3834).
struct OwnHeader {
  std::string id;
  std::string to;
  std::string origin;
  std::string hostname;
  std::string subject;
  std::string_view auto_submitted;
  WallTime now{};
};
std::string own_header(const OwnHeader& header);
// A message of ours to one recipient, whose aliases are looked up.
Message own_message(const OwnHeader& header, std::string_view content);

// "b+40c" → "b@c" (RFC 3461 §4).
std::string decode_xtext(std::string_view text);

}  // namespace sekisho::queue
