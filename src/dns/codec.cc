#include "dns/codec.h"

#include <algorithm>
#include <array>
#include <new>
#include <vector>

#include <ldns/rr.h>
#include <ldns/wire2host.h>

#include "base/ascii.h"
#include "base/unique_handle.h"

namespace sekisho::dns {

namespace {

using namespace std::chrono_literals;
using Rr = UniqueHandle<ldns_rr, ldns_rr_free>;

constexpr std::size_t header_size = 12;
// At most this many records of a section are read. That is more than max_records, because records
// of other types may stand between. But a packet of 64 KB holds 5,000, each of which may cost a
// long walk over compression pointers.
constexpr std::size_t max_parsed = 512;
// RFC 2308 §7.1 allows five minutes for a server failure. Three seconds stop a storm of questions,
// and a resolver that has recovered is still noticed within five.
constexpr std::chrono::seconds failure_ttl = 3s;
// RFC 2308 §5: one to three hours "have been found to work well"; a new SPF record should not wait
// longer than one.
constexpr std::chrono::seconds max_negative_ttl = 1h;
// RFC 2308 §5 forbids to cache it at all, because two servers might pass it to each other for ever.
// We pass it to nobody, and ten seconds cover the connections of one sender.
constexpr std::chrono::seconds soaless_ttl = 10s;
constexpr std::chrono::seconds max_positive_ttl = 24h;

enum Rcode : std::uint8_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5
};

std::string_view rcode_name(std::uint8_t rcode) {
  constexpr std::array<std::string_view, 11> names{"noerror", "formerr", "servfail", "nxdomain",
                                                   "notimp",  "refused", "yxdomain", "yxrrset",
                                                   "nxrrset", "notauth", "notzone"};
  return rcode < names.size() ? names[rcode] : "unknown rcode";
}

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}

std::uint16_t get16(std::span<const std::uint8_t> packet, std::size_t at) {
  return static_cast<std::uint16_t>(packet[at] << 8 | packet[at + 1]);
}

// RFC 1035 §4.1.1.
struct Header {
  std::uint16_t id, questions, answers, authorities;
  bool response, truncated, authoritative, recursion_available;
  std::uint8_t opcode, rcode;
};

Header read_header(std::span<const std::uint8_t> packet) {
  const unsigned flags = get16(packet, 2);
  return Header{.id = get16(packet, 0),
                .questions = get16(packet, 4),
                .answers = get16(packet, 6),
                .authorities = get16(packet, 8),
                .response = (flags & 0x8000) != 0,
                .truncated = (flags & 0x0200) != 0,
                .authoritative = (flags & 0x0400) != 0,
                .recursion_available = (flags & 0x0080) != 0,
                .opcode = static_cast<std::uint8_t>(flags >> 11 & 0xf),
                .rcode = static_cast<std::uint8_t>(flags & 0xf)};
}

std::string_view octets(const ldns_rdf* rdf) {
  return {reinterpret_cast<const char*>(ldns_rdf_data(rdf)), ldns_rdf_size(rdf)};
}

std::string_view owner(const Rr& rr) { return octets(ldns_rr_owner(rr.get())); }

bool is(const Rr& rr, unsigned type) {
  return static_cast<unsigned>(ldns_rr_get_type(rr.get())) == type &&
         ldns_rr_get_class(rr.get()) == LDNS_RR_CLASS_IN;
}

// The n-th field of the record's data; empty when it is not there.
std::string_view field(const Rr& rr, std::size_t n) {
  return n < ldns_rr_rd_count(rr.get()) ? octets(ldns_rr_rdf(rr.get(), n)) : std::string_view();
}

