#include "cli/route.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/encoding.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "mail/domain_name.h"
#include "mail/path.h"
#include "relay/map.h"
#include "relay/via.h"
#include "setup/site.h"

namespace sekisho::cli {

namespace {

// What is printed: names and values, in this order.
using Rows = std::vector<std::pair<std::string, std::string>>;

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
  if (!route.tls_name.empty()) out += ", as " + route.tls_name;
  return out;
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

Rows rows_of(const relay::Map& map, const mail::Path& given, const std::string& domain) {
  Rows rows;
  const mail::Path to = map.canonical(given);
  if (to.raw() != given.raw()) rows.emplace_back("read as", to.raw());
  const relay::Route* route = map.find(domain);
  if (route != nullptr) {
    rows.emplace_back("route", "[[route]] domain = " + listed(route->domain));
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

void print(const Rows& rows, bool json) {
  if (json) {
    nlohmann::ordered_json out;
    for (const auto& [name, value] : rows) out[name] = value;
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
  print(rows_of(*map, to, domain), request.json);
  return ok;
}

}  // namespace sekisho::cli
