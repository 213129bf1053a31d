#include "bench/load/filter.h"

#include <strings.h>

#include <algorithm>

namespace sekisho::bench {
namespace {

// Commands, replies and flags of milter protocol 6, by the letters that travel.
constexpr std::uint32_t kVersion = 6;
constexpr std::uint32_t kAllActions = 0x1FF;
constexpr std::uint32_t kAllProtocol = 0x1FFFFF;
constexpr std::uint32_t kNoConnect = 0x1;
constexpr std::uint32_t kNoHelo = 0x2;
constexpr std::uint32_t kNoMail = 0x4;
constexpr std::uint32_t kNoRcpt = 0x8;
constexpr std::uint32_t kNoBody = 0x10;
constexpr std::uint32_t kNoHeader = 0x20;
constexpr std::uint32_t kNoEoh = 0x40;
constexpr std::uint32_t kSilentHeader = 0x80;
constexpr std::uint32_t kNoData = 0x200;
constexpr std::uint32_t kSilentConnect = 0x1000;
constexpr std::uint32_t kSilentHelo = 0x2000;
constexpr std::uint32_t kSilentMail = 0x4000;
constexpr std::uint32_t kSilentRcpt = 0x8000;
constexpr std::uint32_t kSilentData = 0x10000;
constexpr std::uint32_t kSilentEoh = 0x40000;
constexpr std::uint32_t kSilentBody = 0x80000;
constexpr std::uint32_t kLeadingSpace = 0x100000;
constexpr std::size_t kChunk = 65535;

std::string zero_terminated(std::initializer_list<std::string_view> strings) {
  std::string out;
  for (const auto text : strings) {
    out.append(text);
    out.push_back('\0');
  }
  return out;
}

std::string_view until_zero(std::string_view data, std::size_t& at) {
  const auto end = data.find('\0', at);
  if (end == std::string_view::npos) throw WireError("string without its end in a reply");
  const auto text = data.substr(at, end - at);
  at = end + 1;
  return text;
}

Field read_field(std::string_view data, std::size_t at) {
  Field field;
  field.name = until_zero(data, at);
  field.value = until_zero(data, at);
  return field;
}

}  // namespace

std::string_view reply_name(Reply reply) {
  switch (reply) {
    case Reply::proceed:
      return "continue";
    case Reply::accept:
      return "accept";
    case Reply::reject:
      return "reject";
    case Reply::tempfail:
      return "tempfail";
    case Reply::discard:
      return "discard";
    case Reply::replycode:
      return "replycode";
    case Reply::shutdown:
      return "shutdown";
  }
  return "?";
}

struct FilterSession::Event {
  char command;
  std::uint32_t unwanted;  // the flag by which a filter leaves the event out
  std::uint32_t silent;    // the flag by which it sends no reply
};

FilterSession::FilterSession(const FilterOptions& options)
    : options_(options), wire_(options.endpoint, options.timeout) {
  negotiate();
}

void FilterSession::negotiate() {
  std::string offer;
  put_u32(offer, kVersion);
  put_u32(offer, kAllActions);
  put_u32(offer, kAllProtocol);
  wire_.queue('O', offer);
  const Packet reply = wire_.read();
  if (reply.command != 'O') throw WireError("no answer to the negotiation");
  const auto version = get_u32(reply.data, 0);
  protocol_ = get_u32(reply.data, 8);
  if (version < 2 || version > kVersion || (get_u32(reply.data, 4) & ~kAllActions) != 0 ||
      (protocol_ & ~kAllProtocol) != 0) {
    throw WireError("the filter negotiated what was not offered");
  }
}

Reply FilterSession::send(const Event& event, const Macros& macros, std::string_view payload,
                          Edits* edits) {
  if (connection_done_ || message_done_) return Reply::proceed;
  if (skipping_ == event.command) return Reply::proceed;
  skipping_ = 0;
  // Postfix sends the macros even of an event that the filter does not want.
  std::string packed(1, event.command);
  for (const auto& [name, value] : macros) packed += zero_terminated({name, value});
  wire_.queue('D', packed);
  if (!want(event.unwanted)) return Reply::proceed;
  wire_.queue(event.command, payload);
  if (!want(event.silent)) {
    if (options_.flush_when == FlushWhen::event) wire_.flush();
    return Reply::proceed;
  }
  return await(event.command, edits);
}

Reply FilterSession::await(char command, Edits* edits) {
  for (;;) {
    const Packet packet = wire_.read();
    Reply reply = Reply::proceed;
    switch (packet.command) {
      case 'c':
        return Reply::proceed;
      case 's':
        skipping_ = command;
        return Reply::proceed;
      case 'a':
        reply = Reply::accept;
        break;
      case 'r':
        reply = Reply::reject;
        break;
      case 't':
        reply = Reply::tempfail;
        break;
      case 'd':
        reply = Reply::discard;
        break;
      case '4':
        reply = Reply::shutdown;
        break;
      case 'y':
        reply = Reply::replycode;
        if (edits != nullptr) edits->reply_text = packet.data;
        break;
      default:
        if (!edit(packet, edits)) {
          throw WireError(std::string("unexpected reply '") + packet.command + "'");
        }
        continue;
    }
    if (command == 'C' || command == 'H') {
      connection_done_ = true;
    } else if (command != 'R') {
      message_done_ = true;
    }
    return reply;
  }
}

// Requests to change the message are allowed in answer to the end of message only; progress always.
bool FilterSession::edit(const Packet& packet, Edits* edits) {
  if (packet.command == 'p') {
    if (edits != nullptr) ++edits->progress;
    return true;
  }
  if (edits == nullptr) return false;
  switch (packet.command) {
    case 'h':
      edits->added.push_back(read_field(packet.data, 0));
      return true;
    case 'i':
      edits->inserted.push_back({get_u32(packet.data, 0), read_field(packet.data, 4)});
      return true;
    case 'm':
      edits->changed.push_back({get_u32(packet.data, 0), read_field(packet.data, 4)});
      return true;
    case 'q':
      edits->quarantine = packet.data.substr(0, packet.data.find('\0'));
      return true;
    case '+':
    case '-':
    case '2':
    case 'b':
    case 'e':
      ++edits->other;
      return true;
    default:
      return false;
  }
}

Reply FilterSession::connect(const Envelope& envelope) {
  connection_done_ = false;
  message_done_ = false;
  const bool v6 = envelope.client.find(':') != std::string::npos;
  std::string payload = zero_terminated({envelope.client_name});
  payload.push_back(v6 ? '6' : '4');
  payload += std::string("\xC3\x50", 2);  // port 50000
  payload += zero_terminated({v6 ? "IPv6:" + envelope.client : envelope.client});
  const Macros macros = {{"j", options_.hostname},
                         {"{daemon_name}", "smtpd"},
                         {"{daemon_addr}", "192.0.2.25"},
                         {"v", "Postfix 3.7.11"},
                         {"{client_addr}", envelope.client},
                         {"_", envelope.client_name + " [" + envelope.client + "]"}};
  return send({'C', kNoConnect, kSilentConnect}, macros, payload);
}

Reply FilterSession::helo(const Envelope& envelope) {
  return send({'H', kNoHelo, kSilentHelo}, {}, zero_terminated({envelope.helo}));
}

Reply FilterSession::mail(const Envelope& envelope) {
  message_done_ = false;
  // Postfix knows its queue id from the first recipient on.
  const auto at = envelope.from.rfind('@');
  const Macros macros = {
      {"{mail_addr}", envelope.from},
      {"{mail_host}", at == std::string::npos ? "" : envelope.from.substr(at + 1)},
      {"{mail_mailer}", "smtp"},
      {"{client_addr}", envelope.client},
      {"{client_name}", envelope.client_name}};
  return send({'M', kNoMail, kSilentMail}, macros,
              zero_terminated({"<" + envelope.from + ">", "SIZE=20000"}));
}

Reply FilterSession::rcpt(const Envelope& envelope, const std::string& to,
                          const std::string& queue_id) {
  const Macros macros = {{"i", queue_id},
                         {"{rcpt_addr}", to},
                         {"{rcpt_host}", to.substr(to.rfind('@') + 1)},
                         {"{rcpt_mailer}", "local"},
                         {"{client_addr}", envelope.client}};
  return send({'R', kNoRcpt, kSilentRcpt}, macros, zero_terminated({"<" + to + ">"}));
}

Reply FilterSession::data(const std::string& queue_id) {
  const Reply reply = send({'T', kNoData, kSilentData}, {{"i", queue_id}}, {});
  wire_.flush();  // here Postfix hands the connection from smtpd to cleanup, which empties the
                  // buffer
  return reply;
}

Reply FilterSession::message(const std::vector<Field>& header, std::string_view body,
                             const std::string& queue_id, Edits& edits) {
  if (connection_done_ || message_done_) return Reply::proceed;
  const Macros macros = {{"i", queue_id}};
  Reply reply = Reply::proceed;
  for (const auto& field : header) {
    std::string_view value = field.value;
    if (want(kLeadingSpace) && value.starts_with(' ')) value.remove_prefix(1);
    reply = send({'L', kNoHeader, kSilentHeader}, macros, zero_terminated({field.name, value}));
    if (message_done_) return reply;
  }
  reply = send({'N', kNoEoh, kSilentEoh}, macros, {});
  for (std::size_t at = 0; at < body.size() && !message_done_; at += kChunk) {
    reply = send({'B', kNoBody, kSilentBody}, macros, body.substr(at, kChunk));
  }
  if (message_done_) return reply;
  skipping_ = 0;
  return send({'E', 0, 0}, macros, {}, &edits);
}

void FilterSession::abort() {
  wire_.queue('A');
  wire_.flush();
  message_done_ = false;
}

void FilterSession::quit() {
  wire_.queue('Q');
  wire_.flush();
}

std::vector<Field> apply_edits(const std::vector<Field>& header, const Edits& edits) {
  std::vector<Field> out = header;
  for (const auto& change : edits.changed) {
    std::uint32_t seen = 0;
    const auto found = std::find_if(out.begin(), out.end(), [&](const Field& field) {
      return strcasecmp(field.name.c_str(), change.field.name.c_str()) == 0 &&
             ++seen == std::max(change.index, 1U);
    });
    if (found == out.end()) continue;
    if (change.field.value.empty()) {
      out.erase(found);
    } else {
      found->value = " " + change.field.value;
    }
  }
  // Indexes count the MTA's own Received field, which filters are not shown.
  for (const auto& insert : edits.inserted) {
    const auto index = std::min<std::size_t>(insert.index > 0 ? insert.index - 1 : 0, out.size());
    const Field field{insert.field.name, " " + insert.field.value};
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(index), field);
  }
  for (const auto& field : edits.added) out.push_back({field.name, " " + field.value});
  return out;
}

}  // namespace sekisho::bench
