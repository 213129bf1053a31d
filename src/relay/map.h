// relay/map.h: the routes and permits of one configuration: where mail for a domain goes, and who
// may send there. Nothing is frozen into a message: a route is looked up whenever it is tried.
// A domain wins over the names above it, and ".example.jp" over "*". Without "*" the rest goes by
// MX.
// Thread: immutable; any.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/path.h"
#include "mail/prefix_set.h"
#include "relay/options.h"

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

// DESIGN's "who is who".
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
  const Route* route = nullptr;  // for a local delivery or a relay; nullptr: by MX
  std::string by;                // "[[route]] example.jp", "[[permit]] 192.0.2.0/24", "a login"
  std::string why_not;           // not allowed: which line would allow it
};

class Map {
 public:
  explicit Map(MapOptions options);

  // `domain`: lower-case A-labels; nullptr: by MX.
  const Route* find(std::string_view domain) const;
  const Egress& egress() const { return options_.egress; }
  // The egress of a route merged over [egress]; nullptr: [egress].
  Egress egress_of(const Route* route) const;
  Standing standing(const Sender& sender) const;
  // Also decides for names that always work: postmaster at open routes, at the hostname and at our
  // literals. Source routes, percent hacks and the like are never followed.
  Reach reach(const Sender& sender, const mail::Path& recipient) const;
  bool is_own_name(std::string_view domain) const;
  const MapOptions& options() const { return options_; }

 private:
  MapOptions options_;
};

}  // namespace sekisho::relay
