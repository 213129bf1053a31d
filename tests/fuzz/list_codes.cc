// The first line is a list as an admin writes it, the rest a TXT of that list.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "client/dnsbl.h"

namespace {

using namespace sekisho;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_codes(const client::ReturnCodes& codes) {
  using mail::IpAddress;
  for (unsigned last = 0; last < 256; ++last) {
    const auto octet = static_cast<std::uint8_t>(last);
    require(!codes.matches(IpAddress::v4({127, 255, 255, octet})));
    require(!codes.matches(IpAddress::v4({8, 8, 8, octet})));
    require(!codes.matches(IpAddress::v4({octet, 0, 0, 2})) || octet == 127);
  }
  if (codes.any()) return;
  require(client::ReturnCodes::parse(codes.text()) == codes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string_view text = input.substr(0, line);
  const auto list = client::DnsListZone::parse(text);
  if (!list) {
    require(list.error().at <= text.size());
    return 0;
  }
  check_codes(list->codes);
  require(list->zone.size() <= client::max_zone_octets);
  require(client::DnsListZone::parse(list->zone)->zone == list->zone);
  require(!client::holds_key(client::without_key(list->zone)));

  const client::DnsListDefinition definition{
      .name = std::string("name"), .kind = client::DnsListKind::dnsbl, .list = *list, .file = {}};
  const client::Options options{{definition}};
  for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
    const auto lookups = client::address_lookups(options, mail::IpAddress::parse(address).value());
    require(lookups.size() == 1 && lookups[0].question);
  }
  const std::string reason =
      client::clean_reason(input.substr(std::min(line + 1, size)), definition);
  require(reason.size() <= client::max_reason_octets);
  require(std::all_of(reason.begin(), reason.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  return 0;
}