std::uint32_t get32(std::string_view field) {
  std::uint32_t value = 0;
  for (const char c : field) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// The name, or one above it.
bool is_or_is_below(std::string_view wire, std::string_view parent) {
  while (!ascii::iequals(wire, parent)) {
    const auto length = static_cast<unsigned char>(wire.front());
    if (length == 0 || length >= wire.size()) return false;
    wire.remove_prefix(length + 1U);
  }
  return true;
}

// As a name that can be asked for; nothing for the root and for labels with a dot inside.
std::optional<Name> name_of_wire(std::string_view wire) {
  std::string text;
  while (!wire.empty() && wire.front() != 0) {
    const auto length = static_cast<unsigned char>(wire.front());
    const auto label = wire.substr(1, length);
    if (label.size() != length || label.find('.') != label.npos) return std::nullopt;
    if (!text.empty()) text += '.';
    text += label;
    wire.remove_prefix(length + 1U);
  }
  return Name::from(text);
}

// The records of one reply, as far as they are used.
struct Sections {
  std::vector<Rr> answers;
  std::vector<Rr> authorities;
};

// Reads up to `count` records; false when one is malformed. Past the limit the rest is dropped,
// together with the later sections, whose beginning is then unknown.
bool read_records(std::span<const std::uint8_t> packet, std::size_t& at, std::size_t count,
                  ldns_pkt_section section, std::vector<Rr>& out) {
  for (std::size_t n = 0; n < std::min(count, max_parsed); ++n) {
    ldns_rr* rr = nullptr;
    const auto read = ldns_wire2rr(&rr, packet.data(), packet.size(), &at, section);
    if (read == LDNS_STATUS_MEM_ERR) throw std::bad_alloc();  // it says nothing of the packet
    if (read != LDNS_STATUS_OK) return false;
    out.emplace_back(rr);
  }
  return true;
}

bool read_sections(std::span<const std::uint8_t> packet, std::size_t at, const Header& header,
                   Sections& out) {
  if (!read_records(packet, at, header.answers, LDNS_SECTION_ANSWER, out.answers)) return false;
  // Authorities matter to negative answers only, which have a few links of a chain at most.
  if (header.answers > max_parsed) return true;
  return read_records(packet, at, header.authorities, LDNS_SECTION_AUTHORITY, out.authorities);
}

// Adds a record's data to the answer; false when its size is wrong for its type.
bool add_record(const Rr& rr, Type type, Answer& answer) {
  const std::string_view first = field(rr, 0);
  switch (type) {
    case Type::a: {
      if (first.size() != 4) return false;
      std::array<std::uint8_t, 4> bytes{};
      std::copy(first.begin(), first.end(), bytes.begin());
      answer.addresses.push_back(mail::IpAddress::v4(bytes));
      return true;
    }
    case Type::aaaa: {
      if (first.size() != 16) return false;
      std::array<std::uint8_t, 16> bytes{};
      std::copy(first.begin(), first.end(), bytes.begin());
      answer.addresses.push_back(mail::IpAddress::published_v6(bytes));
      return true;
    }
    case Type::mx:
      if (first.size() != 2 || field(rr, 1).empty()) return false;
      answer.exchanges.push_back(
          {static_cast<std::uint16_t>(get32(first)), text_of_wire(field(rr, 1))});
      return true;
    case Type::cname:
    case Type::ptr:
      if (first.empty()) return false;
      answer.pointers.push_back(text_of_wire(first));
      return true;
    case Type::txt: {
      // RFC 7208 §3.3 and RFC 6376 §3.6.2.2: joined without a blank. Each string begins with its
      // length.
      std::string joined;
      for (std::size_t n = 0; n < ldns_rr_rd_count(rr.get()); ++n) {
        const std::string_view text = field(rr, n);
        if (!text.empty()) joined += text.substr(1);
      }
      answer.texts.push_back(std::move(joined));
      return true;
    }
  }
  return false;
}

// RFC 6891 §6.1.1: a server that understood the OPT record of a question has one in its response.
// Only for a response without other records, as failures are.
bool has_opt(std::span<const std::uint8_t> packet, std::size_t at, const Header& header) {
  return header.answers == 0 && header.authorities == 0 && packet.size() >= at + 3 &&
         packet[at] == 0 && get16(packet, at + 1) == LDNS_RR_TYPE_OPT;
}

// Old servers refuse a question with an OPT record in one of these ways (RFC 6891 §7, RFC 2671
// §5.3).
Reply::Kind kind_of_failure(std::uint8_t rcode, const Sent& sent, bool opt) {
  if (!sent.edns || opt) return Reply::Kind::server_failure;
  if (rcode == formerr || rcode == notimp) return Reply::Kind::no_edns;
  return rcode == servfail ? Reply::Kind::perhaps_no_edns : Reply::Kind::server_failure;
}

Reply failure(Reply::Kind kind, std::string_view why, int aliases) {
  return Reply{kind, error_answer(why, failure_ttl), std::nullopt, aliases};
}

// Follows the chain from the question through the packet.
class Chain {
 public:
  Chain(const Sections& sections, const Sent& sent, const Header& header)
      : sections_(sections),
        sent_(sent),
        header_(header),
        at_(ascii::lower(sent.wire_name)),
        aliases_(sent.aliases) {}

  Reply follow() {
    Answer answer;
    for (;;) {
      if (!collect(answer))
        return failure(Reply::Kind::server_failure, "malformed answer", aliases_);
      if (answer.outcome == Outcome::records) break;
      const Rr* link = find_alias();
      if (link == nullptr) return without_records();
      if (++aliases_ > max_aliases) return failure(Reply::Kind::answered, "cname loop", aliases_);
      ttl_ = std::min(ttl_, positive_ttl(ldns_rr_ttl(link->get())));
      at_ = ascii::lower(field(*link, 0));
    }
    answer.ttl = ttl_;
    answer.canonical = canonical();
    return Reply{Reply::Kind::answered, std::move(answer), std::nullopt, aliases_};
  }

 private:
  // False when a record that is asked for is malformed.
  bool collect(Answer& answer) {
    std::size_t used = 0;
    for (const Rr& rr : sections_.answers) {
      if (!is(rr, static_cast<unsigned>(sent_.question.type)) || !ascii::iequals(owner(rr), at_))
        continue;
      if (++used > max_records) break;
      if (!add_record(rr, sent_.question.type, answer)) return false;
      ttl_ = std::min(ttl_, positive_ttl(ldns_rr_ttl(rr.get())));
      answer.outcome = Outcome::records;
    }
    return true;
  }

  const Rr* find_alias() const {
    const auto found =
        std::find_if(sections_.answers.begin(), sections_.answers.end(), [&](const Rr& rr) {
          return is(rr, LDNS_RR_TYPE_CNAME) && !field(rr, 0).empty() &&
                 ascii::iequals(owner(rr), at_);
        });
    return found == sections_.answers.end() ? nullptr : &*found;
  }

  const Rr* find_soa() const {
    const auto found =
        std::find_if(sections_.authorities.begin(), sections_.authorities.end(), [&](const Rr& rr) {
          return is(rr, LDNS_RR_TYPE_SOA) && field(rr, 6).size() == 4 &&
                 is_or_is_below(at_, owner(rr));
        });
    return found == sections_.authorities.end() ? nullptr : &*found;
  }

  // A server that only refers to other servers is not a resolver (RFC 2308 §2.2, "REFERRAL
  // RESPONSE"): its empty answer says nothing about the name.
  bool is_referral() const {
    return !header_.authoritative && !header_.recursion_available &&
           std::any_of(sections_.authorities.begin(), sections_.authorities.end(),
                       [](const Rr& rr) { return is(rr, LDNS_RR_TYPE_NS); });
  }

  Reply without_records() const {
    const Rr* soa = find_soa();
    const bool moved = aliases_ > sent_.aliases;
    // RFC 6604 §3: the rcode is that of the end of the chain. Without it and without a SOA of the
    // target's zone the server stopped half-way.
    if (header_.rcode == noerror && soa == nullptr) {
      // The root has no records of the types that we ask for, so "CNAME ." means that there is
      // nothing.
      if (moved && at_.size() > 1) return ask_again();
      if (is_referral()) return failure(Reply::Kind::server_failure, "referral", aliases_);
    }
    Reply reply{Reply::Kind::answered, {}, std::nullopt, aliases_};
    reply.answer.outcome = header_.rcode == nxdomain ? Outcome::nxdomain : Outcome::nodata;
    const auto ttl = soa == nullptr ? negative_ttl_without_soa()
                                    : negative_ttl(ldns_rr_ttl(soa->get()), get32(field(*soa, 6)));
    reply.answer.ttl = std::min(ttl_, ttl);
    reply.answer.canonical = canonical();
    return reply;
  }

  // The end of the chain, over all packets of the question.
  std::string canonical() const { return aliases_ > 0 ? text_of_wire(at_) : std::string(); }

  Reply ask_again() const {
    auto target = name_of_wire(at_);
    if (!target) return failure(Reply::Kind::answered, "unusable alias", aliases_);
    Reply reply{Reply::Kind::alias, {}, std::move(target), aliases_};
    reply.answer.ttl = ttl_;
    return reply;
  }

  const Sections& sections_;
  const Sent& sent_;
  const Header& header_;
  std::string at_;
  int aliases_;
  std::chrono::seconds ttl_ = max_positive_ttl;
};

}  // namespace

