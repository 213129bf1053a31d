#include "cli/way_out.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include <sys/stat.h>

#include "dns/make_resolver.h"
#include "mail/domain_name.h"
#include "relay/egress.h"
#include "relay/host_lookup.h"
#include "relay/mx_lookup.h"

namespace sekisho::cli {

namespace {

using relay::NextHops;
using Kind = relay::Via::Kind;

constexpr std::uint16_t smtp_port = 25;
constexpr const char* no_hop_row = "no hop";

std::string joined(const std::vector<mail::IpAddress>& addresses) {
  std::string out;
  for (const auto& one : addresses) out += (out.empty() ? "" : ", ") + one.text();
  return out;
}

std::string source_of(const relay::Egress& egress, const relay::HopAddress& to) {
  const auto source = relay::source_now(egress, to);
  if (source.address.empty()) return "no way there: " + source.why_not;
  if (!source.configured) return "from " + source.address + ", as the system chooses";
  const std::string text = relay::source_text(egress, to);
  return source.here ? "from " + text : text + " is not an address of this host, so the mail waits";
}

// "mx.example[192.0.2.1]:25, from 192.0.2.9, as the system chooses"
std::string hop_text(const std::string& name, const relay::HopAddress& to, std::uint16_t port,
                     const relay::Egress& egress) {
  std::string address = to.address.text();
  if (to.scope != 0) address += "%" + std::to_string(to.scope);
  const std::string hop = "[" + address + "]:" + std::to_string(port);
  return (name == to.address.text() ? hop : name + hop) + ", " + source_of(egress, to);
}

void add_host(Rows& rows, const relay::Via& via, const relay::Egress& egress) {
  const auto found = relay::look_up_host(via.target, egress.family);
  if (!found) {
    rows.emplace_back(no_hop_row, found.error().what);
    return;
  }
  for (const auto& one : *found)
    rows.emplace_back(hop_row, hop_text(via.target, one, via.port, egress));
}

void add_socket(Rows& rows, const std::string& path) {
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  const std::string why = there ? "is no socket" : std::strerror(errno);
  rows.emplace_back(there && S_ISSOCK(status.st_mode) ? hop_row : no_hop_row,
                    there && S_ISSOCK(status.st_mode) ? path : path + ": " + why);
}

std::string no_hop_text(const NextHops& hops, bool by_route) {
  switch (hops.code) {
    case NextHops::Code::null_mx:
    case NextHops::Code::no_domain:
      return hops.why + (by_route ? ": the mail waits" : ": the mail goes back to its sender");
    case NextHops::Code::loop:
    case NextHops::Code::no_address:
      return hops.why + ": the mail waits";
    case NextHops::Code::found:
      break;
  }
  return hops.why;
}

void add_by_mx(Rows& rows, const config::Settings& settings, const relay::Map& map,
               const relay::Route* route, const std::string& name) {
  const auto domain = mail::DomainName::parse(name);
  auto resolver = dns::make_resolver(settings.dns);
  if (!domain || !resolver) {
    rows.emplace_back(no_hop_row, domain ? resolver.error().what : domain.error().what);
    return;
  }
  const auto egress = map.egress_of(route);
  const auto [hops, listed] =
      relay::look_up_hops(**resolver, settings.dns, *domain, relay::mx_options(map, egress.family));
  for (const auto& each : listed) {
    const std::string addresses = each.addresses.empty() ? "" : ", " + joined(each.addresses);
    rows.emplace_back(mx_row, std::to_string(each.preference) + " " + each.name + addresses +
                                  (each.left_out.empty() ? "" : ": left out: " + each.left_out));
  }
  if (hops.code != NextHops::Code::found)
    rows.emplace_back(no_hop_row, no_hop_text(hops, route != nullptr));
  const std::uint16_t port = route == nullptr || route->via.port == 0 ? smtp_port : route->via.port;
  for (const auto& host : hops.hosts) {
    for (const auto& one : host.addresses)
      rows.emplace_back(hop_row, hop_text(host.name, {one, 0}, port, egress));
  }
}

}  // namespace

Rows way_out(const config::Settings& settings, const relay::Map& map, const relay::Route* route,
             const std::string& domain) {
  Rows rows;
  switch (route == nullptr ? Kind::mx : route->via.kind) {
    case Kind::lmtp_unix:
      add_socket(rows, route->via.target);
      break;
    case Kind::lmtp:
    case Kind::smtp_host:
    case Kind::smtps_host:
      add_host(rows, route->via, map.egress_of(route));
      break;
    case Kind::smtp_domain:
      add_by_mx(rows, settings, map, route, route->via.target);
      break;
    case Kind::mx:
      add_by_mx(rows, settings, map, route, domain);
      break;
    case Kind::maildir:
    case Kind::discard:
      break;
  }
  return rows;
}

}  // namespace sekisho::cli
