#include "spf/validated_names.h"

#include <algorithm>
#include <string_view>

namespace sekisho::spf {

dns::Type address_type(const mail::IpAddress& client) {
  return client.is_v4() ? dns::Type::a : dns::Type::aaaa;
}

dns::Name pointer_name(const mail::IpAddress& client) {
  // A name under in-addr.arpa or ip6.arpa always fits.
  return dns::Name::from(client.reverse_name()).value();
}

std::vector<dns::Name> pointed_names(const dns::Answer& answer, const Options& options) {
  std::vector<dns::Name> names;
  const std::size_t count = std::min(answer.pointers.size(), options.max_ptr_names);
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto name = dns::Name::from(answer.pointers[i])) names.push_back(*name);
  }
  return names;
}

std::optional<bool> is_validated(const dns::Name& name, const mail::IpAddress& client,
                                 Lookups& lookups) {
  const dns::Answer* const answer = lookups.find(name, address_type(client));
  if (answer == nullptr) return std::nullopt;
  return std::find(answer->addresses.begin(), answer->addresses.end(), client) !=
         answer->addresses.end();
}

std::optional<std::string> validated_name(const dns::Name& domain, const mail::IpAddress& client,
                                          Lookups& lookups, const Options& options) {
  const dns::Answer* const pointers = lookups.find(pointer_name(client), dns::Type::ptr);
  if (pointers == nullptr) return std::nullopt;
  std::vector<dns::Name> validated;
  bool complete = true;
  for (const dns::Name& name : pointed_names(*pointers, options)) {
    const std::optional<bool> valid = is_validated(name, client, lookups);
    if (!valid) complete = false;
    if (valid.value_or(false)) validated.push_back(name);
  }
  if (!complete) return std::nullopt;
  if (validated.empty()) return "unknown";
  if (std::find(validated.begin(), validated.end(), domain) != validated.end())
    return domain.text();
  const auto below = std::find_if(validated.begin(), validated.end(), [&](const dns::Name& name) {
    return is_or_is_below(name, domain);
  });
  return (below == validated.end() ? validated.front() : *below).text();
}

bool is_or_is_below(const dns::Name& name, const dns::Name& parent) {
  const std::string_view text = name.text();
  const std::string_view suffix = parent.text();
  if (!text.ends_with(suffix)) return false;
  return text.size() == suffix.size() || text[text.size() - suffix.size() - 1] == '.';
}

}  // namespace sekisho::spf
