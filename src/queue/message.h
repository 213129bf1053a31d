// queue/message.h: one message that waits, with its recipients; and its part of the record in the
// message file, from which its rows can be made again.
// Errors: nullopt for a record that we did not write. Thread: immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "policy/verdict.h"
#include "queue/state.h"

namespace sekisho::queue {

// The last attempt, for people and for bounces.
struct Attempt {
  std::string why;       // "connect to mx.example[192.0.2.1]:25: Connection refused"
  std::string reply;     // the whole remote reply, lines joined by "\n"
  std::string status;    // RFC 3463
  std::string host;      // "mx.example[192.0.2.1]:25"
  std::string dialogue;  // a line for each: "C: RCPT TO:<…>"
  WallTime time{};
  bool operator==(const Attempt&) const = default;
};

struct Recipient {
  std::uint32_t place = 0;              // its number within the message
  std::string address;                  // after aliases; without angle brackets
  std::string original;                 // as RCPT named it
  std::vector<std::string> parameters;  // "NOTIFY=NEVER", "ORCPT=rfc822;a@b"
  std::optional<std::string> sender;    // for this recipient, instead of the message's
  bool expand = false;                  // aliases are still to be looked up
  Progress progress;
  Attempt last;
  bool operator==(const Recipient&) const = default;
};

// What all recipients of a message share.
struct Letter {
  std::string id;
  std::string sender;                   // without angle brackets; empty for <>
  std::vector<std::string> parameters;  // of MAIL FROM: "BODY=8BITMIME", "RET=HDRS"
  WallTime arrived{};
  std::string origin;  // Arrival::Origin, as a word
  std::string login;
  std::string client;                  // "mail.example[192.0.2.1]"
  std::uint64_t size = 0;              // octets of the message as received
  bool may_bounce = false;             // the sender has proved to be the sender
  bool own = false;                    // a bounce or summary of ours
  std::string top;                     // fields that go on top of the header
  std::vector<policy::Edit> removals;  // of fields as received
  bool operator==(const Letter&) const = default;
};

struct Message {
  Letter letter;
  std::vector<Recipient> recipients;
  bool operator==(const Message&) const = default;
};

// All of a Letter but its id and size.
std::string write_letter(const Letter& letter);
std::optional<Letter> read_letter(std::string_view octets);

// `index`: which index the message was put into (queue/tables.h).
std::string write_record(const Message& message, std::string_view index);
struct Recorded {
  Message message;
  std::string index;
};
std::optional<Recorded> read_record(std::string_view octets);

// Lists of words, one a line.
std::string join(const std::vector<std::string>& words);
std::vector<std::string> split(std::string_view lines);

}  // namespace sekisho::queue
