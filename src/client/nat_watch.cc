#include "client/nat_watch.h"

#include "base/ascii.h"
#include "mail/limits.h"

namespace sekisho::client {

std::string NatWatch::Alarm::text() const {
  return std::to_string(messages) + " of " + std::to_string(of) + " messages came from " +
         address.text() +
         ", a private address of trust.networks, under many names: a NAT or a proxy in front of us "
         "makes everybody trusted, and nothing is evaluated; let it pass the clients' own "
         "addresses, or take its address out of trust.networks";
}

std::optional<NatWatch::Alarm> NatWatch::count(const Message& message, SteadyTime now) {
  // Programs and content filters of this host send from loopback, under any name and in any number.
  if (message.authenticated || mail::is_loopback(message.client)) return std::nullopt;
  return state_.with([&](State& state) -> std::optional<Alarm> {
    if (!state.began || now - *state.began >= window) {
      state.began = now;
      state.messages = 0;
      state.clients.clear();
    }
    ++state.messages;
    if (!message.trusted || !mail::is_private(message.client)) return std::nullopt;

    const bool followed = state.clients.contains(message.client);
    if (!followed && state.clients.size() == max_addresses) return std::nullopt;
    Client& client = state.clients[message.client];
    ++client.messages;
    if (client.names.size() < least_names) {
      client.names.insert(ascii::lower(message.helo.substr(0, mail::limits::domain_octets)));
    }
    const bool alarming = state.messages >= least_messages && client.names.size() >= least_names &&
                          client.messages * 100 >= state.messages * least_percent;
    if (!alarming || (state.said && now - *state.said < repeat)) return std::nullopt;
    state.said = now;
    return Alarm{message.client, client.messages, state.messages};
  });
}

}  // namespace sekisho::client
