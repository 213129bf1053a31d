#include "config/settings.h"

#include <algorithm>
#include <utility>

namespace sekisho::config {

session::Options default_session() {
  session::Options out;
  for (const char* text : {"127.0.0.0/8", "::1/128"}) {
    out.trust.networks.add({mail::IpPrefix::parse(text).value()});
  }
  return out;
}

void add_dns_list(Settings& settings, DnsListEntry entry) {
  auto& definition = entry.definition;
  auto& rule = entry.rule;
  if (!holds_domains(definition.kind)) definition.on = {client::DnsListOn::client};
  const bool secret = !definition.file.empty() || client::holds_key(definition.list.zone);
  if (definition.name.empty() && !secret) definition.name = definition.list.zone;
  rule.name = definition.name;
  rule.kind = definition.kind;
  // By kind, as the sections stand in the manual: a dump loads again in the same order.
  auto& lists = settings.client.lists;
  auto& rules = settings.rules.defaults.lists.rules;
  const auto next = std::find_if(lists.begin(), lists.end(),
                                 [&](const auto& other) { return other.kind > definition.kind; });
  rules.insert(rules.begin() + (next - lists.begin()), std::move(rule));
  lists.insert(next, std::move(definition));
}

std::vector<DnsListEntry> dns_lists_of(const Settings& settings, client::DnsListKind kind) {
  std::vector<DnsListEntry> out;
  const auto& lists = settings.client.lists;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (lists[i].kind == kind) out.push_back({lists[i], settings.rules.defaults.lists.rules[i]});
  }
  return out;
}

void remove_dns_lists(Settings& settings, client::DnsListKind kind) {
  const auto is_one = [kind](const auto& each) { return each.kind == kind; };
  std::erase_if(settings.client.lists, is_one);
  std::erase_if(settings.rules.defaults.lists.rules, is_one);
}

}  // namespace sekisho::config
