#include "session/connected.h"

#include <algorithm>

#include "base/ascii.h"

namespace sekisho::session {

policy::Exemption Connected::exemption(const Snapshot& snapshot, bool authenticated) const {
  const auto& trust = snapshot.options.trust;
  if (authenticated && trust.authenticated == OnAuthenticated::skip) {
    return policy::Exemption::authenticated;
  }
  if (client.unix_socket) return policy::Exemption::unix_socket;
  if (client.address && trust.networks.contains(*client.address)) {
    return policy::Exemption::trusted_network;
  }
  return policy::Exemption::none;
}

bool Connected::behind_relay(const Snapshot& snapshot) const {
  const auto& relays = snapshot.options.trust.relays;
  return client.address && std::any_of(relays.begin(), relays.end(), [&](const auto& network) {
           return network.contains(*client.address);
         });
}

std::string Connected::own_name(const Snapshot& snapshot) const {
  const auto& identity = snapshot.options.identity;
  if (!identity.authserv_id.empty()) return identity.authserv_id;
  return mta_name.empty() ? identity.hostname : mta_name;
}

std::vector<std::string> Connected::own_domains(const Snapshot& snapshot) const {
  std::vector<std::string> out;
  for (const auto& domain : snapshot.options.identity.domains) out.push_back(domain.text());
  for (const std::string& host : {mta_name, snapshot.options.identity.hostname}) {
    // "mx.example.jp" and "example.jp": no top-level domain is ours.
    std::string name = ascii::lower(host);
    while (name.find('.') != std::string::npos) {
      out.push_back(name);
      name.erase(0, name.find('.') + 1);
    }
  }
  return out;
}

}  // namespace sekisho::session
