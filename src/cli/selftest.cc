#include "cli/selftest.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "cli/exit_code.h"
#include "mail/ip_address.h"
#include "mail/prefix_set.h"
#include "setup/site.h"

namespace sekisho::cli {

namespace {

// RFC 2606 §2: a name that no route has by chance.
constexpr const char* anywhere = "anywhere.invalid";
// RFC 5737, RFC 3849: addresses that belong to nobody.
constexpr const char* strangers[] = {"198.51.100.77", "203.0.113.77", "192.0.2.77",
                                     "2001:db8:77::77"};

struct From {
  std::string name;
  relay::Sender sender;
};

relay::Sender at(const mail::IpAddress& address) { return {.address = address}; }

void add(std::vector<From>& all, From from) {
  const bool known = std::any_of(all.begin(), all.end(), [&](const From& each) {
    return each.sender.address && from.sender.address &&
           *each.sender.address == *from.sender.address;
  });
  if (!known) all.push_back(std::move(from));
}

std::optional<From> stranger(const relay::Map& map) {
  for (const char* text : strangers) {
    const auto address = mail::IpAddress::parse(text);
    if (map.standing(at(*address)) != relay::Standing::stranger) continue;
    return From{"a stranger, " + std::string(text), at(*address)};
  }
  return std::nullopt;
}

// The first address of the entry stands for all of it; of an exclusion that is what must not pass.
void add_entry(std::vector<From>& all, const std::string& where, const std::string& text) {
  const auto entry = mail::PrefixSet::parse_entry(text);
  if (!entry) return;
  add(all,
      {where + " " + text + ", " + entry->prefix.address().text(), at(entry->prefix.address())});
}

std::vector<From> senders(const relay::Map& map) {
  std::vector<From> all;
  if (auto one = stranger(map)) all.push_back(std::move(*one));
  const auto& options = map.options();
  for (const auto& text : options.relays.texts()) add_entry(all, "trust.relays", text);
  for (const auto& text : options.networks.texts()) add_entry(all, "trust.networks", text);
  for (const auto& permit : options.permits) {
    for (const auto& text : permit.from) add_entry(all, "[[permit]]", text);
  }
  for (const auto& address : options.shared_addresses) {
    add(all, {"the gateway or a bridge, " + address.text(), at(address)});
  }
  all.push_back({"a login", {std::nullopt, true, false}});
  all.push_back({"this host", {std::nullopt, false, true}});
  return all;
}

void add_domain(std::vector<std::string>& all, const std::string& domain) {
  if (domain.empty() || domain == "*") return;
  if (domain.front() == '.') return add_domain(all, "below" + domain);
  if (std::find(all.begin(), all.end(), domain) == all.end()) all.push_back(domain);
}

std::vector<std::string> domains(const relay::Map& map) {
  std::vector<std::string> all;
  for (const auto& route : map.options().routes) {
    for (const auto& domain : route.domain) add_domain(all, domain);
    for (const auto& domain : route.domain) {
      if (route.open() && domain != "*" && domain.front() != '.')
        add_domain(all, "below." + domain);
    }
  }
  for (const auto& domain : map.options().identity_domains) add_domain(all, domain);
  for (const auto& permit : map.options().permits) {
    for (const auto& domain : permit.to) add_domain(all, domain);
  }
  add_domain(all, map.options().hostname);
  all.emplace_back(anywhere);
  return all;
}

nlohmann::json to_json(const RelayCase& one) {
  return {{"from", one.from},
          {"to", one.to},
          {"allowed", one.reach.allowed},
          {"by", one.reach.allowed ? one.reach.by : ""},
          {"why_not", one.reach.allowed ? "" : one.reach.why_not}};
}

void print(const std::vector<RelayCase>& cases) {
  std::size_t width = 0;
  for (const auto& one : cases) width = std::max(width, one.to.size());
  std::string last;
  for (const auto& one : cases) {
    if (one.from != last) std::printf("%s\n", escape_for_terminal(one.from).c_str());
    last = one.from;
    const auto& reason = one.reach.allowed ? one.reach.by : one.reach.why_not;
    std::printf("  %-*s  %-3s  %s\n", static_cast<int>(width), one.to.c_str(),
                one.reach.allowed ? "yes" : "no", escape_for_terminal(reason).c_str());
  }
}

}  // namespace

std::vector<RelayCase> relay_cases(const relay::Map& map) {
  std::vector<RelayCase> cases;
  const auto to = domains(map);
  for (const auto& from : senders(map)) {
    const bool is_stranger = map.standing(from.sender) == relay::Standing::stranger;
    for (const auto& domain : to) {
      cases.push_back({from.name, domain, map.reach(from.sender, mail::Path("user@" + domain)),
                       is_stranger, domain == anywhere});
    }
  }
  return cases;
}

int selftest_relay(const SelftestRequest& request) {
  const auto loaded = load_configuration(request.config, config::ValueFiles::skip);
  if (!loaded) return config;
  if (loaded->settings.listeners.empty())
    return complain(config, "there is no [[listener]]: another MTA decides who may send where");
  const auto map = setup::make_map(loaded->settings, setup::addresses_of_this_host());
  const auto cases = relay_cases(*map);
  if (request.json) {
    auto all = nlohmann::json::array();
    for (const auto& one : cases) all.push_back(to_json(one));
    std::printf("%s\n", all.dump(2).c_str());
  } else {
    print(cases);
  }
  const bool open = std::any_of(cases.begin(), cases.end(), [](const RelayCase& one) {
    return one.is_stranger && one.is_anywhere && one.reach.allowed;
  });
  if (open) return complain(data_error, "a stranger may send anywhere: this is an open relay");
  return ok;
}

}  // namespace sekisho::cli
