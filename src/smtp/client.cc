#include "smtp/client.h"

#include "smtp/limits.h"

namespace sekisho::smtp {

std::string Client::text() const {
  const std::string host = name.empty() ? (address ? "unknown" : "localhost") : name;
  return host + "[" + (address ? address->text() : "local") + "]";
}

std::string Client::key() const { return address ? client_key(*address) : "local"; }

relay::Sender Client::sender() const {
  return {address, /*login=*/!login.empty(), /*local=*/profile == Profile::local};
}

std::string Client::protocol() const {
  if (!esmtp) return "SMTP";
  return std::string("ESMTP") + (tls.empty() ? "" : "S") + (login.empty() ? "" : "A");
}

policy::Client Client::for_session() const {
  policy::Client out;
  out.address = address;
  out.name = name.empty() ? "unknown" : name;
  out.unix_socket = profile == Profile::local;
  out.mta = mail::Mta::own;
  return out;
}

policy::Role role_of(Profile profile) {
  switch (profile) {
    case Profile::mx:
      return policy::Role::mx;
    case Profile::submission:
    case Profile::submissions:
      return policy::Role::submission;
    case Profile::local:
      return policy::Role::local;
  }
  return policy::Role::mx;
}

session::Arrival::Origin origin_of(relay::Standing standing) {
  using Origin = session::Arrival::Origin;
  switch (standing) {
    case relay::Standing::stranger:
      return Origin::stranger;
    case relay::Standing::relay_host:
      return Origin::relay_host;
    case relay::Standing::trusted:
      return Origin::trusted;
    case relay::Standing::permitted:
      return Origin::permitted;
    case relay::Standing::login:
      return Origin::login;
    case relay::Standing::local:
      return Origin::local;
  }
  return Origin::stranger;
}

relay::Standing standing_of(const Site& site, const Client& client) {
  return site.routes->standing(client.sender());
}

}  // namespace sekisho::smtp
