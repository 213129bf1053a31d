// Checks of [[route]], [egress] and [queue].
#include <algorithm>
#include <map>

#include "config/checks.h"
#include "config/values.h"

namespace sekisho::config {
namespace {

using relay::Route;
using relay::RouteTls;
using relay::Via;
using Kind = relay::Recipients::Kind;

// One route and where its keys stand.
struct Seen {
  const Route& route;
  std::string entry;
  const Settings& settings;
  Reader& reader;

  Place at(const char* key) const { return place_in(reader, entry, key); }
  bool given(const char* key) const { return reader.given(entry + "." + key); }
  void error(const char* key, const std::string& what) const {
    reader.error(at(key), entry + "." + key + ": " + what);
  }
  void warning(const char* key, const std::string& what) const {
    reader.warning(at(key), entry + "." + key + ": " + what);
  }
};

bool is_smtp(const Via& via) {
  switch (via.kind) {
    case Via::Kind::smtp_host:
    case Via::Kind::smtps_host:
    case Via::Kind::smtp_domain:
    case Via::Kind::mx:
      return true;
    case Via::Kind::lmtp:
    case Via::Kind::lmtp_unix:
    case Via::Kind::maildir:
    case Via::Kind::discard:
      return false;
  }
  return false;
}

bool is_lmtp(const Via& via) {
  return via.kind == Via::Kind::lmtp || via.kind == Via::Kind::lmtp_unix;
}

void check_required(const Seen& seen) {
  if (!seen.given("domain")) {
    seen.error("domain", "is missing: add domain = [\"example.jp\"]");
  } else if (seen.route.domain.empty()) {
    seen.error("domain", "the list is empty, so the route is for nothing");
  }
  if (!seen.given("via")) {
    seen.error("via", "is missing: add via = \"lmtp:unix:/PATH\", \"smtp:[HOST]\" or \"mx\"");
  }
  if (seen.settings.listeners.empty()) {
    seen.reader.warning(seen.reader.place_of(seen.entry),
                        "[[route]] has no effect without a [[listener]]");
  }
}

// What strangers may send to must be somebody's own.
void check_open(const Seen& seen, EverybodysNames& everybodys) {
  if (!seen.route.open()) return;
  for (const std::string& domain : seen.route.domain) {
    if (domain == "*") {
      seen.error("recipients",
                 "with domain = \"*\" anybody could send anywhere through this host: list your "
                 "domains in a route of their own, and leave recipients out here");
    } else if (everybodys.has(domain)) {
      seen.error("recipients", "the route would be open for " + domain +
                                   ", a whole top-level domain or public suffix: list your own "
                                   "domains");
    }
  }
}

void check_recipients(const Seen& seen) {
  const auto& [route, entry, settings, reader] = seen;
  const bool maildir = route.via.kind == Via::Kind::maildir;
  if (!route.open()) {
    if ((maildir || is_lmtp(route.via)) && !seen.given("recipients")) {
      seen.error("via",
                 "a route that delivers needs recipients, which says who exists: users, "
                 "file:PATH" +
                     std::string(maildir ? "" : ", ask or any"));
    }
    return;
  }
  const Kind kind = route.recipients->kind;
  if (maildir && kind == Kind::any) {
    seen.error("recipients",
               "any: strangers could make a folder for every name they think of; "
               "write users or file:PATH");
  }
  if (kind == Kind::ask && !is_smtp(route.via) && !is_lmtp(route.via)) {
    seen.error("recipients",
               "ask: there is no next hop that could be asked; write users or "
               "file:PATH");
  }
  if (kind == Kind::users && !settings.users.source.starts_with("file:")) {
    seen.error("recipients", "users needs a list of them: set users.source = \"file:PATH\"; with " +
                                 std::string(settings.users.source.empty() ? "none" : "another") +
                                 " source write file:PATH or ask here");
  }
}

void check_login(const Seen& seen) {
  const Route& route = seen.route;
  const bool secret = !route.password_file.empty() || !route.token_file.empty();
  if (route.login.empty()) {
    if (secret) {
      seen.error(route.password_file.empty() ? "token_file" : "password_file",
                 "there is no login that it is for: set login");
    }
    return;
  }
  if (!secret) seen.error("login", "needs a password: set password_file, or token_file");
  if (!route.password_file.empty() && !route.token_file.empty()) {
    seen.error("token_file", "there is a password_file too: remove one of them");
  }
  if (!is_smtp(route.via)) {
    seen.error("login", "there is a login only by smtp and smtps");
  } else if (route.via.kind == Via::Kind::mx) {
    seen.error("login",
               "with via = \"mx\" the password would go to whatever host a domain names; "
               "write smtp:[HOST] or smtp:DOMAIN");
  }
}

void check_route_tls(const Seen& seen) {
  const Via& via = seen.route.via;
  for (const char* key : {"tls", "tls_name"}) {
    if (!seen.given(key) || is_smtp(via) || via.kind == Via::Kind::lmtp) continue;
    seen.warning(key, "has no effect: there is no TLS on this way");
  }
  if (via.kind == Via::Kind::smtps_host && seen.route.tls == RouteTls::none) {
    seen.error("tls",
               "none: smtps is TLS from the first octet; write smtp:[HOST], or leave it "
               "out");
  }
}

// An address of a family that is never used; inherited ones are for other routes.
void check_route_egress(const Seen& seen) {
  const auto& own = seen.route.egress;
  const auto family = own.over(seen.settings.egress).family;
  const auto never = [&](const char* key, const char* word) {
    seen.error("egress", std::string(key) + " is never used: the family of this route is " + word);
  };
  if (own.ipv6 && !own.ipv6->empty() && family == relay::Family::ipv4_only) {
    never("ipv6", "ipv4-only");
  }
  if (own.ipv4 && !own.ipv4->empty() && family == relay::Family::ipv6_only) {
    never("ipv4", "ipv6-only");
  }
}

void check_domains_once(const Settings& settings, Reader& reader) {
  std::map<std::string, Place> seen;
  for (std::size_t i = 0; i < settings.routes.size(); ++i) {
    const std::string key = entry_name("route", i + 1) + ".domain";
    const auto& domains = settings.routes[i].domain;
    for (std::size_t j = 0; j < domains.size(); ++j) {
      const Place place = reader.place_of(key + "[" + std::to_string(j) + "]");
      const auto [first, fresh] = seen.emplace(domains[j], place);
      if (fresh) continue;
      reader.error(place, key + ": " + domains[j] + " is given twice; the first is at " +
                              first->second.text() + ": remove one of them");
    }
  }
}

bool is_open_for(const Settings& settings, const std::string& domain) {
  return std::any_of(settings.routes.begin(), settings.routes.end(), [&](const Route& route) {
    return route.open() &&
           std::any_of(route.domain.begin(), route.domain.end(), [&](const std::string& each) {
             return each == domain || (each.starts_with('.') && domain.ends_with(each));
           });
  });
}

bool is_ours(const Settings& settings, const std::string& domain) {
  const auto name = mail::DomainName::parse(domain.starts_with('.') ? domain.substr(1) : domain);
  const auto& ours = settings.session.identity.domains;
  return name && std::any_of(ours.begin(), ours.end(), [&](const mail::DomainName& each) {
           return name->is_or_is_below(each);
         });
}

// Neither implies the other, and mostly they are meant to be the same.
void check_differences(const Settings& settings, Reader& reader) {
  if (settings.listeners.empty()) return;
  const auto& ours = settings.session.identity.domains;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (is_open_for(settings, ours[i].text())) continue;
    reader.warning(reader.place_of("identity.domains[" + std::to_string(i) + "]"),
                   "identity.domains has " + ours[i].text() +
                       ", and no open route: mail for it from outside is refused; add a [[route]] "
                       "with recipients, if it comes here");
  }
  for (std::size_t i = 0; i < settings.routes.size(); ++i) {
    const auto& route = settings.routes[i];
    for (std::size_t j = 0; route.open() && j < route.domain.size(); ++j) {
      if (is_ours(settings, route.domain[j])) continue;
      const std::string key = entry_name("route", i + 1) + ".domain[" + std::to_string(j) + "]";
      reader.warning(reader.place_of(key),
                     "the route is open for " + route.domain[j] +
                         ", which is not in identity.domains: strangers may claim to be its "
                         "authors; add it there, if all its mail is authenticated");
    }
  }
}

}  // namespace

