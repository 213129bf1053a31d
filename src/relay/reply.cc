#include "relay/reply.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace sekisho::relay {

namespace {

std::string printable_ascii(std::string_view line) {
  std::string out(line);
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

// Reply-code [("-" / SP) text]. RFC 5321 §4.2.
bool is_coded(std::string_view line) {
  return line.size() >= 3 && std::all_of(line.begin(), line.begin() + 3, ascii::is_digit) &&
         (line.size() == 3 || line[3] == ' ' || line[3] == '-');
}

int code_of(std::string_view line) {
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

// 1 to 3 digits (RFC 3463 §2).
std::size_t number_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && end < at + 3 && ascii::is_digit(text[end])) ++end;
  return end - at;
}

}  // namespace

std::string Reply::text() const {
  constexpr std::size_t most = 512;
  std::string out = std::to_string(code);
  for (const auto& line : lines) {
    if (!line.empty()) out += " " + line;
  }
  if (out.size() > most) out.resize(most);
  return out;
}

std::string Reply::whole() const {
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool last = i + 1 == lines.size();
    out += std::to_string(code) + (last ? " " : "-") + lines[i] + (last ? "" : "\n");
  }
  return out.empty() ? std::to_string(code) : out;
}

// class "." subject "." detail, then a blank or the end.
std::string Reply::status() const {
  if (lines.empty()) return {};
  const std::string_view line = lines.front();
  if (line.size() < 5 || line[0] != static_cast<char>('0' + code / 100) || line[1] != '.')
    return {};
  const std::size_t subject = number_at(line, 2);
  const std::size_t dot = 2 + subject;
  if (subject == 0 || dot >= line.size() || line[dot] != '.') return {};
  const std::size_t detail = number_at(line, dot + 1);
  const std::size_t end = dot + 1 + detail;
  if (detail == 0 || (end < line.size() && line[end] != ' ')) return {};
  return std::string(line.substr(0, end));
}

ReplyReader::State ReplyReader::broken(std::string why) {
  why_ = std::move(why);
  return State::broken;
}

ReplyReader::State ReplyReader::read(std::string_view& octets) {
  if (!why_.empty()) return State::broken;
  while (!octets.empty()) {
    const char c = octets.front();
    octets.remove_prefix(1);
    line_ += c;
    if (++octets_ > reply_octets) return broken("a reply of more than 64 KB");
    const bool ends = c == '\n' && (!exact_ || line_.ends_with("\r\n"));
    if (!ends) continue;
    line_.pop_back();
    if (line_.ends_with('\r')) line_.pop_back();
    if (const State state = end_of_line(); state != State::incomplete) return state;
  }
  return State::incomplete;
}

ReplyReader::State ReplyReader::end_of_line() {
  const std::string line = std::exchange(line_, {});
  if (!is_coded(line))
    return broken("what came is no SMTP reply: " + printable_ascii(line.substr(0, 80)));
  const int code = code_of(line);
  if (code < 200 || code > 599) return broken("a reply with the code " + line.substr(0, 3));
  if (exact_ && !reply_.lines.empty() && code != reply_.code) {
    return broken("one reply with two codes, " + std::to_string(reply_.code) + " and " +
                  std::to_string(code));
  }
  reply_.code = code;
  reply_.lines.push_back(printable_ascii(line.size() > 4 ? line.substr(4) : ""));
  if (line.size() == 3 || line[3] == ' ') return State::complete;
  if (reply_.lines.size() >= reply_lines) return broken("a reply of more than 100 lines");
  return State::incomplete;
}

Reply ReplyReader::take() {
  octets_ = 0;
  return std::exchange(reply_, {});
}

}  // namespace sekisho::relay
