// config/key_rows.h: helpers to write the rows of the table of keys, and all sections. Only the
// keys_*.cc files and keys.cc include it.
// Thread: immutable.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "config/keys.h"
#include "config/values.h"

namespace sekisho::config {

// A type of value at a place in its owner; `member` is a generic lambda, for const and other
// owners.
template <class Owner, class T, class Member>
Slot<Owner> at(Type<T> type, Member member) {
  return {.expects = type.expects,
          .words = type.words,
          .read = [read = type.read, member](
                      const std::string& key, const Value& value, Owner& owner,
                      Reader& reader) { read(key, value, member(owner), reader); },
          .show = [show = type.show, member](const Owner& owner) { return show(member(owner)); },
          .copy = [member](const Owner& from, Owner& to) { member(to) = member(from); }};
}

// A key of a part, as a key of the whole.
template <class Whole, class Part, class Member>
Slot<Whole> in_part(const Slot<Part>& slot, Member member) {
  return {.expects = slot.expects,
          .words = slot.words,
          .read = [read = slot.read, member](
                      const std::string& key, const Value& value, Whole& whole,
                      Reader& reader) { read(key, value, member(whole), reader); },
          .show = [show = slot.show, member](const Whole& whole) { return show(member(whole)); },
          .copy = [copy = slot.copy, member](const Whole& from,
                                             Whole& to) { copy(member(from), member(to)); }};
}

template <class Entry>
Entry& entry_as(AnyEntry& entry) {
  return std::any_cast<Entry&>(entry);
}
template <class Entry>
const Entry& entry_as(const AnyEntry& entry) {
  return std::any_cast<const Entry&>(entry);
}

// A key of the entries of a [[section]].
template <class Entry, class T, class Member>
Slot<AnyEntry> in_entry(Type<T> type, Member member) {
  return in_part<AnyEntry>(
      at<Entry>(std::move(type), member), [](auto& any) -> auto& { return entry_as<Entry>(any); });
}

// Entries that the settings have in a vector.
template <class Entry, class Member>
Repeated entries_at(Member member) {
  return {.make = [](const Settings&) { return AnyEntry(Entry()); },
          .add =
              [member](Settings& settings, AnyEntry entry) {
                member(settings).push_back(std::move(entry_as<Entry>(entry)));
              },
          .all =
              [member](const Settings& settings) {
                const auto& all = member(settings);
                return std::vector<AnyEntry>(all.begin(), all.end());
              },
          .clear = [member](Settings& settings) { member(settings).clear(); }};
}

// keys_house.cc
KeyRow include_key();
Section identity_section();
Section milter_section();
Section control_section();
Section dns_section();
Section trust_section();
Section log_section();
Section process_section();

// keys_rules.cc
Section spf_section();
Section dkim_section();
Section dmarc_section();
Section policy_defaults_section();
Section policy_section();

// keys_dns_lists.cc
Section lists_section();
Section dnsbl_section();
Section rhsbl_section();
Section dnswl_section();

// keys_access_lists.cc
Section allowlist_section();
Section denylist_section();

// keys_smtp.cc
Section listener_section();
Section limits_section();
Section smtp_section();
Section tls_section();

// keys_routes.cc
Section route_section();
Section permit_section();
Section egress_section();
Section queue_section();

// keys_accounts.cc
Section users_section();
Section aliases_section();

// keys_quarantine.cc
Section quarantine_section();

// keys_history.cc
Section history_section();

// keys_metrics.cc
Section metrics_section();

// In the order of the manual.
inline constexpr std::array all_sections = {
    identity_section,  milter_section,   listener_section,        tls_section,
    limits_section,    smtp_section,     users_section,           aliases_section,
    route_section,     permit_section,   egress_section,          queue_section,
    control_section,   dns_section,      trust_section,           spf_section,
    dkim_section,      dmarc_section,    lists_section,           dnsbl_section,
    rhsbl_section,     dnswl_section,    policy_defaults_section, policy_section,
    allowlist_section, denylist_section, quarantine_section,      history_section,
    log_section,       metrics_section,  process_section};

}  // namespace sekisho::config
