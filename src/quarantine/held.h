// quarantine/held.h: one held message, as in the list and on its page. Texts of a sender are not
// escaped: escape them for a terminal or a log.
// Thread: immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/words.h"
#include "mail/name_pattern.h"

namespace sekisho::quarantine {

enum class State {
  held,       // kept, until a person decides
  released,   // a release is under way
  delivered,  // the MTA has taken it for all its recipients; its file is gone
  deleted,    // by a person; its file stays for a while, for a change of mind
  expired,    // by age; its file is gone
};

constexpr auto words_of(State) {
  return words<State>({{State::held, "held"},
                       {State::released, "released"},
                       {State::delivered, "delivered"},
                       {State::deleted, "deleted"},
                       {State::expired, "expired"}});
}

// Whether a text has the shape of a decision's id: "K7Q2-4DMX", Crockford's base 32.
bool is_id(std::string_view text);

struct HeldRow {
  std::string id;                       // of the decision
  std::string queue_id;                 // the MTA's; may be empty
  WallTime time{};                      // when it was held
  std::string mail_from;                // without angle brackets; empty for the null reverse-path
  std::vector<std::string> recipients;  // the recipients for whom it is held
  std::string author;                   // of the From field, for people
  std::string subject;                  // decoded; cut to 512 octets
  std::string message_id;               // cut to 512 octets
  std::string client;                   // "mail.example.com[192.0.2.1]"
  std::string rule;
  std::string reason;
  std::string header_hash;  // SHA-256 of the header as received, in hex
  std::string body_hash;    // … and of the body
  std::uint64_t size = 0;   // octets of the message; set by the store
  // Never merged with an earlier copy: (a) it has our release field with a proof that did not hold,
  // so it may be the only copy left; or (b) it has neither Date nor Message-ID, so two equal texts
  // may be two events. Kept in the file's record, not in the index.
  bool alone = false;

  // Set by the store.
  State state = State::held;
  WallTime changed{};  // since when it has had that state
  WallTime expires{};  // time + keep
  // recipients that have it already, or others to whom it was released
  std::vector<std::string> delivered_to;
  std::string remark;         // of the last release: the MTA's reply, or why it failed
  std::uint64_t repeats = 0;  // how often a copy was received
  WallTime last_repeat{};
};

// The data for the page of one message, as texts that the store does not read.
struct Detail {
  std::string envelope;  // parameters of MAIL FROM and RCPT TO
  std::string decision;  // facts and verdict
};

// An act of a person on the message.
struct Act {
  WallTime time{};
  std::string who;   // "root (sudo: taro)"
  std::string what;  // "deleted"
};

struct HeldMessage {
  HeldRow held;
  Detail detail;
  std::vector<Act> acts;  // the first one first
  // deleted: until then it can be restored; nullopt: its file is gone
  std::optional<WallTime> gone_from;
};

// All conditions must match; empty ones always do. Texts are compared without regard to ASCII case.
struct Filter {
  std::optional<WallTime> since{};   // held at or after
  std::optional<WallTime> before{};  // held before
  mail::NamePattern from{};          // the reverse-path or the author
  mail::NamePattern to{};            // one of the recipients
  std::string rule{};                // the whole name, or "dnsbl" for every dnsbl:NAME
  std::string text{};                // part of any of these, subject, client, reason, Message-ID
  std::optional<State> state{};
  bool waiting = false;   // held, or being released
  std::size_t limit = 0;  // the latest so many; 0: all
};

struct Stats {
  std::uint64_t held = 0;
  std::uint64_t released = 0;
  std::uint64_t delivered = 0;
  std::uint64_t deleted = 0;
  std::uint64_t expired = 0;
  std::uint64_t octets = 0;  // of the files on disk
  std::uint64_t max_size = 0;
  std::optional<WallTime> oldest;  // of the held ones
  std::uint64_t expire_within_day = 0;
};

}  // namespace sekisho::quarantine
