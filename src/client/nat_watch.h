// client/nat_watch.h: notices a NAT or a proxy in front of us, behind which every client has one
// address of our own network and is trusted, so that nothing is evaluated and nobody notices. The
// sign: within an hour, 19 of 20 messages from the network come unauthenticated from one private
// trusted address, which uses several HELO names (a host of ours has one). Pure counting, bounded;
// the clock is an argument.
// Thread: any, internally locked.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/guarded.h"
#include "mail/ip_address.h"

namespace sekisho::client {

class NatWatch {
 public:
  struct Message {
    mail::IpAddress client;
    std::string_view helo = {};
    bool trusted = false;  // by [trust] networks
    bool authenticated = false;
  };
  struct Alarm {
    mail::IpAddress address;
    std::size_t messages = 0;  // from it
    std::size_t of = 0;        // all that were counted, since the hour began
    // A sentence for the log.
    std::string text() const;
  };

  // Counts a message; returns the alarm if it is due. Not for messages without an address (Unix
  // socket).
  std::optional<Alarm> count(const Message& message, SteadyTime now);

  static constexpr std::chrono::hours window{1};
  // With fewer, a share means nothing; spam alone is enough for a small site to reach it in a busy
  // hour.
  static constexpr std::size_t least_messages = 20;
  // The rest still reaches us directly: IPv6 past the NAT, hosts of the LAN.
  static constexpr std::size_t least_percent = 95;
  // Each foreign mail server has its own name. A host of ours has one, or two while it is renamed.
  static constexpr std::size_t least_names = 3;
  static constexpr std::chrono::hours repeat{24};
  // Addresses followed in one hour. One with 95 of 100 messages is among the first.
  static constexpr std::size_t max_addresses = 64;

 private:
  struct Client {
    std::size_t messages = 0;
    std::set<std::string> names;  // least_names at most
  };
  struct State {
    std::optional<SteadyTime> began;
    std::optional<SteadyTime> said;
    std::size_t messages = 0;
    std::map<mail::IpAddress, Client> clients;
  };
  Guarded<State> state_;
};

}  // namespace sekisho::client
