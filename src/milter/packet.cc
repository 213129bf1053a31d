#include "milter/packet.h"

#include <algorithm>

#include <sys/types.h>
// mfdef.h needs mfapi.h, and both need the types above.
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "base/ascii.h"

namespace sekisho::milter {

namespace {

std::uint32_t read_u32(std::string_view data) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(data[i]);
  return value;
}

void put_u32(std::string& out, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void put_string(std::string& out, std::string_view text) {
  out += text;
  out += '\0';
}

// "IPv6:2001:db8::1" is how sendmail writes an IPv6 address.
std::optional<mail::IpAddress> parse_address(std::string_view text) {
  if (ascii::istarts_with(text, "IPv6:")) text.remove_prefix(5);
  auto address = mail::IpAddress::parse(text);
  if (!address) return std::nullopt;
  return *address;
}

}  // namespace

Framing next_packet(std::string_view buffer, Packet& packet, std::size_t& octets) {
  if (buffer.size() < MILTER_LEN_BYTES) return Framing::incomplete;
  const std::size_t length = read_u32(buffer);
  if (length == 0 || length > max_packet_octets) return Framing::invalid;
  if (buffer.size() < MILTER_LEN_BYTES + length) return Framing::incomplete;
  packet.command = buffer[MILTER_LEN_BYTES];
  packet.data = buffer.substr(MILTER_LEN_BYTES + 1, length - 1);
  octets = MILTER_LEN_BYTES + length;
  return Framing::packet;
}

std::optional<Negotiation> parse_negotiation(std::string_view data) {
  if (data.size() < MILTER_OPTLEN) return std::nullopt;
  return Negotiation{read_u32(data), read_u32(data.substr(4)), read_u32(data.substr(8))};
}

std::optional<PeerInfo> parse_connect(std::string_view data) {
  const auto name_end = data.find('\0');
  if (name_end == std::string_view::npos || name_end + 1 >= data.size()) return std::nullopt;
  PeerInfo peer;
  peer.host_name = data.substr(0, name_end);
  const char family = data[name_end + 1];
  switch (family) {
    case SMFIA_UNKNOWN:
      return peer;
    case SMFIA_UNIX:
      peer.unix_socket = true;
      return peer;
    case SMFIA_INET:
    case SMFIA_INET6:
      break;
    default:
      return std::nullopt;
  }
  auto rest = data.substr(name_end + 2);
  if (rest.size() < 3 || rest.back() != '\0') return std::nullopt;  // port, then the address
  rest.remove_prefix(2);
  rest.remove_suffix(1);
  // An address that we cannot read is an unknown client, not a broken MTA.
  peer.address = parse_address(rest);
  return peer;
}

std::optional<std::vector<std::string_view>> parse_strings(std::string_view data) {
  std::vector<std::string_view> strings;
  while (!data.empty()) {
    const auto end = data.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    strings.push_back(data.substr(0, end));
    data.remove_prefix(end + 1);
  }
  return strings;
}

namespace {

// Removes the string at the front with its NUL; nullopt if there is no NUL.
std::optional<std::string_view> take_string(std::string_view& data) {
  const auto end = data.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const auto string = data.substr(0, end);
  data.remove_prefix(end + 1);
  return string;
}

}  // namespace

// One packet may name half a million.
std::optional<Macros> parse_macros(std::string_view data,
                                   std::span<const std::string_view> wanted) {
  if (data.empty()) return std::nullopt;
  Macros macros;
  macros.command = data.front();
  data.remove_prefix(1);
  while (!data.empty()) {
    auto name = take_string(data);
    const auto value = take_string(data);
    if (!name || !value) return std::nullopt;
    if (name->size() > 2 && name->front() == '{' && name->back() == '}') {
      name = name->substr(1, name->size() - 2);
    }
    const bool kept =
        wanted.empty() || std::find(wanted.begin(), wanted.end(), *name) != wanted.end();
    if (kept) macros.values[std::string(*name)] = *value;
  }
  return macros;
}

void put_packet(std::string& out, char command, std::string_view data) {
  put_u32(out, data.size() + 1);
  out += command;
  out += data;
}

void put_negotiation(std::string& out, const Negotiation& agreed,
                     const std::vector<std::pair<std::uint32_t, std::string_view>>& macros) {
  std::string data;
  put_u32(data, agreed.version);
  put_u32(data, agreed.actions);
  put_u32(data, agreed.steps);
  for (const auto& [stage, names] : macros) {
    put_u32(data, stage);
    put_string(data, names);
  }
  put_packet(out, SMFIC_OPTNEG, data);
}

namespace {

void put_header(std::string& out, char command, std::size_t index, std::string_view name,
                std::string_view value) {
  std::string data;
  put_u32(data, index);
  put_string(data, name);
  // The protocol writes folds as LF; an MTA would make CR CR LF of ours.
  for (const char c : value) {
    if (c != '\r') data += c;
  }
  data += '\0';
  put_packet(out, command, data);
}

}  // namespace

void put_change_header(std::string& out, std::size_t index, std::string_view name,
                       std::string_view value) {
  put_header(out, SMFIR_CHGHEADER, index, name, value);
}

void put_insert_header(std::string& out, std::size_t index, std::string_view name,
                       std::string_view value) {
  put_header(out, SMFIR_INSHEADER, index, name, value);
}

void put_quarantine(std::string& out, std::string_view reason) {
  put_packet(out, SMFIR_QUARANTINE, std::string(reason) + '\0');
}

void put_delete_recipient(std::string& out, std::string_view address) {
  put_packet(out, SMFIR_DELRCPT, std::string(address) + '\0');
}

// sendmail treats the text as a format, and Postfix does the same: `%%` becomes `%`, a single `%`
// is lost.
void put_reply(std::string& out, std::string_view line) {
  std::string text;
  for (const char c : line) {
    if (c == '%') text += c;
    text += c;
  }
  put_packet(out, SMFIR_REPLYCODE, text + '\0');
}

}  // namespace sekisho::milter
