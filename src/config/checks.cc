#include "config/checks.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/inet_socket.h"
#include "config/keys.h"
#include "relay/via.h"

namespace sekisho::config {

std::string entry_name(const char* section, std::size_t index) {
  return std::string(section) + "[" + std::to_string(index) + "]";
}

Place place_in(const Reader& reader, const std::string& entry, const std::string& key) {
  const std::string path = entry + "." + key;
  return reader.given(path) ? reader.place_of(path) : reader.place_of(entry);
}

namespace {

void check_unix_socket(const milter::Options& milter, const std::string& entry, Reader& reader) {
  const Place place = place_in(reader, entry, "socket");
  const bool below_spool = milter.socket.starts_with("unix:/var/spool/postfix/");
  if (below_spool && milter.socket_group.empty()) {
    reader.warning(place,
                   "Postfix could not connect unless the folder gives the socket its group: set "
                   "socket_group = \"postfix\"");
  }
  constexpr unsigned of_group = 060;
  if ((milter.socket_mode & of_group) != of_group &&
      (below_spool || !milter.socket_group.empty())) {
    const std::string group = milter.socket_group.empty() ? "of the MTA" : milter.socket_group;
    reader.error(place_in(reader, entry, "socket_mode"),
                 "the group " + group +
                     " could not connect, and all mail would get 451: set "
                     "socket_mode = \"0660\"");
  }
  if ((milter.socket_mode & 02) != 0) {
    reader.warning(place_in(reader, entry, "socket_mode"),
                   "every local user could connect: set socket_mode = \"0660\" and socket_group");
  }
}

bool is_loopback(std::string_view host) {
  const auto address = mail::IpAddress::parse(host);
  return address && (mail::IpPrefix::parse("127.0.0.0/8")->contains(*address) ||
                     mail::IpPrefix::parse("::1/128")->contains(*address));
}

void check_inet_socket(const milter::Options& milter, const std::string& entry, Reader& reader) {
  for (const char* key : {"socket_mode", "socket_owner", "socket_group"}) {
    if (reader.given(entry + "." + key)) {
      reader.warning(place_in(reader, entry, key),
                     std::string(key) + " has no effect: it is for Unix sockets");
    }
  }
  if (!is_loopback(milter.socket.substr(milter.socket.find('@') + 1))) {
    reader.warning(place_in(reader, entry, "socket"),
                   "the milter protocol has no password: let a packet filter admit the MTA alone");
  }
}

void check_sockets(const Settings& settings, Reader& reader) {
  std::map<std::string, Place> seen;
  if (settings.control.socket.empty()) {
    reader.error(reader.place_of("control.socket"),
                 "control.socket is empty: leave it out for the default, or name a path");
  }
  seen["unix:" + settings.control.socket] = reader.place_of("control.socket");
  for (std::size_t i = 0; i < settings.milters.size(); ++i) {
    const milter::Options& milter = settings.milters[i];
    const std::string entry = entry_name("milter", i + 1);
    const Place place = place_in(reader, entry, "socket");
    if (milter.socket.empty()) {
      // An unreadable one has a finding already.
      if (!reader.given(entry + ".socket")) {
        reader.error(place, "socket is missing: add socket = \"unix:/PATH\"");
      }
      continue;
    }
    const auto [first, fresh] = seen.emplace(milter.socket, place);
    if (!fresh) {
      const std::string other =
          first->second.line == 0 ? "the default of control.socket" : first->second.text();
      reader.error(place, "the socket " + milter.socket + " is already taken by " + other);
    }
    if (milter.socket.starts_with("unix:")) {
      check_unix_socket(milter, entry, reader);
    } else {
      check_inet_socket(milter, entry, reader);
    }
  }
}

// A port on which we listen.
struct Port {
  Place place;
  std::string key;
  std::string words;  // as written
  InetAddress address;
  V6 v6 = V6::only;
};

// An IPv6 address may be written in many ways.
std::string plain_host(const std::string& host) {
  const auto address = mail::IpAddress::parse(host);
  return address ? address->text() : host;
}

bool is_wildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

bool takes(const Port& one, const Port& other) {
  if (one.address.host == other.address.host) return true;
  if (!is_wildcard(one.address.host)) return false;
  return one.address.is_v6() == other.address.is_v6() || one.v6 == V6::and_v4;
}

bool collide(const Port& a, const Port& b) {
  return a.address.port == b.address.port && a.address.port != 0 && (takes(a, b) || takes(b, a));
}

void add_listeners(const Settings& settings, const Reader& reader, std::vector<Port>& out) {
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const std::string entry = entry_name("listener", i + 1);
    for (const auto& text : smtp::addresses_of(settings.listeners[i])) {
      auto address = parse_inet_address(text);
      if (!address) continue;
      address->host = plain_host(address->host);
      out.push_back({place_in(reader, entry, "address"), entry + ".address", text, *address});
    }
  }
}

std::vector<Port> ports_of(const Settings& settings, const Reader& reader) {
  std::vector<Port> out;
  for (std::size_t i = 0; i < settings.milters.size(); ++i) {
    const std::string& socket = settings.milters[i].socket;
    const auto colon = socket.find(':');
    const auto at = socket.find('@');
    if (!socket.starts_with("inet") || at == std::string::npos) continue;
    const std::string entry = entry_name("milter", i + 1);
    const auto port = std::strtoul(socket.c_str() + colon + 1, nullptr, 10);
    out.push_back({place_in(reader, entry, "socket"),
                   entry + ".socket",
                   socket,
                   {plain_host(socket.substr(at + 1)), static_cast<std::uint16_t>(port)}});
  }
  add_listeners(settings, reader, out);
  if (auto metrics = parse_inet_address(settings.metrics.listen)) {
    metrics->host = plain_host(metrics->host);
    out.push_back({reader.place_of("metrics.listen"), "metrics.listen", settings.metrics.listen,
                   std::move(*metrics), V6::and_v4});
  }
  return out;
}

// The same milter twice is found by check_sockets().
void check_ports(const Settings& settings, Reader& reader) {
  const auto ports = ports_of(settings, reader);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!collide(ports[j], ports[i])) continue;
      if (ports[i].words == ports[j].words && ports[i].words.starts_with("inet")) continue;
      reader.error(ports[i].place, ports[i].key + ": port " +
                                       std::to_string(ports[i].address.port) +
                                       " is already taken by " + ports[j].key + " at " +
                                       ports[j].place.text() + ": choose another port");
    }
  }
}

