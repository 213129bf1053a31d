// milter/packet.h: the packets of the milter protocol, version 6: a length of four octets, a
// command, its data. The numbers are those of libmilter's mfdef.h. Pure: bytes in, values out.
// Errors: nullopt for data that does not fit the command. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mail/ip_address.h"

namespace sekisho::milter {

// No command is longer: an MTA sends header fields of 100 KB and body chunks of 64 KB. A larger
// length is not a packet but another protocol, or an attack on our memory.
inline constexpr std::size_t max_packet_octets = 1024 * 1024;

struct Packet {
  char command = 0;
  std::string_view data;  // into the buffer it was read from
};

// What is at the front of `buffer`: a packet, an incomplete one, or something else.
enum class Framing { packet, incomplete, invalid };
Framing next_packet(std::string_view buffer, Packet& packet, std::size_t& octets);

// The macros that one connection may keep, names and values together. Of those that are read, j and
// i are a host and a queue id and auth_authen a login: some 400 octets at each of four stages. More
// does not come from an MTA.
inline constexpr std::size_t max_macro_octets = std::size_t{16} * 1024;

// The argument of HELO, MAIL or RCPT, with its parameters. Postfix and sendmail take command lines
// of 2 KB (RFC 5321 §4.5.3.1.4 asks for 512 octets, and more for parameters); each recipient is
// kept until the end of DATA.
inline constexpr std::size_t max_command_octets = std::size_t{8} * 1024;

// Recipients of one message, and the memory for them. RFC 5321 §4.5.3.1.8 asks for 100, Postfix
// takes 1,000, sendmail any number; a list's server with more than this sends them as several
// messages, as it does for everybody else. Counted with each are 32 octets for each of its
// parameters.
inline constexpr std::size_t max_recipients = 20'000;
inline constexpr std::size_t max_recipient_octets = std::size_t{4} * 1024 * 1024;

struct Negotiation {
  std::uint32_t version = 0;
  std::uint32_t actions = 0;  // SMFIF_*
  std::uint32_t steps = 0;    // SMFIP_*
};
std::optional<Negotiation> parse_negotiation(std::string_view data);

// SMFIC_CONNECT: the client of the MTA.
struct PeerInfo {
  std::string host_name;
  std::optional<mail::IpAddress> address;
  bool unix_socket = false;
};
std::optional<PeerInfo> parse_connect(std::string_view data);

// SMFIC_MACRO: the command that the macros are for, and name → value, names without braces; only
// those of `wanted`, if any are given.
using MacroValues = std::map<std::string, std::string, std::less<>>;
struct Macros {
  char command = 0;
  MacroValues values;
};
std::optional<Macros> parse_macros(std::string_view data,
                                   std::span<const std::string_view> wanted = {});

// Strings that each end with NUL; nullopt if the last one does not.
std::optional<std::vector<std::string_view>> parse_strings(std::string_view data);

// Appends an answer of the filter to an output buffer.
void put_packet(std::string& out, char command, std::string_view data = {});
void put_negotiation(std::string& out, const Negotiation& agreed,
                     const std::vector<std::pair<std::uint32_t, std::string_view>>& macros);
// Removes a field when `value` is empty (SMFIR_CHGHEADER), `index` counted from 1.
void put_change_header(std::string& out, std::size_t index, std::string_view name,
                       std::string_view value);
void put_insert_header(std::string& out, std::size_t index, std::string_view name,
                       std::string_view value);
void put_quarantine(std::string& out, std::string_view reason);
// `address` as in RCPT, with its angle brackets.
void put_delete_recipient(std::string& out, std::string_view address);
// `line`: the reply for the client.
void put_reply(std::string& out, std::string_view line);

}  // namespace sekisho::milter
