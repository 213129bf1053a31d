#include "config/keys.h"

#include <utility>

#include "config/key_rows.h"

namespace sekisho::config {
namespace {

Rows all_keys() {
  Rows all;
  for (const auto& part :
       {include_keys, identity_keys, milter_keys,     control_keys,         dns_keys,
        trust_keys,   spf_keys,      dkim_keys,       dmarc_discovery_keys, dmarc_keys,
        lists_keys,   dnsbl_keys,    rhsbl_keys,      dnswl_keys,           policy_default_keys,
        policy_keys,  allow_keys,    quarantine_keys, history_keys,         log_keys,
        metrics_keys, process_keys}) {
    for (KeyRow& row : part()) all.push_back(std::move(row));
  }
  return all;
}

}  // namespace

std::string KeyRow::path() const {
  return (section.empty() ? std::string() : std::string(section) + ".") + std::string(name);
}

std::string KeyRow::expects() const {
  return std::visit([](const auto& held) { return held.expects; }, slot);
}

std::string KeyRow::default_value() const {
  struct Show {
    std::string operator()(const IncludeSlot&) const { return "[]"; }
    std::string operator()(const Slot<Settings>& held) const { return held.show(Settings()); }
    std::string operator()(const Slot<milter::Options>& held) const { return held.show({}); }
    std::string operator()(const Slot<DnsListEntry>& held) const { return held.show({}); }
    std::string operator()(const Slot<policy::Rules>& held) const { return held.show({}); }
    std::string operator()(const Slot<policy::RecipientRules>&) const { return {}; }
  };
  return std::visit(Show(), slot);
}

const std::vector<KeyRow>& keys() {
  static const Rows rows = all_keys();
  return rows;
}

const std::vector<Section>& sections() {
  static const std::vector<Section> all{
      {"identity", false, "Who we are."},
      {"milter", true, "A socket for the MTA; one entry for each, and at least one."},
      {"control", false, "How sekisho(1) reaches the daemon."},
      {"dns", false, "Whom to ask, and for how long."},
      {"trust", false, "Whose mail is not judged."},
      {"spf", false, "What SPF leads to, for the MAIL FROM identity (RFC 7208)."},
      {"dkim", false, "What of DKIM is verified (RFC 6376)."},
      {"dmarc", false, "What DMARC leads to (RFC 9989)."},
      {"lists", false, "What DNS lists lead to (RFC 5782), together."},
      {"dnsbl", true, "A list of addresses that send spam, for the client; one entry for each."},
      {"rhsbl", true, "A list of domains that spam comes from or points to; one entry for each."},
      {"dnswl", true, "A list of addresses that are known as good; one entry for each."},
      {"policy_defaults", false, "For all recipients."},
      {"policy", true,
       "Other rules for some recipients: a key that stands here replaces the one of its section, "
       "the "
       "others hold as they are."},
      {"allowlist", false, "Whose mail may skip a rule, once it is proven to be his."},
      {"denylist", false, "Whose mail is refused."},
      {"quarantine", false, "Where messages are held."},
      {"history", false, "What was decided, and why."},
      {"log", false, "What happened."},
      {"metrics", false, "What Prometheus reads."},
      {"process", false, "What the daemon runs as."},
  };
  return all;
}

std::optional<client::DnsListKind> list_kind(std::string_view section) {
  using client::DnsListKind;
  for (const DnsListKind kind : {DnsListKind::dnsbl, DnsListKind::rhsbl, DnsListKind::dnswl}) {
    if (section == to_string(kind)) return kind;
  }
  return std::nullopt;
}

const Section* find_section(std::string_view name) {
  for (const Section& section : sections()) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

}  // namespace sekisho::config
