#include "relay/map.h"

#include <algorithm>

#include "base/ascii.h"
#include "mail/domain_name.h"
#include "relay/via.h"

namespace sekisho::relay {
namespace {

using mail::IpAddress;

// RFC 5321 §4.1.3. The address of a literal; nullopt for one of no address ("[x:y]").
std::optional<IpAddress> literal_address(std::string_view domain) {
  if (!domain.starts_with('[') || !domain.ends_with(']')) return std::nullopt;
  domain = domain.substr(1, domain.size() - 2);
  if (ascii::istarts_with(domain, "ipv6:")) domain.remove_prefix(5);
  const auto address = IpAddress::parse(domain);
  return address ? std::optional(*address) : std::nullopt;
}

// Resolvers read a name whose last label is a number as an address (inet_aton(3)).
bool ends_in_number(const mail::DomainName& name) {
  const std::string last(name.labels().back());
  return std::all_of(last.begin(), last.end(), ascii::is_digit) || last.starts_with("0x");
}

// A domain as it is looked up; nullopt for what is neither a domain nor a literal.
std::optional<std::string> normal(std::string_view domain) {
  if (const auto address = literal_address(domain)) {
    return (address->is_v4() ? "[" : "[ipv6:") + address->text() + "]";
  }
  const auto name = mail::DomainName::parse(domain);
  if (!name || ends_in_number(*name)) return std::nullopt;
  return name->text();
}

// RFC 5321 §4.1.2 Atom and its dots, with the octets of UTF-8 (RFC 6531 §3.3).
bool may_stand_unquoted(char c) {
  constexpr std::string_view specials = "!#$%&'*+-/=?^_`{|}~.";
  return ascii::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
         specials.find(c) != std::string_view::npos;
}

std::optional<std::string> without_quotes(std::string_view local) {
  std::string out;
  for (std::size_t i = 1; i < local.size(); ++i) {
    if (local[i] == '"') return i + 1 == local.size() ? std::optional(out) : std::nullopt;
    if (local[i] == '\\' && i + 1 < local.size()) ++i;
    if (ascii::is_control(local[i])) return std::nullopt;
    out += local[i];
  }
  return std::nullopt;
}

// Unquoted; nullopt if the text is no local part. However long: nobody measures it but its owner.
std::optional<std::string> unquoted(std::string_view local) {
  if (local.starts_with('"')) return without_quotes(local);
  const bool atoms = std::all_of(local.begin(), local.end(), may_stand_unquoted);
  return atoms ? std::optional<std::string>(local) : std::nullopt;
}

// What some servers take for a way to a third host: the percent hack, UUCP's "!", an "@" in quotes.
bool looks_like_a_route(std::string_view local) {
  return local.find_first_of("%!@") != std::string_view::npos;
}

// Whether another server reads the address after us, which may trust our address.
bool passes_on(const Route* route) {
  if (route == nullptr) return true;
  switch (route->via.kind) {
    case Via::Kind::smtp_host:
    case Via::Kind::smtps_host:
    case Via::Kind::smtp_domain:
    case Via::Kind::mx:
      return true;
    case Via::Kind::lmtp_unix:
    case Via::Kind::lmtp:
    case Via::Kind::maildir:
    case Via::Kind::discard:
      return false;
  }
  return true;
}

mail::PrefixSet without(mail::PrefixSet set, const std::vector<IpAddress>& shared) {
  for (const auto& address : shared) set.exclude_unless_named(address);
  return set;
}

std::string permit_name(const mail::PrefixSet::Entry& entry) {
  return "[[permit]] " + entry.prefix.text();
}

}  // namespace

// A recipient taken apart. Its local part is never looked into for another address.
struct Map::Address {
  std::string local;   // unquoted
  std::string domain;  // as it is looked up; empty for a bare name
  bool own = false;

  bool is_postmaster() const { return ascii::iequals(local, "postmaster"); }
};

bool Map::Grant::covers(std::string_view domain) const {
  return anywhere || std::any_of(to.begin(), to.end(), [&](const std::string& each) {
           return each == domain || (each.starts_with('.') && domain.ends_with(each));
         });
}

Map::Map(MapOptions options) : options_(std::move(options)) {
  std::vector<std::string> names = options_.own_names;
  if (!options_.hostname.empty()) names.push_back(options_.hostname);
  own_ = OwnHost(std::move(names), {});
  networks_ = without(options_.networks, options_.shared_addresses);
  std::vector<mail::PrefixSet> trusted{networks_};
  for (const Permit& permit : options_.permits) {
    Grant grant{without(networks_of(permit), options_.shared_addresses), permit.to, permit.line};
    grant.anywhere = std::find(permit.to.begin(), permit.to.end(), "*") != permit.to.end();
    if (grant.anywhere) trusted.push_back(grant.from);
    grants_.push_back(std::move(grant));
  }
  trusted_ = mail::PrefixSet::any_of(trusted);
  for (std::size_t i = 0; i < options_.routes.size(); ++i) {
    for (const std::string& domain : options_.routes[i].domain) by_domain_.emplace(domain, i);
  }
}

bool Map::is_own_name(std::string_view domain) const {
  if (const auto address = literal_address(domain)) return own_.has(*address);
  const auto name = mail::DomainName::parse(domain);
  return name && !mail::IpAddress::parse(name->text()) && own_.is_name(name->text());
}

const Route* Map::route_of(std::string_view domain, bool own) const {
  const auto at = [this](std::string_view key) -> const Route* {
    const auto found = by_domain_.find(std::string(key));
    return found == by_domain_.end() ? nullptr : &options_.routes[found->second];
  };
  if (const Route* exact = at(domain)) return exact;
  if (own && domain != options_.hostname) return route_of(options_.hostname, true);
  // ".b.example.jp", ".example.jp", ".jp"; a literal has no names above it.
  for (auto dot = domain.starts_with('[') ? std::string_view::npos : domain.find('.');
       dot != std::string_view::npos; dot = domain.find('.', dot + 1)) {
    if (const Route* above = at(domain.substr(dot))) return above;
  }
  return own ? nullptr : at("*");
}

const Route* Map::find(std::string_view domain) const {
  return route_of(domain, is_own_name(domain));
}

Egress Map::egress_of(const Route* route) const {
  return route == nullptr ? options_.egress : route->egress.over(options_.egress);
}

Standing Map::standing(const Sender& sender) const {
  if (sender.local) return Standing::local;
  if (sender.login) return Standing::login;
  if (!sender.address) return Standing::stranger;
  const bool permitted = std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) {
    return grant.from.contains(*sender.address);
  });
  if (permitted) return Standing::permitted;
  if (networks_.contains(*sender.address)) return Standing::trusted;
  if (options_.relays.contains(*sender.address)) return Standing::relay_host;
  return Standing::stranger;
}

