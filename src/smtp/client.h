// smtp/client.h: who is at the other end of a connection, as far as it is known by now, and how
// that is written in the log.
// Thread: one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "mail/ip_address.h"
#include "policy/facts.h"
#include "relay/map.h"
#include "session/arrival.h"
#include "smtp/options.h"
#include "smtp/site.h"

namespace sekisho::smtp {

struct Client {
  Profile profile = Profile::mx;
  std::size_t listener = 0;                // in Site::listeners
  std::optional<mail::IpAddress> address;  // none: the Unix socket
  std::uint16_t port = 0;
  std::string name;                   // verified; empty: unknown
  std::optional<std::uint32_t> user;  // uid, over the Unix socket
  // Why it may not send: it is a proxy that has not named its client. Empty: it may.
  std::string may_not_send;
  bool xclient = false;  // it may say XCLIENT

  std::string helo;
  bool esmtp = false;     // EHLO, not HELO
  std::string tls;        // "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384"; empty: none
  std::string login;      // empty: none
  std::string mechanism;  // of the login

  // Only a login may send.
  bool submits() const { return profile == Profile::submission || profile == Profile::submissions; }
  // "mx.example[192.0.2.1]", as Postfix writes it.
  std::string text() const;
  // By which it is counted in limits.
  std::string key() const;
  relay::Sender sender() const;
  // RFC 3848: "ESMTPSA".
  std::string protocol() const;
  // How the session knows it.
  policy::Client for_session() const;
};

policy::Role role_of(Profile profile);
session::Arrival::Origin origin_of(relay::Standing standing);
relay::Standing standing_of(const Site& site, const Client& client);
// To whom [smtp] applies, and to whom [limits]: docs/standalone.md, "Who may send where".
constexpr bool has_rules(relay::Standing standing) { return standing == relay::Standing::stranger; }
constexpr bool has_limits(relay::Standing standing) {
  return standing == relay::Standing::stranger || standing == relay::Standing::login;
}

}  // namespace sekisho::smtp
