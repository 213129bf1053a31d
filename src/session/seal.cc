#include "session/seal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "base/encoding.h"
#include "crypto/hmac.h"
#include "mail/author.h"

namespace sekisho::session {

namespace {

constexpr std::array<std::string_view, 3> identifying = {"from", "date", "message-id"};

// 128 bits are enough for a MAC (RFC 2104 §5).
constexpr std::size_t mac_octets = 16;

// Clocks differ, and may be set back.
constexpr std::chrono::hours clock_skew{24};

// Folds and runs of blanks as one blank: programs that pass a message on may fold its header anew.
std::string on_one_line(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (!ascii::is_wsp(c) && c != '\r' && c != '\n') {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// All fields of that name, octet by octet.
std::string values_of(const mail::Header& header, std::string_view name) {
  std::string out;
  for (const auto* field : header.all(name)) out += on_one_line(field->value) + "\n";
  return out;
}

// The author: the addresses only, because sendmail rewrites the names after us. For a malformed
// author, the fields as they are.
std::string author_of(const mail::Header& header) {
  const auto author = mail::find_author(header, {});
  if (!author.well_formed()) return values_of(header, "from");
  std::string out;
  for (const auto& mailbox : author.mailboxes) out += mailbox.text() + "\n";
  return out;
}

std::string identity_of(const mail::Header& header, std::string_view name) {
  return name == "from" ? author_of(header) : values_of(header, name);
}

// Those that the message has: an MTA supplies a missing Date or Message-ID later.
std::string present_in(const mail::Header& header) {
  std::string out;
  for (const auto name : identifying) {
    if (header.has(name)) out.append(out.empty() ? "" : ":").append(name);
  }
  return out;
}

struct Parts {
  std::string_view id;
  std::string_view time;
  std::string_view bound;
  std::string_view mac;
};

// Accepts exactly the form that write() writes.
std::optional<Parts> parse(std::string_view text) {
  Parts parts;
  const std::array<std::pair<std::string_view, std::string_view*>, 4> wanted = {
      {{"id=", &parts.id}, {"t=", &parts.time}, {"h=", &parts.bound}, {"mac=", &parts.mac}}};
  for (const auto& [name, value] : wanted) {
    text = ascii::trim(text);
    if (!text.starts_with(name)) return std::nullopt;
    const auto end = std::min(text.find(';'), text.size());
    *value = text.substr(name.size(), end - name.size());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!ascii::trim(text).empty()) return std::nullopt;
  return parts;
}

std::optional<WallTime> parse_seconds(std::string_view text) {
  std::int64_t since = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), since);
  // Beyond the year 9999, durations would overflow.
  constexpr std::int64_t last = 253'402'300'799;
  if (error != std::errc{} || end != text.data() + text.size() || since < 0 || since > last)
    return std::nullopt;
  return WallTime(std::chrono::seconds(since));
}

}  // namespace

std::string Seal::mac(std::string_view id, std::string_view time, std::string_view bound,
                      const mail::Header& header, const OwnFields& fields) const {
  // No value holds a line end, so no two messages make the same text.
  std::string text = "sekisho seal 1\n";
  for (const auto part : {id, time, bound}) text.append(part).append("\n");
  text += on_one_line(fields.authentication_results) + "\n";
  text += on_one_line(fields.disposition) + "\n";
  for (const auto name : identifying) {
    const bool listed =
        (":" + std::string(bound) + ":").find(":" + std::string(name) + ":") != std::string::npos;
    if (listed) text.append(name).append("\n").append(identity_of(header, name));
  }
  return base64_encode(crypto::hmac_sha256(secret_, text).view().substr(0, mac_octets));
}

std::string Seal::write(std::string_view id, WallTime now, const mail::Header& header,
                        const OwnFields& fields) const {
  const std::string time = std::to_string(now.time_since_epoch().count());
  const std::string bound = present_in(header);
  std::string value = " id=";
  value.append(id).append("; t=").append(time).append("; h=").append(bound);
  return value.append(";\r\n\tmac=").append(mac(id, time, bound, header, fields));
}

bool Seal::proves(std::string_view value, const mail::Header& header, const OwnFields& fields,
                  WallTime now) const {
  const std::string text = on_one_line(value);
  const auto parts = parse(text);
  if (!parts) return false;
  const auto written = parse_seconds(parts->time);
  if (!written || *written + good_for < now || *written > now + clock_skew) return false;
  return crypto::equal_secrets(parts->mac,
                               mac(parts->id, parts->time, parts->bound, header, fields));
}

}  // namespace sekisho::session
