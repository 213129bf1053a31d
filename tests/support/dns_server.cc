#include "support/dns_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <tuple>

#include "base/ascii.h"
#include "dns/codec.h"

namespace sekisho::test {

namespace {

using Fault = DnsServer::Fault;
using namespace std::chrono_literals;

constexpr std::size_t header_size = 12;
constexpr unsigned rcode_formerr = 1, rcode_servfail = 2, rcode_nxdomain = 3, rcode_notimp = 4,
                   rcode_refused = 5;
constexpr unsigned flag_response = 0x8180;  // QR, RD, RA
constexpr unsigned flag_truncated = 0x0200;

std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
std::string u32(std::uint32_t value) { return u16(value >> 16) + u16(value & 0xffff); }
unsigned read16(std::string_view text, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(text[at])) << 8 |
         static_cast<unsigned char>(text[at + 1]);
}

struct Query {
  std::string id, name, type_and_class;  // as octets, in the case they came in
  dns::Question question;
  bool edns;
  std::string section() const { return name + type_and_class; }
};

std::optional<Query> read_query(std::string_view packet) {
  if (packet.size() < header_size + 5) return std::nullopt;
  std::size_t at = header_size;
  while (at < packet.size() && packet[at] != 0) at += static_cast<unsigned char>(packet[at]) + 1U;
  if (at + 5 > packet.size()) return std::nullopt;
  const std::string name(packet.substr(header_size, at + 1 - header_size));
  std::string text;
  for (std::size_t n = 0; name[n] != 0; n += static_cast<unsigned char>(name[n]) + 1U) {
    text += name.substr(n + 1, static_cast<unsigned char>(name[n])) + ".";
  }
  auto parsed = dns::Name::from(text);
  if (!parsed) return std::nullopt;
  return Query{std::string(packet.substr(0, 2)), name, std::string(packet.substr(at + 1, 4)),
               dns::Question{*parsed, static_cast<dns::Type>(read16(packet, at + 1))},
               read16(packet, 10) != 0};
}

std::string packet(const Query& query, unsigned flags, unsigned answers, const std::string& records,
                   unsigned authorities = 0) {
  return query.id + u16(flags) + u16(1) + u16(answers) + u16(authorities) + u16(0) +
         query.section() + records;
}

std::string record(const std::string& owner, unsigned type, std::uint32_t ttl,
                   const std::string& data) {
  return owner + u16(type) + u16(1) + u32(ttl) + u16(static_cast<unsigned>(data.size())) + data;
}

const std::string at_question("\xc0\x0c");  // a pointer to the question's name
const std::string an_address("\xc0\x00\x02\x01", 4);

std::string wire(std::string_view text) {
  const auto name = dns::Name::from(text);
  return name ? dns::to_wire(*name) : std::string(1, '\0');
}

std::string text_data(std::string_view text) {
  std::string data;
  do {
    const auto piece = text.substr(0, 255);
    data += static_cast<char>(piece.size());
    data += piece;
    text.remove_prefix(piece.size());
  } while (!text.empty());
  return data;
}

std::vector<std::string> record_data(const dns::Answer& answer) {
  std::vector<std::string> all;
  for (const auto& text : answer.texts) all.push_back(text_data(text));
  for (const auto& address : answer.addresses) {
    const auto& octets = address.octets();
    all.emplace_back(octets.begin(), octets.begin() + address.bits() / 8);
  }
  for (const auto& mx : answer.exchanges) all.push_back(u16(mx.preference) + wire(mx.exchange));
  for (const auto& pointer : answer.pointers) all.push_back(wire(pointer));
  return all;
}

// "soa." at the root of all, so that negative answers can be kept.
std::string soa(std::uint32_t ttl) {
  const std::string root(1, '\0');
  return record(root, 6, ttl, root + root + u32(1) + u32(3600) + u32(600) + u32(86400) + u32(ttl));
}

// RFC 6891 §6.1.1: whoever understood an OPT record answers with one.
std::string with_opt(const std::string& reply, const Query& query) {
  if (!query.edns) return reply;
  return reply.substr(0, 10) + u16(1) + reply.substr(header_size) + std::string(1, '\0') + u16(41) +
         u16(dns::udp_payload) + u32(0) + u16(0);
}

std::string honest(const Query& query, const dns::Answer& answer, bool tcp) {
  const auto ttl = static_cast<std::uint32_t>(answer.ttl.count());
  switch (answer.outcome) {
    case dns::Outcome::records:
      break;
    case dns::Outcome::nodata:
      return with_opt(packet(query, flag_response, 0, soa(ttl), 1), query);
    case dns::Outcome::nxdomain:
      return with_opt(packet(query, flag_response | rcode_nxdomain, 0, soa(ttl), 1), query);
    case dns::Outcome::error:
    case dns::Outcome::refused:
      return with_opt(packet(query, flag_response | rcode_servfail, 0, ""), query);
  }
  std::string records;
  unsigned count = 0;
  for (const std::string& data : record_data(answer)) {
    records += record(at_question, static_cast<unsigned>(query.question.type), ttl, data);
    ++count;
  }
  std::string whole = with_opt(packet(query, flag_response, count, records), query);
  if (!tcp && whole.size() > (query.edns ? dns::udp_payload : 512U)) {
    return packet(query, flag_response | flag_truncated, 0, "");
  }
  return whole;
}

// The honest records, and thousands of others of their type.
std::string many_records(const Query& query, const dns::Answer& answer) {
  const auto type = static_cast<unsigned>(query.question.type);
  const std::string filler = query.question.type == dns::Type::txt ? text_data("abc") : an_address;
  std::string records;
  unsigned count = 0;
  const auto add = [&](const std::string& data) {
    records += record(at_question, type, 300, data);
    ++count;
  };
  for (const std::string& data : record_data(answer)) add(data);
  while (records.size() + 16 + 300 < 0xffff) add(filler);
  return packet(query, flag_response, count, records);
}

// Replies whose octets lie.
std::string malformed(Fault fault, const Query& query) {
  const std::string tail = u16(1) + u16(1) + u32(60) + u16(4) + an_address;
  const std::size_t here = header_size + query.section().size();
  const auto type = static_cast<unsigned>(query.question.type);
  const auto one = [&](const std::string& records) {
    return packet(query, flag_response, 1, records);
  };
  switch (fault) {
    case Fault::label_overrun:
      return one(
          "\x3f"
          "abc");
    case Fault::compression_loop:
      return one(u16(static_cast<unsigned>(0xc000 | here)) + tail);
    case Fault::forward_pointer:
      return one(u16(0xffff) + tail);
    case Fault::long_label:
      return one("\x40" + std::string(64, 'a') + std::string(1, '\0') + tail);
    case Fault::rdata_overrun:
      return one(at_question + u16(type) + u16(1) + u32(60) + u16(5000) + "abc");
    case Fault::string_overrun:
      return one(record(at_question, type, 60,
                        "\xff"
                        "abc"));
    case Fault::short_address:
      return one(record(at_question, type, 60, "ab"));
    case Fault::count_lie:
      return packet(query, flag_response, 10000, record(at_question, type, 60, an_address));
    case Fault::garbage:
      return query.id + std::string(40, '\xff');
    default:
      return {};
  }
}

std::string chain(Fault fault, const Query& query) {
  const std::string other = wire("loop.example");
  if (fault == Fault::cname_to_itself) {
    return packet(query, flag_response, 1, record(at_question, 5, 300, query.name));
  }
  return packet(query, flag_response, 2,
                record(at_question, 5, 300, other) + record(other, 5, 300, query.name));
}

std::string with_question(const std::string& reply, const Query& query,
                          const std::string& section) {
  return reply.substr(0, header_size) + section +
         reply.substr(header_size + query.section().size());
}

std::string with_id(const std::string& reply, unsigned id) { return u16(id) + reply.substr(2); }

// What is sent instead of the honest reply.
std::vector<std::string> faulty(Fault fault, const Query& query, const dns::Answer& answer,
                                bool tcp) {
  const std::string reply = honest(query, answer, tcp);
  const auto rcode = [&](unsigned code) {
    return std::vector{packet(query, flag_response | code, 0, "")};
  };
  const auto truncated = [&] {
    return std::vector{packet(query, flag_response | flag_truncated, 0, "")};
  };
  switch (fault) {
    case Fault::none:
      return {reply};
    case Fault::drop:
      return {};
    case Fault::servfail:
      return rcode(rcode_servfail);
    case Fault::refused:
      return rcode(rcode_refused);
    case Fault::notimp:
      return rcode(rcode_notimp);
    case Fault::formerr:
      return rcode(rcode_formerr);
    case Fault::formerr_bare:
      return {query.id + u16(flag_response | rcode_formerr) + std::string(8, '\0')};
    case Fault::formerr_to_edns:
      return query.edns ? rcode(rcode_formerr) : std::vector{reply};
    case Fault::notimp_to_edns:
      return query.edns ? rcode(rcode_notimp) : std::vector{reply};
    case Fault::servfail_to_edns:
      return query.edns ? rcode(rcode_servfail) : std::vector{reply};
    case Fault::drop_edns:
      return query.edns ? std::vector<std::string>{} : std::vector{reply};
    case Fault::truncate:
      return tcp ? std::vector{reply} : truncated();
    case Fault::truncate_dead_tcp:
    case Fault::truncate_mute_tcp:
      return tcp ? std::vector<std::string>{} : truncated();
    case Fault::wrong_id:
      return {with_id(reply, read16(reply, 0) ^ 1U)};
    case Fault::wrong_question:
      return {with_question(reply, query, wire("other.example") + query.type_and_class)};
    case Fault::wrong_case:
      return {tcp ? reply
                  : with_question(reply, query, ascii::lower(query.name) + query.type_and_class)};
    case Fault::forged_first: {
      const std::string forged =
          packet(query, flag_response, 1, record(at_question, 16, 300, text_data("forged")));
      return {with_id(forged, read16(reply, 0) ^ 0x5555U), reply};
    }
    case Fault::two_questions:
      return {reply.substr(0, 4) + u16(2) + reply.substr(6)};
    case Fault::not_a_response:
      return {reply.substr(0, 2) + u16(0x0100) + reply.substr(4)};
    case Fault::empty_packet:
      return {""};
    case Fault::garbage:
    case Fault::label_overrun:
    case Fault::compression_loop:
    case Fault::forward_pointer:
    case Fault::long_label:
    case Fault::rdata_overrun:
    case Fault::string_overrun:
    case Fault::short_address:
    case Fault::count_lie:
      return {malformed(fault, query)};
    case Fault::cname_loop:
    case Fault::cname_to_itself:
      return {chain(fault, query)};
    case Fault::referral:
      return {packet(query, 0x8000, 0, record(at_question, 2, 300, wire("ns.example")), 1)};
    case Fault::many_records:
      return tcp ? std::vector{many_records(query, answer)} : truncated();
  }
  return {};
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool bind_to(const UniqueFd& fd, std::uint16_t port) {
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::uint16_t port_of(const UniqueFd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::shared_ptr<const dns::Zone> read_zone(std::string_view text) {
  auto zone = dns::Zone::parse(text);
  if (zone) return std::make_shared<const dns::Zone>(std::move(*zone));
  ADD_FAILURE() << zone.error().what;
  return std::make_shared<const dns::Zone>();
}

bool readable(int fd, std::chrono::milliseconds time) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, static_cast<int>(time.count())) > 0;
}

}  // namespace

struct DnsServer::Delayed {
  std::chrono::steady_clock::time_point due;
  sockaddr_in to;
  std::string packet;
};

std::string_view DnsServer::name(Fault fault) {
  static constexpr std::array<std::string_view, 34> names{"none",
                                                          "drop",
                                                          "servfail",
                                                          "refused",
                                                          "notimp",
                                                          "formerr",
                                                          "formerr_bare",
                                                          "formerr_to_edns",
                                                          "notimp_to_edns",
                                                          "servfail_to_edns",
                                                          "drop_edns",
                                                          "truncate",
                                                          "truncate_dead_tcp",
                                                          "truncate_mute_tcp",
                                                          "wrong_id",
                                                          "wrong_question",
                                                          "wrong_case",
                                                          "forged_first",
                                                          "two_questions",
                                                          "not_a_response",
                                                          "garbage",
                                                          "empty_packet",
                                                          "label_overrun",
                                                          "compression_loop",
                                                          "forward_pointer",
                                                          "long_label",
                                                          "rdata_overrun",
                                                          "string_overrun",
                                                          "short_address",
                                                          "count_lie",
                                                          "cname_loop",
                                                          "cname_to_itself",
                                                          "referral",
                                                          "many_records"};
  return names.at(static_cast<std::size_t>(fault));
}

DnsServer::DnsServer(std::string_view zone_text) {
  replace_zone(zone_text);
  start();
}

DnsServer::~DnsServer() { stop(); }

void DnsServer::replace_zone(std::string_view zone_text) {
  script_.with([zone = read_zone(zone_text)](Script& s) { s.zone = zone; });
}
void DnsServer::fail_with(Fault fault) {
  script_.with([fault](Script& s) { s.fault = fault; });
}
void DnsServer::delay(std::chrono::milliseconds time) {
  script_.with([time](Script& s) { s.delay = time; });
}
void DnsServer::one_link_at_a_time() {
  script_.with([](Script& s) { s.one_link = true; });
}
std::size_t DnsServer::udp_queries() const {
  return script_.with([](const Script& s) { return s.udp; });
}
std::size_t DnsServer::tcp_queries() const {
  return script_.with([](const Script& s) { return s.tcp; });
}
std::size_t DnsServer::edns_queries() const {
  return script_.with([](const Script& s) { return s.edns; });
}
std::vector<dns::Question> DnsServer::asked() const {
  return script_.with([](const Script& s) { return s.asked; });
}

void DnsServer::bind() {
  // A port that is free for UDP may be taken for TCP: then another one.
  for (int attempt = 0; attempt < 50; ++attempt) {
    udp_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    tcp_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!bind_to(udp_, port_)) continue;
    const std::uint16_t port = port_of(udp_);
    if (!bind_to(tcp_, port) || ::listen(tcp_.get(), 16) != 0) continue;
    port_ = port;
    return;
  }
  throw std::system_error(errno, std::generic_category(), "no port for a name server");
}

