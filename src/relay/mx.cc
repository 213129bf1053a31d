#include "relay/mx.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "base/ascii.h"
#include "relay/map.h"

namespace sekisho::relay {

namespace {

using Answer = dns::Evaluation<NextHops>;
using Code = NextHops::Code;

// Only so many are looked at, whatever a domain lists.
constexpr std::size_t looked_at = 2 * max_hosts;

Answer ended(Code code, std::string why) { return Answer::of({code, {}, std::move(why)}); }

std::string without_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return ascii::lower(name);
}

// RFC 5321 §5.1: the order within a preference is random, so that their load is the same.
std::vector<dns::Mx> in_random_order(std::vector<dns::Mx> all, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::shuffle(all.begin(), all.end(), random);
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.preference < b.preference; });
  return all;
}

std::vector<dns::Mx> in_order_of_trial(const dns::Answer& answer, const MxOptions& options) {
  auto all = in_random_order(answer.exchanges, options.seed);
  std::erase_if(all, [](const auto& one) { return without_dot(one.exchange).empty(); });
  return all;
}

// The addresses of one host name, as far as they are known.
struct Addresses {
  std::vector<mail::IpAddress> all;
  std::vector<dns::Question> open;
  bool failed = false;  // an answer is an error
  bool missing = true;  // there is no such name
  std::string why;
};

void ask(Addresses& out, const dns::Answers& answers, const dns::Question& question) {
  const dns::Answer* answer = answers.find(question);
  if (answer == nullptr) {
    out.open.push_back(question);
    return;
  }
  if (answer->outcome != dns::Outcome::nxdomain) out.missing = false;
  if (answer->is_error() || answer->is_refused()) {
    out.failed = true;
    out.why = to_string(question) + ": " + answer->error;
  }
  out.all.insert(out.all.end(), answer->addresses.begin(), answer->addresses.end());
}

Addresses addresses_of(const std::string& host, const dns::Answers& answers) {
  Addresses out;
  // Against the RFC some domains name an address as their MX.
  if (const auto literal = mail::IpAddress::parse(host)) {
    out.missing = false;
    out.all.push_back(*literal);
    return out;
  }
  const auto name = dns::Name::from(host);
  if (!name) return out;
  ask(out, answers, {*name, dns::Type::a});
  ask(out, answers, {*name, dns::Type::aaaa});
  return out;
}

bool is_own(const std::string& host, const Addresses& addresses, const OwnHost& own) {
  return own.is_name(host) || std::any_of(addresses.all.begin(), addresses.all.end(),
                                          [&](const auto& one) { return own.has(one); });
}

std::string no_family(const std::string& host, Family family) {
  return host +
         " has no address of the family that egress.family = " + std::string(to_string(family)) +
         " allows";
}

std::string why_unusable(const std::string& host, const Addresses& found, Family family) {
  return found.all.empty() ? host + " has no address" : no_family(host, family);
}

// Without MX the domain's own addresses count (RFC 5321 §5.1).
Answer implicit_mx(const std::string& domain, const MxOptions& options,
                   const dns::Answers& answers) {
  const Addresses found = addresses_of(domain, answers);
  if (!found.open.empty()) return Answer{std::nullopt, found.open, {}};
  if (found.all.empty() && found.failed) return ended(Code::no_address, found.why);
  if (found.all.empty() && found.missing) return ended(Code::no_domain, domain + " does not exist");
  if (found.all.empty())
    return ended(Code::no_domain, domain + " has neither an MX nor an address");
  if (is_own(domain, found, options.own))
    return ended(Code::loop, domain + " has no MX, and its address is this host's");
  auto usable = in_order(found.all, options.family);
  if (usable.empty()) {
    return ended(Code::no_address, found.failed ? found.why : no_family(domain, options.family));
  }
  return Answer::of({Code::found, {{domain, std::move(usable)}}, {}});
}

// One MX that is us cuts off itself and all of the same or a worse preference.
void cut(std::vector<dns::Mx>& all, const MxOptions& options, const dns::Answers& answers,
         std::string& us) {
  for (const auto& one : all) {
    const std::string host = without_dot(one.exchange);
    if (!is_own(host, addresses_of(host, answers), options.own)) continue;
    us = host;
    const auto preference = one.preference;
    std::erase_if(all, [&](const auto& each) { return each.preference >= preference; });
    return;
  }
}

