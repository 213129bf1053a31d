// relay/options.h: where mail goes, who may send where, and what it is sent from. [[route]],
// [[permit]], [egress].
// Thread: immutable values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/words.h"

namespace sekisho::relay {

enum class Family { ipv4_only, ipv6_only, prefer_ipv4, prefer_ipv6 };
constexpr auto words_of(Family) {
  return words<Family>({{Family::ipv4_only, "ipv4-only"},
                        {Family::ipv6_only, "ipv6-only"},
                        {Family::prefer_ipv4, "prefer-ipv4"},
                        {Family::prefer_ipv6, "prefer-ipv6"}});
}

// [egress]; complete in a Route: merged key by key.
struct Egress {
  Family family = Family::prefer_ipv4;
  std::string ipv4;  // empty: the system chooses
  std::string ipv6;
  std::string helo;  // empty: identity.hostname
  // For one reply; ten minutes after the end of DATA.
  std::chrono::seconds timeout{std::chrono::minutes(5)};
  bool operator==(const Egress&) const = default;
};

// `egress` of a [[route]]: what it says itself.
struct EgressChange {
  std::optional<Family> family;
  std::optional<std::string> ipv4;
  std::optional<std::string> ipv6;
  std::optional<std::string> helo;
  std::optional<std::chrono::seconds> timeout;

  Egress over(Egress base) const {
    if (family) base.family = *family;
    if (ipv4) base.ipv4 = *ipv4;
    if (ipv6) base.ipv6 = *ipv6;
    if (helo) base.helo = *helo;
    if (timeout) base.timeout = *timeout;
    return base;
  }
  bool operator==(const EgressChange&) const = default;
};

enum class RouteTls { none, opportunistic, required, verified };
constexpr auto words_of(RouteTls) {
  return words<RouteTls>({{RouteTls::none, "none"},
                          {RouteTls::opportunistic, "opportunistic"},
                          {RouteTls::required, "required"},
                          {RouteTls::verified, "verified"}});
}

// `via`, taken apart (relay/via.h reads it).
struct Via {
  enum class Kind {
    lmtp_unix,    // lmtp:unix:PATH
    lmtp,         // lmtp:HOST:PORT
    maildir,      // maildir:/var/mail/{domain}/{user}
    smtp_host,    // smtp:[HOST]:PORT: no MX
    smtps_host,   // smtps:[HOST]:PORT: TLS first
    smtp_domain,  // smtp:DOMAIN:PORT: its MX
    mx,           // the MX of the recipient's domain
    discard,
  };
  Kind kind = Kind::mx;
  std::string target;      // host, domain or path; a scoped address keeps its "%eth0"
  std::uint16_t port = 0;  // 0: none (a path)
  bool operator==(const Via&) const = default;
};

// `recipients`. A route without it is only a way out: it is not open to strangers.
struct Recipients {
  enum class Kind { users, any, ask, file };
  Kind kind = Kind::any;
  std::string path;  // of the file
  bool operator==(const Recipients&) const = default;
};

struct Route {
  // "example.jp", ".example.jp" (the names below it) or "*" (everywhere else); lower-case A-labels.
  std::vector<std::string> domain;
  Via via;
  std::optional<Recipients> recipients;
  RouteTls tls = RouteTls::opportunistic;
  std::string tls_name;  // empty: the host's name
  std::string login;
  std::string password_file;
  std::string token_file;  // XOAUTH2
  std::uint32_t concurrency = 10;
  EgressChange egress;

  bool open() const { return recipients.has_value(); }
};

// [[permit]]
struct Permit {
  std::vector<std::string> from;  // "192.0.2.1", "2001:db8::/32", "!192.0.2.254"
  std::vector<std::string> to;    // "*" or domains, as in a route
  std::string line;               // "milter.conf:12", for the log
};

}  // namespace sekisho::relay
