// relay/map.h: the routes and permits of one configuration: where mail for a domain goes, and who
// may send there. Nothing is frozen into a message: a route is looked up whenever it is tried.
// A domain wins over the names above it, and ".example.jp" over "*". Without "*" the rest goes by
// MX. Names of this host never go by "*" and never by MX: without a route of their own there is no
// way for them.
// Thread: immutable; any.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mail/path.h"
#include "mail/prefix_set.h"
#include "relay/options.h"
#include "relay/own_host.h"

namespace sekisho::relay {

struct MapOptions {
  std::vector<Route> routes;
  std::vector<Permit> permits;
  Egress egress;
  mail::PrefixSet networks;  // trust.networks
  mail::PrefixSet relays;    // trust.relays
  // Names and addresses that are this host, lower-case: hostname, localhost, address literals.
  std::string hostname;
  std::vector<std::string> own_names;
  std::vector<std::string> identity_domains;
  // Addresses that no permit and no trusted network covers unless it names them singly: the default
  // gateway (IPv4), and those of the bridges of this host.
  std::vector<mail::IpAddress> shared_addresses;
};

// docs/standalone.md, "Who may send where".
enum class Standing { stranger, relay_host, trusted, permitted, login, local };

// Who sends, as the front knows it.
struct Sender {
  std::optional<mail::IpAddress> address;
  bool login = false;  // authenticated on a submission port
  bool local = false;  // the Unix socket
};

// Whether a recipient may be sent to, and by which line of the configuration.
struct Reach {
  bool allowed = false;
  mail::Path path;  // the recipient as everything behind the front knows it
  const Route* route =
      nullptr;          // for a local delivery or a relay; nullptr: by MX, or none if `own`
  bool own = false;     // its domain is a name of this host
  std::string by;       // "[[route]] example.jp", "[[permit]] 192.0.2.0/24", "a login"
  std::string why_not;  // not allowed: which line would allow it
};

class Map {
 public:
  explicit Map(MapOptions options);

  // `domain`: lower-case A-labels; nullptr: by MX, or no way at all if is_own_name().
  const Route* find(std::string_view domain) const;
  const Egress& egress() const { return options_.egress; }
  // The egress of a route merged over [egress]; nullptr: [egress].
  Egress egress_of(const Route* route) const;
  Standing standing(const Sender& sender) const;
  // Also decides for names that always work: postmaster at open routes, at the hostname and at our
  // literals. Source routes, percent hacks and the like are never followed.
  Reach reach(const Sender& sender, const mail::Path& recipient) const;
  // The recipient without source route and final dot; at the hostname for all names of this host;
  // postmaster where its mail is read: at the hostname if that has a route, else at the first of
  // identity.domains with an open one. A text that is no address stays as it is.
  mail::Path canonical(const mail::Path& recipient) const;
  // The hostname, localhost, and our address literals in any spelling.
  bool is_own_name(std::string_view domain) const;
  // Whose mail is not judged: trust.networks, and permits to "*".
  const mail::PrefixSet& trusted() const { return trusted_; }
  const MapOptions& options() const { return options_; }

 private:
  struct Grant {
    mail::PrefixSet from;
    std::vector<std::string> to;
    std::string line;
    bool anywhere = false;

    bool covers(std::string_view domain) const;
  };
  struct Address;
  std::optional<Address> read(const mail::Path& path) const;
  const Route* route_of(std::string_view domain, bool own) const;
  std::string postmaster_domain() const;
  // By which line a client may send there.
  std::optional<std::string> by_rank(const Sender& sender) const;
  std::optional<std::string> by_route(const Address& to, const Route* route) const;
  std::optional<std::string> by_permit(const Sender& sender, const Address& to) const;
  std::string refusal(const Sender& sender, const Address& to, const Route* route) const;

  MapOptions options_;
  OwnHost own_;
  std::vector<Grant> grants_;
  mail::PrefixSet networks_;
  mail::PrefixSet trusted_;
  std::unordered_map<std::string, std::size_t> by_domain_;  // the route of each `domain`
};

}  // namespace sekisho::relay
