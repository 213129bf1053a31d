#include "cli/route.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include "accounts/live_directory.h"
#include "base/ascii.h"
#include "base/encoding.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "cli/way_out.h"
#include "mail/domain_name.h"
#include "mail/path.h"
#include "relay/map.h"
#include "relay/via.h"
#include "setup/site.h"

namespace sekisho::cli {

namespace {

constexpr const char* note_row = "note";
// A file that is neither there nor can be made.
constexpr const char* no_secret = "/dev/null/srs";

std::string listed(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& one : all) out += (out.empty() ? "\"" : ", \"") + one + "\"";
  return "[" + out + "]";
}

std::string or_else(const std::string& text, const std::string& otherwise) {
  return text.empty() ? otherwise : text;
}

std::string tls_text(const relay::Route& route) {
  // A login is told to nobody else.
  const auto level = route.login.empty() ? route.tls : relay::RouteTls::verified;
  std::string out(to_string(level));
  if (level == relay::RouteTls::verified)
    out += ", the certificate is for " + or_else(route.tls_name, "the name of the next hop");
  if (level != route.tls) out += " (there is a login)";
  return out;
}

// Which of several, and for which of its domains.
std::string route_text(const relay::Map& map, const relay::Route& route,
                       const std::string& domain) {
  const auto& all = map.options().routes;
  std::size_t number = 1;
  while (number < all.size() && all[number - 1].domain != route.domain) ++number;
  std::string why = "\"*\": everywhere that no other route is for";
  for (const auto& one : route.domain) {
    if (one == domain) why = "\"" + one + "\"";
    if (one.starts_with('.') && domain.ends_with(one)) why = "\"" + one + "\": below it";
  }
  return "[[route]] " + std::to_string(number) + " of " + std::to_string(all.size()) +
         ", domain = " + listed(route.domain) + ", by " + why;
}

bool leaves_by_network(relay::Via::Kind kind) {
  using Kind = relay::Via::Kind;
  return kind != Kind::lmtp_unix && kind != Kind::maildir && kind != Kind::discard;
}

void add_egress(Rows& rows, const relay::Egress& egress, const std::string& hostname) {
  rows.emplace_back("family", std::string(to_string(egress.family)));
  rows.emplace_back("ipv4", or_else(egress.ipv4, "as the system chooses"));
  rows.emplace_back("ipv6", or_else(egress.ipv6, "as the system chooses"));
  rows.emplace_back("helo", or_else(egress.helo, hostname));
}

std::string existence_text(accounts::Existence existence) {
  switch (existence) {
    case accounts::Existence::exists:
      return "exists";
    case accounts::Existence::missing:
      return "does not exist: it is refused at RCPT";
    case accounts::Existence::unknown:
      return "is unknown, for the list cannot be read: it is told to come later";
    case accounts::Existence::ask:
      break;
  }
  return "is asked for at the next hop (sekisho relay test)";
}

// What a stranger's RCPT is answered by, and who gets the mail instead.
void add_recipient(Rows& rows, const config::Settings& settings,
                   const std::shared_ptr<const relay::Map>& map, const mail::Path& to,
                   const relay::Route* route) {
  auto options = setup::directory_options(settings, map);
  // The daemon makes this file where it is absent, and only it may.
  auto& secret = options.aliases.srs_secret_file;
  if (::access(secret.c_str(), R_OK) != 0) secret = no_secret;
  const accounts::LiveDirectory live(std::move(options));
  const auto directory = live.now();
  const auto path = directory->reversed(to);
  if (!path) return rows.emplace_back("recipient", "is a forged or old SRS address"), void();
  if (route != nullptr && route->recipients)
    rows.emplace_back("recipient", existence_text(directory->exists(*path, route)));
  const auto expansion = directory->expand(mail::Path(), *path);
  std::string names;
  for (const auto& one : expansion.recipients)
    names += (names.empty() ? "" : ", ") + one.path.raw();
  if (!expansion.fault.empty()) rows.emplace_back("aliases", expansion.fault);
  if (expansion.fault.empty() && names != path->raw()) rows.emplace_back("aliases", names);
  for (const auto& finding : live.findings()) {
    if (!finding.starts_with(no_secret)) rows.emplace_back(note_row, finding);
  }
}

Rows rows_of(const relay::Map& map, const mail::Path& given, const std::string& domain) {
  Rows rows;
  const mail::Path to = map.canonical(given);
  if (to.raw() != given.raw()) rows.emplace_back("read as", to.raw());
  const relay::Route* route = map.find(domain);
  if (route != nullptr) {
    rows.emplace_back("route", route_text(map, *route, domain));
    rows.emplace_back("via", text_of(route->via));
    if (leaves_by_network(route->via.kind)) rows.emplace_back("tls", tls_text(*route));
    if (!route->login.empty()) rows.emplace_back("login", route->login);
  } else if (map.is_own_name(domain)) {
    rows.emplace_back("route", "none: this is a name of this host, and no [[route]] is for it");
  } else {
    rows.emplace_back("route", "none: by the MX of " + domain);
    rows.emplace_back("tls", std::string(to_string(relay::RouteTls::opportunistic)));
  }
  if (route == nullptr || leaves_by_network(route->via.kind))
    add_egress(rows, map.egress_of(route), map.options().hostname);
  const auto reach = map.reach(relay::Sender{}, to);
  rows.emplace_back("strangers", reach.allowed ? "may send there: " + reach.by
                                               : "may not send there: " + reach.why_not);
  if (route != nullptr && route->recipients)
    rows.emplace_back("recipients", text_of(*route->recipients));
  return rows;
}

bool may_come_again(const std::string& name) {
  return name == mx_row || name == hop_row || name == note_row;
}

void print(const Rows& rows, bool json) {
  if (json) {
    nlohmann::ordered_json out;
    for (const auto& [name, value] : rows) {
      if (may_come_again(name)) {
        out[name].push_back(value);
      } else {
        out[name] = value;
      }
    }
    std::printf("%s\n", out.dump(2, ' ', true, nlohmann::json::error_handler_t::replace).c_str());
    return;
  }
  for (const auto& [name, value] : rows)
    std::printf("%-11s %s\n", name.c_str(), escape_for_terminal(value).c_str());
}

}  // namespace

int route(const RouteRequest& request) {
  const auto loaded = load_configuration(request.config, config::ValueFiles::skip);
  if (!loaded) return ExitCode::config;
  const bool address = request.address.find('@') != std::string::npos;
  const auto map = setup::make_map(loaded->settings, setup::addresses_of_this_host());
  const bool bare_postmaster = ascii::iequals(request.address, "postmaster");
  const mail::Path to =
      bare_postmaster ? map->canonical(mail::Path("postmaster"))
                      : mail::Path(address ? request.address : "postmaster@" + request.address);
  const auto canonical = map->canonical(to);
  std::string domain = ascii::lower(canonical.domain());
  if (!map->is_own_name(domain)) {
    const auto parsed = mail::DomainName::parse(canonical.domain());
    if (!parsed) return complain(usage, request.address + ": " + parsed.error().what);
    domain = parsed->text();
  }
  const relay::Route* route = map->find(domain);
  auto rows = rows_of(*map, to, domain);
  if (address || bare_postmaster) add_recipient(rows, loaded->settings, map, canonical, route);
  if (route != nullptr || !map->is_own_name(domain)) {
    const auto way = way_out(loaded->settings, *map, route, domain);
    rows.insert(rows.end(), way.begin(), way.end());
  }
  print(rows, request.json);
  return ok;
}

}  // namespace sekisho::cli