void check_routes(const Settings& settings, Reader& reader) {
  EverybodysNames everybodys(settings.public_suffix_list);
  for (std::size_t i = 0; i < settings.routes.size(); ++i) {
    const Seen seen{settings.routes[i], entry_name("route", i + 1), settings, reader};
    check_required(seen);
    check_open(seen, everybodys);
    check_recipients(seen);
    check_login(seen);
    check_route_tls(seen);
    check_route_egress(seen);
  }
  check_domains_once(settings, reader);
  check_differences(settings, reader);
}

void check_egress(const Settings& settings, Reader& reader) {
  const auto& egress = settings.egress;
  if (!egress.ipv6.empty() && egress.family == relay::Family::ipv4_only) {
    reader.error(reader.place_of("egress.ipv6"),
                 "egress.ipv6 is never used: egress.family is ipv4-only; remove one of them");
  }
  if (!egress.ipv4.empty() && egress.family == relay::Family::ipv6_only) {
    reader.error(reader.place_of("egress.ipv4"),
                 "egress.ipv4 is never used: egress.family is ipv6-only; remove one of them");
  }
}

void check_queue(const Settings& settings, Reader& reader) {
  for (const auto& [key, value] : {std::pair("queue.dir", &settings.queue.dir),
                                   std::pair("queue.drop", &settings.queue.drop)}) {
    if (value->empty()) {
      reader.error(reader.place_of(key), std::string(key) +
                                             " is empty: leave it out for the "
                                             "default, or name a folder");
    }
  }
  if (settings.queue.warn_after >= settings.queue.give_up) {
    const bool late = reader.given("queue.warn_after");
    reader.warning(reader.place_of(late ? "queue.warn_after" : "queue.give_up"),
                   "queue.warn_after (" + show_duration(settings.queue.warn_after) +
                       ") is not before queue.give_up (" + show_duration(settings.queue.give_up) +
                       "): nobody is told that a message waits");
  }
}

}  // namespace sekisho::config