// Whether prefixes of one family cover all addresses: two halves are merged into their prefix, from
// the longest up to length 0.
bool cover_everything(const std::vector<mail::IpPrefix>& prefixes, mail::IpAddress::Family family) {
  constexpr int longest = 128;
  std::array<std::set<mail::IpPrefix>, longest + 1> by_length;
  for (const auto& prefix : prefixes) {
    if (prefix.address().family() != family) continue;
    by_length[static_cast<std::size_t>(prefix.length())].insert(prefix);
  }
  for (std::size_t length = longest; length > 0; --length) {
    std::set<mail::IpPrefix> halves;
    for (const auto& prefix : by_length[length]) {
      const auto whole = mail::IpPrefix::around(prefix.address(), static_cast<int>(length) - 1);
      if (!halves.insert(whole).second) by_length[length - 1].insert(whole);
    }
  }
  return !by_length[0].empty();
}

// An entry, or several together, for all addresses: that is never intended, and would silently
// disable the filter.
void check_everybody(const std::string& key, const mail::PrefixSet& set,
                     const std::string& what_then, Reader& reader) {
  using Family = mail::IpAddress::Family;
  std::vector<mail::IpPrefix> prefixes;  // with the places of the entries
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < set.entries().size(); ++i) {
    if (set.entries()[i].excluded) continue;
    prefixes.push_back(set.entries()[i].prefix);
    places.push_back(i);
  }
  const auto whose = [](Family family) {
    return family == Family::v4 ? std::string("every IPv4 address") : "every IPv6 address";
  };
  for (const Family family : {Family::v4, Family::v6}) {
    bool single = false;
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
      if (prefixes[i].length() > 0 || prefixes[i].address().family() != family) continue;
      single = true;
      reader.error(reader.place_of(key + "[" + std::to_string(places[i]) + "]"),
                   key + ": " + prefixes[i].text() + " is " + whose(family) + ": " + what_then);
    }
    if (!single && cover_everything(prefixes, family)) {
      reader.error(reader.place_of(key),
                   key + ": the entries together are " + whose(family) + ": " + what_then);
    }
  }
}

