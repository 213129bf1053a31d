// Any octets as a Received field, as what a client says to MTAs that do not clean it, and as what
// stands below the field of a relay. What is read has an address exactly when it says so; the
// client's word never becomes the address, the name or a submission on the host itself; and nothing
// below a foreign hop has a say.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "client/origin.h"
#include "mail/received.h"

namespace {

using namespace sekisho;
using Source = mail::Received::Source;

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr std::string_view date = "; Wed, 25 Nov 2026 10:00:00 +0900";

struct Layout {
  std::string_view before, after;
};
constexpr Layout layouts[] = {
    {"from ",
     " (real.test [192.0.2.1]) by mx2.example.jp (Postfix) with ESMTP id A for <u@example.jp>"},
    {"from ",
     " (real.test [192.0.2.1]) (Client CN \"(x)\", Issuer \"y\" (verified OK)) by mx2.example.jp "
     "(Postfix) with "
     "ESMTP id A for <\"a\\\"b\"@example.jp>"},
    {"from ", " (real.test [192.0.2.1]) by mx2.example.jp with ESMTP id A"},
    {"from ", " (client 192.0.2.1:4711) by mx2.example.jp with ESMTP id A"},
    {"from ", " (192.0.2.1) by EX1 (10.0.0.2) with Microsoft SMTP Server id 15.1"},
    {"from [192.0.2.1] (helo=", ") by mx2.example.jp with esmtp (Exim 4.96) id A for u@example.jp"},
    {"from real.test ([192.0.2.1] helo=", ") by mx2.example.jp with esmtp (Exim 4.96) id A"},
    {"from real.test (HELO ", ") (192.0.2.1) by mx2.example.jp with SMTP"},
    {"from [192.0.2.1] (", ") by mx2.example.jp (chasquid) with ESMTPS id A"},
    {"from [192.0.2.1] (", ") by mx2.example.jp with ESMTP id A"},
};

void check_as_field(const std::string& value) {
  const auto received = mail::parse_received(value);
  if (!received) {
    require(!received.error().what.empty());
    return;
  }
  require(received->address.has_value() == (received->source == Source::client));
  require(received->reason.empty() == (received->source != Source::untold));
}

void check_as_helo(const std::string& helo, const mail::IpAddress& truth) {
  for (const Layout& layout : layouts) {
    std::string value(layout.before);
    value.append(helo).append(layout.after).append(date);
    const auto received = mail::parse_received(value);
    if (!received || received->source == Source::untold) continue;
    require(received->source == Source::client && received->address == truth);
    require(received->name.empty() || received->name == "real.test");
  }
}

void check_below_a_relay(const std::string& value, const mail::IpAddress& truth) {
  const auto relay = mail::IpAddress::parse("198.51.100.25").value();
  const std::vector<mail::IpPrefix> relays{mail::IpPrefix::around(relay, 32)};
  const mail::HeaderField top{
      "Received",
      std::string("from x (y [192.0.2.1]) by mx2.example.jp (Postfix) id A").append(date)};
  const auto origin = client::find_origin(relay, {top, {"Received", value}}, relays);
  require(origin.judged() != nullptr && *origin.judged() == truth);
  const auto alone = client::find_origin(relay, {{"Received", value}}, relays);
  require(alone.reason.empty() == (alone.stop == client::Origin::Stop::foreign_client));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string octets(reinterpret_cast<const char*>(data), size);
  const auto truth = mail::IpAddress::parse("192.0.2.1").value();
  check_as_field(octets);
  check_as_helo(octets, truth);
  check_below_a_relay(octets, truth);
  return 0;
}
