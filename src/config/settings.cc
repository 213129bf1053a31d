#include "config/settings.h"

#include <algorithm>
#include <utility>

namespace sekisho::config {

session::Options default_session() {
  session::Options out;
  for (const char* text : {"127.0.0.0/8", "::1/128"}) {
    out.trust.networks.push_back(mail::IpPrefix::parse(text).value());
  }
  return out;
}

void add_list(Settings& settings, DnsListEntry entry) {
  auto& definition = entry.definition;
  auto& rule = entry.rule;
  if (definition.kind != client::DnsListKind::rhsbl) definition.on = {client::DnsListOn::client};
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

DnsListEntry list_entry(const Settings& settings, std::size_t index) {
  return {settings.client.lists[index], settings.rules.defaults.lists.rules[index]};
}

}  // namespace sekisho::config
