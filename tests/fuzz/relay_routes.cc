// A `via`, a domain and a network as an admin could write them, and any octets as a recipient: what
// is read is read again as it is written, and a stranger reaches only open routes and postmaster.
// The first lines of the input are the values, the rest is the recipient.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "relay/map.h"
#include "relay/via.h"

namespace {

using namespace sekisho;
using fuzz::require;

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

template <class Parse>
void read_again(std::string_view text, const Parse& parse) {
  const auto value = parse(text);
  if (!value) return;
  const auto again = parse(relay::text_of(*value));
  require(again && *again == *value);
}

relay::Route route(const std::string& domain, const relay::Via& via, bool open) {
  relay::Route out;
  out.domain = {domain};
  out.via = via;
  if (open) out.recipients = relay::Recipients{};
  return out;
}

relay::MapOptions site(std::string_view via, std::string_view domain) {
  relay::MapOptions out;
  out.hostname = "mx.example.jp";
  out.own_names = {"[192.0.2.1]"};
  const auto parsed = relay::parse_via(via);
  const relay::Via way = parsed ? *parsed : relay::Via{};
  out.routes = {route("example.jp", way, true), route("closed.example", way, false)};
  const auto name = relay::parse_route_domain(domain);
  if (name && *name != "example.jp" && *name != "closed.example") {
    out.routes.push_back(route(*name, way, false));
  }
  return out;
}

void reach(const relay::Map& map, std::string_view recipient) {
  relay::Sender stranger;
  stranger.address = mail::IpAddress::parse("203.0.113.9").value();
  const mail::Path path{recipient};
  const auto found = map.reach(stranger, path);
  const auto again = map.reach(stranger, found.path);
  require(found.allowed == again.allowed && found.route == again.route);
  require(map.canonical(found.path) == found.path);
  require(found.allowed == found.why_not.empty() && found.allowed != found.by.empty());
  if (found.allowed && found.by != "postmaster") {
    require(found.route != nullptr && found.route->open());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto via = take_line(text);
  const auto domain = take_line(text);
  const auto network = take_line(text);
  read_again(via, relay::parse_via);
  read_again(via, relay::parse_recipients);
  if (const auto entry = mail::PrefixSet::parse_entry(network)) {
    const auto again = mail::PrefixSet::parse_entry(entry->text());
    require(again && *again == *entry);
  }
  reach(relay::Map(site(via, domain)), text);
  return 0;
}
