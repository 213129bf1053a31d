// policy/rule_names.h: the names of rules, as used in Decision::rule, the log, the history and the
// metrics. They are written only here, except a name that only the rule itself needs: that stands
// in its row (rules.h).
// Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client/result.h"

namespace sekisho::policy::rule_name {

inline constexpr std::string_view exempt = "exempt";
inline constexpr std::string_view limits = "limits";
inline constexpr std::string_view author = "author";
inline constexpr std::string_view denylist = "denylist";
inline constexpr std::string_view lists = "lists";  // DNS lists together: lists.threshold
inline constexpr std::string_view dmarc = "dmarc";
inline constexpr std::string_view spf = "spf";

// Not rules of the chain. In this order: an entry of the allowlist kept DMARC from deciding, and no
// other rule decided; no rule decided; an internal failure; a release that must wait.
inline constexpr std::string_view allowlist = "allowlist";
inline constexpr std::string_view by_default = "default";
inline constexpr std::string_view internal = "internal";
inline constexpr std::string_view release = "release";

// One DNS list alone: "dnsbl:zen".
inline std::string of_dns_list(client::DnsListKind kind, std::string_view list) {
  return std::string(to_string(kind)).append(":").append(list);
}
inline std::optional<client::DnsListKind> dns_list_kind(std::string_view rule) {
  const auto colon = rule.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return parse_word<client::DnsListKind>(rule.substr(0, colon));
}

}  // namespace sekisho::policy::rule_name
