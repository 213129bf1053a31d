// dns/codec.h: questions to packets, packets to answers. A packet is compared with the question
// that was sent: a reply to another question is `not_ours`; a reply to this one that cannot be read
// is a failure of the server. RFC 1035 §4, RFC 2308, RFC 6604, RFC 6891.
// Errors: values; no content of a packet makes it throw. Thread: any (pure).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dns/answers.h"

namespace sekisho::dns {

// The datagram size that we announce (RFC 6891 §6.2.3). It is never fragmented on today's paths;
// implementors of resolvers agreed on it in 2020 (DNS flag day).
inline constexpr std::uint16_t udp_payload = 1232;

// Links of a CNAME chain, over all packets of one question. Real chains have two or three; Unbound
// follows 11.
inline constexpr int max_aliases = 8;

// A name as it stands in a packet: length octets, labels, the root's zero.
std::string to_wire(const Name& name);
// The text of a wire name, for MX and PTR targets: lower-case, labels joined by dots, octets as
// they are but for `.` and `\` inside a label, which are written \046 and \092 so that no two names
// look alike (RFC 1035 §5.1). "" is the root.
std::string text_of_wire(std::string_view wire);

// Sets letters to upper case where `bits` has a one: a reply must repeat the same case, which an
// off-path attacker has to guess ("0x20", draft-vixie-dnsext-dns0x20).
void mix_case(std::string& wire_name, std::uint64_t bits);

// A query packet: recursion desired, with an OPT record unless `edns` is false.
std::string build_query(std::string_view wire_name, Type type, std::uint16_t id, bool edns);

// The question as it was sent, to compare replies with.
struct Sent {
  Question question;
  std::string wire_name;  // in the case it was sent in
  std::uint16_t id = 0;
  int aliases = 0;  // links that were followed before this question
  bool over_tcp = false;
  bool edns = true;
};

struct Reply {
  enum class Kind : std::uint8_t {
    not_ours,   // wrong id or question, no reply at all: to be ignored
    truncated,  // to be asked again over TCP
    no_edns,    // FORMERR or NOTIMP: to be asked again without EDNS (RFC 6891 §7)
    // SERVFAIL without an OPT record: the same, unless the server is known to speak EDNS
    perhaps_no_edns,
    server_failure,  // this server cannot say: ask another one; answer.error tells why
    alias,           // the chain leaves the packet: `alias` has to be asked
    answered,        // `answer` is complete
  };
  Kind kind = Kind::not_ours;
  Answer answer;  // for `alias`, its ttl is the smallest of the links followed
  std::optional<Name> alias;
  int aliases = 0;  // links followed, those before included
};

Reply parse_reply(std::span<const std::uint8_t> packet, const Sent& sent);

// An answer that is an error. It may be kept for `ttl`.
Answer error_answer(std::string_view why, std::chrono::seconds ttl = std::chrono::seconds{0});

// How long a negative answer holds, by the TTL and the MINIMUM of its SOA (RFC 2308 §5).
std::chrono::seconds negative_ttl(std::uint32_t soa_ttl, std::uint32_t soa_minimum);
// How long a negative answer without SOA holds.
std::chrono::seconds negative_ttl_without_soa();
// The TTL for which a record is used: zero if the top bit is set (RFC 2181 §8), and at most a day.
std::chrono::seconds positive_ttl(std::uint32_t ttl);

}  // namespace sekisho::dns
