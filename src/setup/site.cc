#include "setup/site.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/host_name.h"

namespace sekisho::setup {
namespace {

using smtp::Profile;

std::string hostname_of(const config::Settings& settings) {
  const auto& given = settings.session.identity.hostname;
  return ascii::lower(given.empty() ? host_name() : given);
}

std::string origin_of(const config::Settings& settings) {
  const auto& given = settings.session.identity.origin;
  return given.empty() ? hostname_of(settings) : given;
}

std::string literal(const mail::IpAddress& address) {
  return (address.is_v4() ? "[" : "[ipv6:") + address.text() + "]";
}

// Whether the next hop is known to take addresses that are not ASCII before it is asked.
bool takes_utf8(const relay::Route& route) {
  return route.via.kind == relay::Via::Kind::maildir || route.via.kind == relay::Via::Kind::discard;
}

// It must not be promised for one recipient and then fail for him.
bool all_take_utf8(const std::vector<relay::Route>& routes) {
  bool any = false;
  for (const auto& route : routes) {
    if (!route.open()) continue;
    if (!takes_utf8(route)) return false;
    any = true;
  }
  return any;
}

// Clients of mx come from everywhere and rarely come back in time.
std::string resumption_of(Profile profile) {
  return profile == Profile::mx ? std::string() : std::string(to_string(profile));
}

Expected<smtp::ListenerSite, std::string> listener_site(const smtp::Listener& listener,
                                                        const SiteParts& parts) {
  smtp::ListenerSite out;
  out.profile = listener.profile;
  out.tls = listener.profile == Profile::mx ? listener.tls : smtp::ListenerTls::required;
  out.limits = listener.limits;
  auto proxies = smtp::Proxies::parse(listener.proxies);
  if (!proxies) return tl::unexpected<std::string>("listener.proxies: " + proxies.error());
  out.proxies = std::move(*proxies);
  const bool uses_tls = out.tls != smtp::ListenerTls::off;
  if (parts.context && uses_tls) out.tls_context = parts.context(resumption_of(listener.profile));
  return out;
}

smtp::ListenerSite local_site(const smtp::Limits& limits) {
  smtp::ListenerSite out;
  out.profile = Profile::local;
  out.tls = smtp::ListenerTls::off;
  out.limits = limits;
  return out;
}

}  // namespace

std::shared_ptr<const relay::Map> make_map(const config::Settings& settings,
                                           const HostAddresses& host) {
  relay::MapOptions options;
  options.routes = settings.routes;
  options.permits = settings.permits;
  options.egress = settings.egress;
  options.networks = settings.session.trust.networks;
  options.relays = settings.session.trust.relays;
  options.hostname = hostname_of(settings);
  options.own_names = {"localhost"};
  for (const auto& address : host.own) options.own_names.push_back(literal(address));
  for (const auto& address : settings.session.identity.addresses) {
    options.own_names.push_back(literal(address));
  }
  for (const auto& domain : settings.session.identity.domains) {
    options.identity_domains.push_back(domain.text());
  }
  options.shared_addresses = host.shared;
  if (options.egress.helo.empty()) options.egress.helo = options.hostname;
  return std::make_shared<const relay::Map>(std::move(options));
}

accounts::DirectoryOptions directory_options(const config::Settings& settings,
                                             std::shared_ptr<const relay::Map> map) {
  return {settings.users, settings.aliases, origin_of(settings), std::move(map)};
}

Expected<std::shared_ptr<const smtp::Site>, std::string> make_site(
    const config::Settings& settings, std::shared_ptr<const relay::Map> map,
    const SiteParts& parts) {
  auto site = std::make_shared<smtp::Site>();
  site->hostname = hostname_of(settings);
  site->origin = origin_of(settings);
  site->delimiter = settings.aliases.delimiter;
  site->routes = std::move(map);
  site->directory = parts.directory;
  site->authenticator = parts.authenticator;
  site->rules = settings.smtp;
  site->defer_for =
      std::chrono::duration_cast<std::chrono::seconds>(settings.rules.defaults.dmarc.defer_for);
  site->smtputf8 = all_take_utf8(settings.routes);
  for (const auto& listener : settings.listeners) {
    auto made = listener_site(listener, parts);
    if (!made) return tl::unexpected(made.error());
    site->listeners.push_back(std::move(*made));
  }
  site->listeners.push_back(local_site(settings.limits));
  return std::shared_ptr<const smtp::Site>(std::move(site));
}

}  // namespace sekisho::setup
