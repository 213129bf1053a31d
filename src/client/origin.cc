#include "client/origin.h"

#include <algorithm>

#include "mail/received.h"

namespace sekisho::client {

namespace {

using Stop = Origin::Stop;

class Walk {
 public:
  Walk(const mail::IpAddress& client, const std::vector<mail::IpPrefix>& relays) : relays_(relays) {
    origin_.relay = client;
    origin_.hops = 1;
  }

  bool is_relay(const mail::IpAddress& address) const {
    return std::any_of(relays_.begin(), relays_.end(),
                       [&](const mail::IpPrefix& prefix) { return prefix.contains(address); });
  }

  Origin run(const std::vector<mail::HeaderField>& fields) {
    // qmail's queue adds a second field at each hop.
    std::size_t left = 2 * max_relay_hops;
    for (const auto& field : fields) {
      if (!field.is("Received")) continue;
      const bool goes_on = left-- > 0 ? go_on(field) : stops(Stop::too_many_hops, too_many_hops());
      if (!goes_on) return std::move(origin_);
    }
    stops(Stop::no_received, "no Received field of the relay " + relay());
    return std::move(origin_);
  }

 private:
  std::string relay() const { return origin_.relay->text(); }
  static std::string too_many_hops() {
    return "more than " + std::to_string(max_relay_hops) + " relays in a row";
  }
  bool stops(Stop stop, std::string reason) {
    origin_.stop = stop;
    origin_.reason = std::move(reason);
    return false;
  }

  // The field was written by origin_.relay.
  bool go_on(const mail::HeaderField& field) {
    const std::string whose = "the Received field of the relay " + relay();
    auto received = mail::parse_received(field.value);
    if (!received) {
      return stops(Stop::unreadable, whose + " cannot be read: " + received.error().what);
    }
    if (received->date) origin_.received = *received->date;
    using Source = mail::Received::Source;
    switch (received->source) {
      case Source::next_field:
        return true;
      case Source::local:
        return submitted_there("a program on the relay " + relay() + " submitted it");
      case Source::untold:
        return stops(Stop::unreadable, whose + " tells no origin: " + received->reason);
      case Source::client:
        return came_from(*received);
    }
    return false;
  }

  bool submitted_there(std::string reason) {
    origin_.address = origin_.relay;
    return stops(Stop::local_submission, std::move(reason));
  }

  bool came_from(mail::Received& received) {
    const mail::IpAddress& address = *received.address;
    if (is_relay(address)) {
      if (origin_.hops == max_relay_hops) {
        return stops(Stop::too_many_hops, too_many_hops());
      }
      ++origin_.hops;
      // A listed loopback address is the content filter of that relay.
      if (!mail::is_loopback(address)) origin_.relay = address;
      return true;
    }
    if (mail::is_loopback(address)) {
      return submitted_there("it came to the relay " + relay() + " from itself, " + address.text());
    }
    if (mail::is_private(address)) {
      return stops(Stop::private_client, "the relay " + relay() + " got it from " + address.text() +
                                             ", a private address that is not in trust.relays");
    }
    origin_.address = address;
    origin_.helo = std::move(received.helo);
    origin_.name = std::move(received.name);
    return stops(Stop::foreign_client, {});
  }

  const std::vector<mail::IpPrefix>& relays_;
  Origin origin_;
};

}  // namespace

Origin find_origin(const mail::IpAddress& client, const std::vector<mail::HeaderField>& fields,
                   const std::vector<mail::IpPrefix>& relays) {
  Walk walk(client, relays);
  if (walk.is_relay(client)) return walk.run(fields);
  Origin direct;
  direct.address = client;
  return direct;
}

}  // namespace sekisho::client