std::string to_wire(const Name& name) {
  std::string wire;
  wire.reserve(name.text().size() + 2);
  std::string_view rest = name.text();
  while (!rest.empty()) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    wire += static_cast<char>(label.size());
    wire += label;
    rest.remove_prefix(std::min(rest.size(), label.size() + 1));
  }
  wire += '\0';
  return wire;
}

std::string text_of_wire(std::string_view wire) {
  std::string text;
  while (!wire.empty() && wire.front() != 0) {
    const auto length = static_cast<unsigned char>(wire.front());
    if (!text.empty()) text += '.';
    for (const char c : wire.substr(1, length)) {
      if (c == '.') {
        text += "\\046";
      } else if (c == '\\') {
        text += "\\092";
      } else {
        text += ascii::to_lower(c);
      }
    }
    wire.remove_prefix(std::min<std::size_t>(wire.size(), length + 1U));
  }
  return text;
}

void mix_case(std::string& wire_name, std::uint64_t bits) {
  // A length octet is at most 63, below every letter.
  for (char& c : wire_name) {
    if (!ascii::is_lower(c)) continue;
    if ((bits & 1) != 0) c = ascii::to_upper(c);
    bits = bits >> 1 | bits << 63;
  }
}

std::string build_query(std::string_view wire_name, Type type, std::uint16_t id, bool edns) {
  std::string packet;
  packet.reserve(header_size + wire_name.size() + 15);
  put16(packet, id);
  put16(packet, 0x0100);  // RD alone
  put16(packet, 1);
  put16(packet, 0);
  put16(packet, 0);
  put16(packet, edns ? 1 : 0);
  packet += wire_name;
  put16(packet, static_cast<unsigned>(type));
  put16(packet, LDNS_RR_CLASS_IN);
  if (edns) {
    packet += '\0';  // RFC 6891 §6.1.2: the root, OPT, our size, no flags, no options
    put16(packet, LDNS_RR_TYPE_OPT);
    put16(packet, udp_payload);
    packet.append(6, '\0');
  }
  return packet;
}

