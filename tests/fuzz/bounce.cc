// Any octets as the addresses, parameters and replies that a bounce tells of. Whatever they are it
// is a message: lines of CRLF and of bounded length, only our own fields, parts between our
// boundaries, text in UTF-8 where it says so, and each recipient's fields in their block.
#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "fuzz/require.h"
#include "mail/message.h"
#include "queue/bounce.h"

namespace {

using namespace sekisho;
using fuzz::require;
using queue::Bounce;
using queue::Report;

// An address has at most 320 octets, and what was read as a command has no line end.
std::string word_of(std::string_view text) { return std::string(text.substr(0, 320)); }

void check_lines(std::string_view text) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    require(text[i] != '\0');
    require((text[i] == '\r') == (i + 1 < text.size() && text[i + 1] == '\n'));
    length = text[i] == '\n' ? 0 : length + 1;
    require(length <= 999);
  }
  require(text.ends_with("\r\n"));
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

void check_header(const mail::Message& message) {
  static constexpr std::string_view ours[] = {
      "Date",         "From",         "To",
      "Subject",      "Message-ID",   "Auto-Submitted",
      "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};
  require(message.malformed.empty());
  for (const auto& field : message.header.fields())
    require(std::count(std::begin(ours), std::end(ours), field.name) == 1);
  require(message.header.fields().size() >= std::size(ours) - 1);
}

void check_report(const std::string& text, const Bounce& bounce) {
  const bool global = text.find("report-type=global-") != std::string::npos;
  const std::string type = global ? "message/global-delivery-status" : "message/delivery-status";
  const auto begin = text.find("\r\nContent-Type: " + type + "\r\n");
  require(begin != std::string::npos);
  const auto fields = text.find("\r\n\r\n", begin) + 4;
  const auto end = text.find("\r\n--=_ID", fields);
  require(end != std::string::npos);
  const auto part = std::string_view(text).substr(fields, end - fields);
  require(is_utf8(part));
  if (!global) {
    require(std::none_of(part.begin(), part.end(),
                         [](char c) { return static_cast<unsigned char>(c) >= 0x80; }));
  }
  require(occurrences(part, "\r\n\r\n") == bounce.recipients.size());
  for (const char* once : {"\r\nFinal-Recipient: ", "\r\nAction: ", "\r\nStatus: "})
    require(occurrences(part, once) == bounce.recipients.size());
  require(part.find("\r\n \r\n") == std::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto pieces = fuzz::split(fuzz::text_of(data + 1, size - 1), '|');
  const auto piece = [&](std::size_t i) { return pieces[i % pieces.size()]; };
  queue::Letter letter;
  letter.id = "K7Q2-4DMX";
  letter.parameters = {"ENVID=" + word_of(piece(0))};
  Bounce bounce;
  bounce.report = all_values<Report>()[data[0] % count_of<Report>];
  bounce.id = "ID";
  bounce.to = word_of(piece(1));
  bounce.origin = bounce.hostname = "mx.example.jp";
  bounce.whole = (data[0] & 0x80) != 0;
  bounce.original = "Subject: x\r\n";
  for (std::size_t i = 0; i < 1U + (data[0] >> 2) % 3U; ++i) {
    queue::Recipient to;
    to.address = word_of(piece(2 + i));
    to.original = word_of(piece(3 + i));
    if (i == 0) to.parameters = {"ORCPT=" + word_of(piece(4))};
    to.last.reply = piece(5 + i);
    to.last.why = piece(6 + i);
    to.last.status = i == 0 ? "5.1.1" : "4.4.1";
    to.last.host = word_of(piece(7 + i));
    bounce.recipients.push_back(std::move(to));
  }
  const auto text = queue::compose(bounce, letter);
  check_lines(text);
  check_header(mail::parse_message(text));
  check_report(text, bounce);
  require(occurrences(text, "\r\n--=_ID\r\n") == 3 && occurrences(text, "\r\n--=_ID--\r\n") == 1);
  return 0;
}
