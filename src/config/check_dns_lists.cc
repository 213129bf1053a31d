// Faults between the keys of the DNS lists. No finding quotes a zone, which may hold a key.
#include <algorithm>
#include <map>

#include "config/checks.h"

namespace sekisho::config {
namespace {

using client::DnsListDefinition;
using client::DnsListKind;

// An entry with its place: "dnsbl[2]".
struct Listed {
  const DnsListDefinition& definition;
  const policy::DnsListRule& rule;
  std::string entry;
};

std::vector<Listed> listed(const Settings& settings) {
  std::vector<Listed> out;
  std::map<DnsListKind, std::size_t> count;
  for (std::size_t i = 0; i < settings.client.lists.size(); ++i) {
    const auto& definition = settings.client.lists[i];
    const std::size_t number = ++count[definition.kind];
    out.push_back({definition, settings.rules.defaults.lists.rules[i],
                   std::string(to_string(definition.kind)) + "[" + std::to_string(number) + "]"});
  }
  return out;
}

// The place of the key, else that of its entry.
Place place_in(const Reader& reader, const Listed& list, const char* key) {
  const std::string path = list.entry + "." + key;
  return reader.place_of(reader.given(path) ? path : list.entry);
}

bool given(const Reader& reader, const Listed& list, const char* key) {
  return reader.given(list.entry + "." + key);
}

bool has_finding(const Reader& reader, const Listed& list, const char* key) {
  if (!given(reader, list, key)) return false;
  const Place place = reader.place_of(list.entry + "." + key);
  return std::any_of(reader.findings.begin(), reader.findings.end(), [&](const Finding& finding) {
    return finding.place.file == place.file && finding.place.line == place.line;
  });
}

void check_zone(const Listed& list, Reader& reader) {
  const auto& definition = list.definition;
  const bool file = !definition.file.empty();
  if (definition.list.zone.empty()) {
    // An unreadable one has a finding already.
    if (!file && !has_finding(reader, list, "list")) {
      reader.error(place_in(reader, list, "list"),
                   list.entry + " has no list: add list = \"zone=127.0.0.[2..11]\" or list_file");
    }
    return;
  }
  const bool key = client::holds_key(definition.list.zone);
  if (definition.name.empty()) {
    reader.error(place_in(reader, list, file ? "list_file" : "list"),
                 list.entry + " needs a name: " +
                     (file ? "what comes from a list_file is never shown"
                           : "its zone seems to hold an access key, which must not be shown"));
  }
  if (key && !file) {
    reader.warning(place_in(reader, list, "list"),
                   list.entry +
                       ": the zone seems to hold an access key: move the line into a file "
                       "of mode 0640 and name that by list_file");
  }
  if (!definition.list.codes.can_match()) {
    reader.warning(place_in(reader, list, file ? "list_file" : "list"),
                   list.entry +
                       " can never match: error codes (127.255.255.0/24) and answers "
                       "outside 127.0.0.0/8 count for no list; remove it, for every list "
                       "is watched for them");
  }
}

// Without the test, a dead list, or one that lists everything, is noticed later.
void check_self_test(const Listed& list, Reader& reader) {
  const auto& definition = list.definition;
  if (!holds_domains(definition.kind) || definition.self_test) return;
  const auto own = client::own_test_entry(definition.list.zone);
  if (own.empty()) return;
  reader.warning(place_in(reader, list, "self_test"),
                 list.entry + ": self_test = false is not needed: that this list has " +
                     std::string(own) + " instead of TEST is known; remove it");
}

void check_effect(const Listed& list, const policy::DnsListRules& rules, Reader& reader) {
  if (holds_domains(list.definition.kind) && list.definition.on.empty() &&
      given(reader, list, "on")) {
    reader.warning(place_in(reader, list, "on"),
                   list.entry + " can never match: on is empty; name what it looks up");
  }
  // A weight of one is the default, which a dump writes too.
  if (rules.threshold == 0 && list.rule.weight != 1 && given(reader, list, "weight")) {
    reader.warning(place_in(reader, list, "weight"),
                   list.entry + ".weight has no effect: lists.threshold is 0");
  }
  const bool dnswl = vouches(list.definition.kind);
  if (dnswl && list.rule.skip.empty() && rules.threshold == 0) {
    reader.warning(place_in(reader, list, "skip"),
                   list.entry + " has no effect: skip is empty, and lists.threshold is 0");
  }
}

void check_names(const std::vector<Listed>& lists, Reader& reader) {
  std::map<std::string, Place> seen;
  for (const Listed& list : lists) {
    if (list.definition.name.empty()) continue;
    const Place place = place_in(reader, list, "name");
    const auto [first, fresh] = seen.emplace(list.definition.name, place);
    if (!fresh) {
      reader.error(place, "the name " + list.definition.name +
                              " is given to two lists; the first is at " + first->second.text() +
                              ": give this one another name");
    }
  }
}

bool can_match(const DnsListDefinition& list) {
  return list.list.codes.can_match() && !list.on.empty();
}

// The largest possible sum of hits.
int largest_sum(const std::vector<Listed>& lists) {
  int sum = 0;
  for (const Listed& list : lists) {
    const bool counts =
        !vouches(list.definition.kind) && !list.rule.monitor && can_match(list.definition);
    if (counts) sum += list.rule.weight;
  }
  return sum;
}

bool any_of_kind(const std::vector<Listed>& lists, client::DnsKindSet kinds) {
  return std::any_of(lists.begin(), lists.end(),
                     [&](const Listed& list) { return kinds.has(list.definition.kind); });
}

void check_together(const std::vector<Listed>& lists, const policy::DnsListRules& rules,
                    Reader& reader) {
  const Place threshold = reader.place_of("lists.threshold");
  const int most = largest_sum(lists);
  if (rules.threshold > most) {
    reader.warning(threshold,
                   "lists.threshold is never reached: the weights of all lists that act and can "
                   "match add up to " +
                       std::to_string(most));
  }
  for (const Listed& list : lists) {
    if (!vouches(list.definition.kind) || list.rule.skip.empty()) continue;
    if (any_of_kind(lists, list.rule.skip)) continue;
    reader.warning(place_in(reader, list, "skip"),
                   list.entry + " has no effect: there is no list of the kinds that it skips");
  }
}

// Whether a list has an effect for some recipient.
void check_use(const Settings& settings, Reader& reader) {
  const auto applies = [](const policy::Rules& rules) {
    return rules.lists.use == policy::UseLists::apply;
  };
  const auto& policies = settings.rules.policies;
  const bool any = applies(settings.rules.defaults) ||
                   std::any_of(policies.begin(), policies.end(),
                               [&](const auto& each) { return applies(each.rules); });
  if (any || settings.client.lists.empty()) return;
  reader.warning(reader.place_of("lists.use"),
                 "no list has an effect: lists.use is \"skip\", and no [[policy]] says lists = "
                 "\"apply\"");
}

}  // namespace

void check_dns_lists(const Settings& settings, Reader& reader) {
  const auto& rules = settings.rules.defaults.lists;
  const auto lists = listed(settings);
  for (const Listed& list : lists) {
    check_zone(list, reader);
    check_self_test(list, reader);
    check_effect(list, rules, reader);
  }
  check_names(lists, reader);
  check_together(lists, rules, reader);
  check_use(settings, reader);
}

}  // namespace sekisho::config