Reply parse_reply(std::span<const std::uint8_t> packet, const Sent& sent) {
  if (packet.size() < header_size) return {};
  const Header header = read_header(packet);
  if (!header.response || header.id != sent.id || header.opcode != 0) return {};
  // Servers that do not know EDNS may send back a bare header.
  if (header.rcode == formerr && header.questions == 0) {
    return failure(kind_of_failure(formerr, sent, false), "formerr", sent.aliases);
  }

  // The question is compared as octets: it stands first, so nothing can be compressed in it.
  const std::size_t end = header_size + sent.wire_name.size() + 4;
  if (header.questions != 1 || packet.size() < end) return {};
  const std::string_view name(reinterpret_cast<const char*>(packet.data()) + header_size,
                              sent.wire_name.size());
  if (!ascii::iequals(name, sent.wire_name)) return {};
  if (get16(packet, end - 4) != static_cast<unsigned>(sent.question.type) ||
      get16(packet, end - 2) != LDNS_RR_CLASS_IN)
    return {};

  // The case differs from the one sent: an attacker's guess, or a server that does not keep it. A
  // question over TCP decides.
  if (!sent.over_tcp && (header.truncated || name != sent.wire_name)) {
    return Reply{Reply::Kind::truncated, {}, std::nullopt, sent.aliases};
  }
  if (header.rcode != noerror && header.rcode != nxdomain) {
    const auto kind = kind_of_failure(header.rcode, sent, has_opt(packet, end, header));
    return failure(kind, rcode_name(header.rcode), sent.aliases);
  }
  Sections sections;
  if (header.truncated || !read_sections(packet, end, header, sections)) {
    return failure(Reply::Kind::server_failure, "malformed answer", sent.aliases);
  }
  return Chain(sections, sent, header).follow();
}

Answer error_answer(std::string_view why, std::chrono::seconds ttl) {
  Answer answer;
  answer.outcome = Outcome::error;
  answer.error = why;
  answer.ttl = ttl;
  return answer;
}

std::chrono::seconds negative_ttl(std::uint32_t soa_ttl, std::uint32_t soa_minimum) {
  return std::min({positive_ttl(soa_ttl), positive_ttl(soa_minimum), max_negative_ttl});
}

std::chrono::seconds negative_ttl_without_soa() { return soaless_ttl; }

std::chrono::seconds positive_ttl(std::uint32_t ttl) {
  if ((ttl & 0x80000000U) != 0) return 0s;
  return std::min(std::chrono::seconds(ttl), max_positive_ttl);
}

}  // namespace sekisho::dns