Answer hosts_of(const std::vector<dns::Mx>& all, const std::string& domain,
                const MxOptions& options, const dns::Answers& answers) {
  NextHops hops;
  std::string why;
  bool failed = false;
  for (const auto& one : all) {
    if (hops.hosts.size() == max_hosts) break;
    const std::string host = without_dot(one.exchange);
    const Addresses found = addresses_of(host, answers);
    auto usable = in_order(found.all, options.family);
    if (!usable.empty()) {
      hops.hosts.push_back({host, std::move(usable)});
    } else if (!failed) {
      failed = found.failed;
      why = found.failed ? found.why : "the MX " + why_unusable(host, found, options.family);
    }
  }
  if (hops.hosts.empty()) return ended(Code::no_address, domain + ": " + why);
  hops.code = Code::found;
  return Answer::of(std::move(hops));
}

}  // namespace

bool allows_v4(Family family) { return family != Family::ipv6_only; }
bool allows_v6(Family family) { return family != Family::ipv4_only; }

std::vector<mail::IpAddress> in_order(const std::vector<mail::IpAddress>& addresses,
                                      Family family) {
  std::vector<mail::IpAddress> v4;
  std::vector<mail::IpAddress> v6;
  for (const auto& address : addresses) {
    auto& same = address.is_v4() ? v4 : v6;
    // No host is reached by a mapped address that was published.
    if (unmapped(address).is_v4() != address.is_v4()) continue;
    if (same.size() < max_addresses_of_host) same.push_back(address);
  }
  if (!allows_v4(family)) v4.clear();
  if (!allows_v6(family)) v6.clear();
  const bool v6_first = family == Family::prefer_ipv6 || family == Family::ipv6_only;
  auto& first = v6_first ? v6 : v4;
  const auto& second = v6_first ? v4 : v6;
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

MxOptions mx_options(const Map& map, Family family) {
  std::vector<std::string> names = map.options().own_names;
  names.push_back(map.options().hostname);
  return {family, OwnHost(std::move(names), addresses_of_interfaces()), 0};
}

dns::Evaluation<NextHops> next_hops(const mail::DomainName& domain, const MxOptions& options,
                                    const dns::Answers& answers) {
  const dns::Question question{dns::Name(domain), dns::Type::mx};
  const dns::Answer* answer = answers.find(question);
  if (answer == nullptr) {
    return Answer{std::nullopt, {question}, {}};
  }
  if (answer->is_error() || answer->is_refused())
    return ended(Code::no_address, to_string(question) + ": " + answer->error);
  if (answer->exchanges.size() == 1 && without_dot(answer->exchanges[0].exchange).empty())
    return ended(Code::null_mx, domain.text() + " takes no mail (null MX)");
  std::vector<dns::Mx> all = in_order_of_trial(*answer, options);
  if (all.empty()) return implicit_mx(domain.text(), options, answers);

  if (all.size() > looked_at) all.resize(looked_at);
  std::vector<dns::Question> open;
  for (const auto& one : all) {
    const auto found = addresses_of(without_dot(one.exchange), answers);
    open.insert(open.end(), found.open.begin(), found.open.end());
  }
  if (!open.empty()) return Answer{std::nullopt, std::move(open), {}};
  std::string us;
  cut(all, options, answers, us);
  if (all.empty())
    return ended(Code::loop, "the best MX of " + domain.text() + " is this host: " + us);
  return hosts_of(all, domain.text(), options, answers);
}

std::vector<ListedHost> listed_hosts(const mail::DomainName& domain, const MxOptions& options,
                                     const dns::Answers& answers) {
  std::vector<ListedHost> out;
  const dns::Answer* answer = answers.find({dns::Name(domain), dns::Type::mx});
  if (answer == nullptr) return out;
  std::optional<std::uint16_t> ours;
  std::size_t tried = 0;
  for (const auto& one : in_order_of_trial(*answer, options)) {
    const std::string host = without_dot(one.exchange);
    const Addresses found = addresses_of(host, answers);
    out.push_back({one.preference, host, found.all, {}});
    std::string& why = out.back().left_out;
    const bool own = is_own(host, found, options.own);
    if (out.size() > looked_at) {
      why = "only the first " + std::to_string(looked_at) + " are looked at";
    } else if (own) {
      why = "is this host";
    } else if (!ours && in_order(found.all, options.family).empty()) {
      why = found.failed ? found.why : why_unusable(host, found, options.family);
    } else if (!ours && ++tried > max_hosts) {
      why = "only the first " + std::to_string(max_hosts) + " are tried";
    }
    if (own && !ours && out.size() <= looked_at) ours = one.preference;
  }
  for (auto& each : out) {
    if (ours && each.preference >= *ours && each.left_out.empty())
      each.left_out = "is no better than this host";
  }
  return out;
}

}  // namespace sekisho::relay
