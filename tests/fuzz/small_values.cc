// Any octets as each of the small values that an admin types or a protocol carries: addresses,
// prefixes, sockets, times, durations, sizes, patterns of recipients, ids, base64. What is accepted
// prints to what reads as the same.
#include <string>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/inet_socket.h"
#include "cli/quarantine_store.h"
#include "cli/when.h"
#include "config/values.h"
#include "fuzz/require.h"
#include "mail/ip_address.h"
#include "net/listen.h"
#include "policy/rules.h"
#include "quarantine/held.h"
#include "relay/smtp_client.h"

namespace {

using namespace sekisho;
using fuzz::require;
using mail::IpAddress;
using mail::IpPrefix;

void check_address(const IpAddress& address) {
  require(IpAddress::parse(address.text()) == address);
  // 32 nibbles or four octets, each one label, before two more.
  const std::string reverse = address.reverse_name();
  const auto name = mail::DomainName::parse(reverse);
  require(name && name->text() == reverse);
  require(name->label_count() == (address.is_v4() ? 6U : 34U));
  for (int length = 0; length <= address.bits(); ++length) {
    const IpPrefix prefix = IpPrefix::around(address, length);
    require(prefix.length() == length && prefix.contains(address));
    require(IpPrefix::parse(prefix.text()) == prefix);
  }
}

void check_addresses(const std::string& text) {
  if (const auto address = IpAddress::parse(text)) check_address(*address);
  if (const auto prefix = IpPrefix::parse(text)) {
    require(IpPrefix::parse(prefix->text()) == *prefix && prefix->contains(prefix->address()));
  }
  if (const auto inet = parse_inet_address(text)) {
    const auto again = parse_inet_address(inet->text());
    require(again && again->host == inet->host && again->port == inet->port);
    require(IpAddress::parse(inet->host).has_value());
  }
  if (const auto socket = net::parse_socket(text)) {
    require(socket->unix_path.empty() != socket->host.empty());
    require(socket->host.empty() || (socket->port != 0 && IpAddress::parse(socket->host)));
  }
  if (const auto server = relay::parse_smtp_server(text)) {
    require(!server->host.empty() && server->port != 0);
    const auto again =
        relay::parse_smtp_server("[" + server->host + "]:" + std::to_string(server->port));
    require(again && again->host == server->host && again->port == server->port);
  }
}

void check_times(const std::string& text) {
  if (const auto time = parse_time(text)) {
    require(parse_time(to_iso8601(*time)) == *time);
    require(to_rfc5322(*time).ends_with(" +0000"));
  }
  const auto now = parse_time("2026-11-30T12:00:00Z").value();
  if (const auto when = cli::parse_when(text, now))
    require(parse_time(text) == *when || *when <= now);
  if (const auto duration = config::parse_duration(text)) {
    require(duration->count() >= 0);
    require(config::parse_duration(config::show_duration(*duration)) == *duration);
  }
  if (const auto octets = config::parse_size(text))
    require(config::parse_size(config::show_size(*octets)) == *octets);
}

void check_words(const std::string& text) {
  if (const auto pattern = policy::RecipientPattern::parse(text))
    require(policy::RecipientPattern::parse(pattern->text()) == *pattern);
  if (const auto ids = cli::parse_ids(text)) {
    for (const auto& id : *ids) require(quarantine::is_id(id));
  } else {
    require(!ids.error().empty());
  }
  if (const auto state = parse_word<quarantine::State>(text)) require(to_string(*state) == text);
  // The bits behind the last octet may be anything (RFC 4648 §3.5): real signatures have them.
  if (const auto octets = base64_decode(text)) {
    require(base64_decode(base64_encode(*octets)) == octets);
    require(base64_encode(*octets).size() == text.size());
  }
  require(base64_decode(base64_encode(text)) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text_of(data, size));
  check_addresses(text);
  check_times(text);
  check_words(text);
  return 0;
}
