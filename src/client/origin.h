// client/origin.h: the origin of a message that came through our own relays ([trust] relays: backup
// MX). RFC 5321 §4.4: each host writes its Received field above those it received. The topmost is
// believed because the listed relay that connected wrote it, the next only when that relay says it
// got the message from a listed one, and so on: fields below the first host that is not listed are
// never read. The fields are those of the message as received: the MTA in front of us must not have
// added its own (in a milter it has not). At most 10 hops; linear.
// Errors: are reasons; never throws. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/words.h"
#include "mail/header.h"
#include "mail/ip_address.h"

namespace sekisho::client {

struct Origin {
  // Why the walk ended.
  enum class Stop {
    not_a_relay,       // the client is not listed: it is the origin, and no field was read
    foreign_client,    // the first host that is not listed: the origin
    local_submission,  // a program on the relay itself: the relay is the origin
    // a private address that is not listed: it cannot be looked up
    private_client,
    no_received,  // no Received field where the relay's should be
    unreadable,   // the relay's field names no client beyond doubt
    too_many_hops,
  };
  Stop stop = Stop::not_a_relay;
  // The origin, for the log: the client, the foreign client, or the relay for local_submission.
  // nullopt: unknown.
  std::optional<mail::IpAddress> address;
  std::string helo;  // what the foreign client said in HELO: any text
  std::string name;  // of its address, as the relay wrote it: unproven, perhaps empty
  // the listed relay nearest to the origin; none for not_a_relay
  std::optional<mail::IpAddress> relay;
  std::size_t hops = 0;  // listed relays passed
  // When the first of our relays received the message, as far as their fields were read. nullopt:
  // unknown.
  std::optional<WallTime> received;
  std::string reason;  // for people, unless not_a_relay or foreign_client

  // The address for SPF, iprev and the lists. nullptr: the message is judged without a client, and
  // nothing passes by an address.
  const mail::IpAddress* judged() const {
    return stop == Stop::not_a_relay || stop == Stop::foreign_client ? &*address : nullptr;
  }
};

constexpr auto words_of(Origin::Stop) {
  return words<Origin::Stop>({{Origin::Stop::not_a_relay, "not-a-relay"},
                              {Origin::Stop::foreign_client, "foreign-client"},
                              {Origin::Stop::local_submission, "local-submission"},
                              {Origin::Stop::private_client, "private-client"},
                              {Origin::Stop::no_received, "no-received"},
                              {Origin::Stop::unreadable, "unreadable"},
                              {Origin::Stop::too_many_hops, "too-many-hops"}});
}

// The most relays of one message. A backup MX and its gateway are two; ten are a loop, or a wrong
// [trust] relays.
inline constexpr std::size_t max_relay_hops = 10;

// `fields` top to bottom.
Origin find_origin(const mail::IpAddress& client, const std::vector<mail::HeaderField>& fields,
                   const std::vector<mail::IpPrefix>& relays);

}  // namespace sekisho::client