std::optional<Map::Address> Map::read(const mail::Path& path) const {
  auto local = unquoted(path.local_part());
  if (!local || local->empty()) return std::nullopt;
  if (!path.has_domain()) return Address{std::move(*local), {}, true};
  auto domain = normal(path.domain());
  if (!domain) return std::nullopt;
  const bool own = is_own_name(*domain);
  return Address{std::move(*local), std::move(*domain), own};
}

std::string Map::postmaster_domain() const {
  if (route_of(options_.hostname, true) != nullptr) return options_.hostname;
  for (const std::string& domain : options_.identity_domains) {
    const Route* route = find(domain);
    if (route != nullptr && route->open()) return domain;
  }
  return options_.hostname;
}

mail::Path Map::canonical(const mail::Path& recipient) const {
  const auto address = read(recipient);
  if (!address || options_.hostname.empty()) return recipient;
  const std::string local(recipient.local_part());
  if (address->own && route_of(address->domain, true) == nullptr && address->is_postmaster()) {
    return local + "@" + postmaster_domain();
  }
  if (address->own) {
    const bool has_own_route = by_domain_.contains(address->domain);
    return local + "@" + (has_own_route ? address->domain : options_.hostname);
  }
  std::string_view domain = recipient.domain();
  if (domain.ends_with('.')) domain.remove_suffix(1);
  return local + "@" + std::string(domain);
}

std::optional<std::string> Map::by_rank(const Sender& sender) const {
  if (sender.local) return "sendmail(1) on this host";
  if (sender.login) return "a login";
  if (!sender.address) return std::nullopt;
  for (const Grant& grant : grants_) {
    const auto* entry = grant.anywhere ? grant.from.deciding(*sender.address) : nullptr;
    if (entry != nullptr) return permit_name(*entry);
  }
  return std::nullopt;
}

std::optional<std::string> Map::by_route(const Address& to, const Route* route) const {
  const bool open = route != nullptr && route->open();
  if (to.is_postmaster() && (to.own || open)) return "postmaster";
  if (!open || to.domain.empty()) return std::nullopt;
  return "[[route]] " + route->domain.front();
}

std::optional<std::string> Map::by_permit(const Sender& sender, const Address& to) const {
  if (!sender.address || to.domain.empty()) return std::nullopt;
  for (const Grant& grant : grants_) {
    const auto* entry = grant.covers(to.domain) ? grant.from.deciding(*sender.address) : nullptr;
    if (entry != nullptr) return permit_name(*entry);
  }
  return std::nullopt;
}

std::string Map::refusal(const Sender& sender, const Address& to, const Route* route) const {
  if (to.domain.empty()) return "a name without a domain; nobody but postmaster has one";
  if (!sender.address) return "only a login, or a client with an address, may send there";
  const std::string line = "[[permit]] from = [\"" + sender.address->text() + "\"] to = [\"" +
                           to.domain + "\"] would allow it";
  const auto& shared = options_.shared_addresses;
  if (std::find(shared.begin(), shared.end(), *sender.address) != shared.end()) {
    return line +
           "; a network never covers this address, which is that of the gateway or of a "
           "bridge: anybody may be behind it";
  }
  if (route == nullptr || route->open()) return line;
  return line + ", or `recipients` in its [[route]] would open it for everybody";
}

Reach Map::reach(const Sender& sender, const mail::Path& recipient) const {
  Reach out;
  out.path = canonical(recipient);
  const auto to = read(recipient);
  if (!to) {
    out.why_not = "not an address that can be read in one way only";
    return out;
  }
  out.own = to->own;
  const auto behind = read(out.path);
  out.route = route_of(behind->domain, behind->own);
  auto by = by_rank(sender);
  if (!by) {
    by = by_route(*to, out.route);
    if (!by) by = by_permit(sender, *to);
    if (by && looks_like_a_route(to->local) && passes_on(out.route)) {
      out.why_not = "the next hop could take its local part for a way to another host";
      return out;
    }
  }
  out.allowed = by.has_value();
  if (by) out.by = std::move(*by);
  if (!out.allowed) out.why_not = refusal(sender, *to, out.route);
  return out;
}

}  // namespace sekisho::relay