// Our own hosts are in the network of a site, which is no larger (RFC 6177 §2 for IPv6).
void check_width(const mail::IpPrefix& relay, const Place& place, Reader& reader) {
  const int widest = relay.address().is_v4() ? 16 : 48;
  if (relay.length() < widest) {
    reader.warning(place, relay.text() + " is wider than /" + std::to_string(widest) +
                              ": whoever has an address in it may say who sent the message");
  }
}

// A relay that is in another set too is either judged by the hop before it, or not at all.
void check_apart(const mail::IpPrefix& relay, const mail::PrefixSet& others,
                 const std::string& where, const Place& place, bool wrong, Reader& reader) {
  for (const auto& [other, excluded] : others.entries()) {
    if (excluded || other.length() == 0) continue;  // the latter is reported as an error elsewhere
    const bool inside = others.deciding(relay.address()) != nullptr &&
                        other.length() <= relay.length() && other.contains(relay.address());
    if (!inside && !relay.contains(other.address())) continue;
    const std::string message = relay.text() + (inside ? " is" : " is partly") + " in " + where +
                                " too (" + other.text() +
                                "), where nothing is evaluated: keep the two apart";
    if (wrong) {
      reader.error(place, message);
    } else {
      reader.warning(place, message);
    }
  }
}

// Loopback in trust.relays is for the content filter of a relay behind another MTA; in
// trust.networks it is for our own. Where we are the MTA, a client must be one of them.
void check_relay(const mail::IpPrefix& relay, const Settings& settings, const Place& place,
                 Reader& reader) {
  const bool alone = !settings.listeners.empty();
  if (relay.length() == 0 || (mail::is_loopback(relay.address()) && !alone)) return;
  check_width(relay, place, reader);
  check_apart(relay, settings.session.trust.networks, "trust.networks", place, alone, reader);
  for (std::size_t i = 0; i < settings.permits.size(); ++i) {
    check_apart(relay, relay::networks_of(settings.permits[i]), entry_name("permit", i + 1), place,
                true, reader);
  }
}

// Whether the entry has a key besides its recipients.
bool has_rules(const Reader& reader, const std::string& entry) {
  const std::string prefix = entry + ".";
  const auto& places = reader.places();
  for (auto at = places.lower_bound(prefix); at != places.end(); ++at) {
    const std::string_view path = at->first;
    if (!path.starts_with(prefix)) return false;
    const std::string_view key = path.substr(prefix.size());
    if (key != "to" && !key.starts_with("to[")) return true;
  }
  return false;
}

// Whether every listener is on loopback; a milter has a check of its own.
bool listens_here_only(const Settings& settings) {
  for (const auto& listener : settings.listeners) {
    if (listener.address.empty()) return false;
    for (const auto& text : listener.address) {
      const auto address = parse_inet_address(text);
      if (!address || !is_loopback(address->host)) return false;
    }
  }
  return true;
}

}  // namespace

std::string zone_file_warning(const Settings& settings) {
  if (settings.dns.zone_file.empty()) return "";
  const auto& milters = settings.milters;
  const bool for_trying = listens_here_only(settings) &&
                          std::all_of(milters.begin(), milters.end(), [](const auto& milter) {
                            return milter.socket.starts_with("inet") &&
                                   is_loopback(milter.socket.substr(milter.socket.find('@') + 1));
                          });
  if (for_trying) return "";
  return "THE DNS IS NOT ASKED: every answer for this filter's mail comes from the file " +
         settings.dns.zone_file + "; remove dns.zone_file, unless this is a laboratory";
}