void DnsServer::start() {
  if (thread_.joinable()) return;
  bind();
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void DnsServer::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  thread_.join();
  udp_.reset();
  tcp_.reset();
}

void DnsServer::run() {
  std::vector<Delayed> delayed;
  while (!stopping_) {
    std::array<pollfd, 2> wait{{{udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}}};
    ::poll(wait.data(), wait.size(), delayed.empty() ? 20 : 2);
    if ((wait[0].revents & POLLIN) != 0) serve_udp(delayed);
    if ((wait[1].revents & POLLIN) != 0) serve_tcp();
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(delayed, [&](const Delayed& reply) {
      if (reply.due > now) return false;
      ::sendto(udp_.get(), reply.packet.data(), reply.packet.size(), 0,
               reinterpret_cast<const sockaddr*>(&reply.to), sizeof reply.to);
      return true;
    });
  }
}

void DnsServer::serve_udp(std::vector<Delayed>& delayed) {
  std::array<char, 4096> buffer{};
  sockaddr_in from{};
  for (;;) {
    socklen_t from_size = sizeof from;
    const ssize_t size = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0) return;
    const auto due =
        std::chrono::steady_clock::now() + script_.with([](const Script& s) { return s.delay; });
    for (std::string& reply : replies({buffer.data(), static_cast<std::size_t>(size)}, false)) {
      delayed.push_back({due, from, std::move(reply)});
    }
  }
}

void DnsServer::serve_tcp() {
  const UniqueFd connection(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection) return;
  std::string query;
  while (query.size() < 2 || query.size() < 2 + read16(query, 0)) {
    std::array<char, 1024> block{};
    if (!readable(connection.get(), 500ms)) return;
    const ssize_t size = ::recv(connection.get(), block.data(), block.size(), 0);
    if (size <= 0) return;
    query.append(block.data(), static_cast<std::size_t>(size));
  }
  for (const std::string& reply : replies(std::string_view(query).substr(2), true)) {
    const std::string framed = u16(static_cast<unsigned>(reply.size())) + reply;
    ::send(connection.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
  }
  // A mute one holds the connection until the client gives up or the test ends.
  const bool mute =
      script_.with([](const Script& s) { return s.fault == Fault::truncate_mute_tcp; });
  for (int n = 0; mute && n < 300 && !stopping_; ++n) {
    if (readable(connection.get(), 10ms)) return;
  }
}

std::vector<std::string> DnsServer::replies(std::string_view octets, bool tcp) {
  const auto query = read_query(octets);
  if (!query) return {};
  const auto [zone, fault, one_link] = script_.with([&](Script& s) {
    ++(tcp ? s.tcp : s.udp);
    s.edns += query->edns ? 1 : 0;
    s.asked.push_back(query->question);
    return std::tuple(s.zone, s.fault, s.one_link);
  });
  if (one_link) {
    const auto link = zone->answer({query->question.name, dns::Type::cname});
    if (!link->pointers.empty()) {
      return {
          packet(*query, flag_response, 1, record(at_question, 5, 300, wire(link->pointers[0])))};
    }
  }
  const auto answer = zone->answer(query->question);
  if (answer->error == "timeout") return {};
  return faulty(fault, *query, *answer, tcp);
}

}  // namespace sekisho::test