void check_policies(const Settings& settings, Reader& reader) {
  std::map<std::string, Place> seen;
  for (std::size_t i = 0; i < settings.rules.policies.size(); ++i) {
    const std::string entry = entry_name("policy", i + 1);
    if (!has_rules(reader, entry)) {
      reader.warning(reader.place_of(entry),
                     "the entry sets nothing: its recipients have the rules of everybody");
    }
    const auto& patterns = settings.rules.policies[i].to;
    if (patterns.empty() && !reader.given(entry + ".to")) {
      reader.error(reader.place_of(entry), "to is missing: add to = [\"user@example.com\"]");
    }
    for (std::size_t j = 0; j < patterns.size(); ++j) {
      const Place place = reader.place_of(entry + ".to[" + std::to_string(j) + "]");
      const auto [first, fresh] = seen.emplace(patterns[j].text(), place);
      if (!fresh) {
        reader.error(place, "the recipient " + patterns[j].text() +
                                " is given twice; the first is at " + first->second.text() +
                                ": remove one of them");
      }
    }
  }
}

void check_dns(const Settings& settings, Reader& reader) {
  if (const auto warning = zone_file_warning(settings); !warning.empty())
    reader.warning(reader.place_of("dns.zone_file"), warning);
  if (reader.given("dns.servers") && !settings.dns.servers.empty() &&
      !settings.dns.zone_file.empty()) {
    reader.warning(reader.place_of("dns.servers"),
                   "dns.servers has no effect: dns.zone_file answers everything");
  }
  if (settings.dns.timeout > settings.dns.message_budget) {
    const bool timeout = reader.given("dns.timeout");
    reader.warning(reader.place_of(timeout ? "dns.timeout" : "dns.message_budget"),
                   "dns.timeout is longer than dns.message_budget, which ends before it");
  }
}

void check_dmarc(const Settings& settings, Reader& reader) {
  if (!settings.public_suffix_list.empty() &&
      settings.dmarc.discovery == dmarc::Discovery::treewalk) {
    reader.warning(reader.place_of("dmarc.public_suffix_list"),
                   "dmarc.public_suffix_list has no effect: it is for dmarc.discovery = \"psl\"");
  }
}

void check_trust(const Settings& settings, Reader& reader) {
  const auto& trust = settings.session.trust;
  check_everybody("trust.networks", trust.networks,
                  "no message from there would be evaluated; list your own networks, as in "
                  "mynetworks of Postfix",
                  reader);
  check_everybody(
      "trust.relays", trust.relays,
      "whoever connects could say who sent a message, and nobody would be refused; list "
      "the addresses of your own relays",
      reader);
  for (std::size_t i = 0; i < trust.relays.size(); ++i) {
    check_relay(trust.relays[i], settings,
                reader.place_of("trust.relays[" + std::to_string(i) + "]"), reader);
  }
}

void check_metrics(const Settings& settings, Reader& reader) {
  const auto address = parse_inet_address(settings.metrics.listen);
  if (address && !is_loopback(address->host)) {
    reader.warning(reader.place_of("metrics.listen"),
                   "metrics have no password: let a packet filter admit the monitoring host alone");
  }
}

void check_process(const Settings& settings, Reader& reader) {
  if (settings.process.user == "root") {
    reader.warning(reader.place_of("process.user"),
                   "the daemon would stay root: make a user of its own, \"sekisho\"");
  }
}

void check_log(const Settings& settings, Reader& reader) {
  if (settings.log.name.empty()) {
    reader.error(reader.place_of("log.name"),
                 "log.name is empty: leave it out for the default, or name a word");
  }
}

void check_across(const Settings& settings, Reader& reader) {
  check_sockets(settings, reader);
  check_ports(settings, reader);
  for (const Section& section : sections()) {
    if (section.check != nullptr) section.check(settings, reader);
  }
}

}  // namespace sekisho::config
