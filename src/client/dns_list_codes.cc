#include "client/dns_list_codes.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "mail/domain_name.h"

namespace sekisho::client {

namespace {

using Octets = std::bitset<256>;

// Reads the pattern from left to right; `at` is the place of the next octet of the text.
class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  std::size_t at() const { return at_; }
  bool take(std::string_view wanted) {
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }

  std::optional<unsigned> number() {
    unsigned value = 0;
    const char* begin = text_.data() + at_;
    const char* end = text_.data() + text_.size();
    // from_chars of an unsigned takes no sign.
    const auto [stop, failure] = std::from_chars(begin, end, value);
    if (failure != std::errc() || value > 255 || stop - begin > 3) return std::nullopt;
    at_ += static_cast<std::size_t>(stop - begin);
    return value;
  }

  //   octet = number / "[" part *( ";" part ) "]"        part = number [ ".." number ]
  Expected<Octets> octet() {
    Octets out;
    if (!take("[")) {
      const auto value = number();
      if (!value) return parse_error("a number from 0 to 255, or [2..11;13], is expected", at_);
      return out.set(*value);
    }
    do {
      const auto first = number();
      if (!first) return parse_error("a number from 0 to 255 is expected", at_);
      auto last = first;
      if (take("..")) last = number();
      if (!last) return parse_error("a number from 0 to 255 is expected after ..", at_);
      if (*last < *first) return parse_error("the range is backwards", at_);
      for (unsigned value = *first; value <= *last; ++value) out.set(value);
    } while (take(";"));
    if (!take("]")) return parse_error("; or the closing ] is expected", at_);
    return out;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::string octet_text(const Octets& octets) {
  std::string out;
  bool single = true;
  for (std::size_t first = 0; first < octets.size(); ++first) {
    if (!octets[first]) continue;
    std::size_t last = first;
    while (last + 1 < octets.size() && octets[last + 1]) ++last;
    single = out.empty() && last == first;
    out += (out.empty() ? "" : ";") + std::to_string(first);
    if (last > first) out += ".." + std::to_string(last);
    first = last;
  }
  return single ? out : "[" + out + "]";
}

}  // namespace

bool is_error_code(const mail::IpAddress& answer) {
  const auto& octets = answer.octets();
  return answer.is_v4() && octets[0] == 127 && octets[1] == 255 && octets[2] == 255;
}

bool is_list_code(const mail::IpAddress& answer) {
  return answer.is_v4() && answer.octets()[0] == 127;
}

ReturnCodes::ReturnCodes() {
  octets_[0].set(127);
  for (std::size_t i = 1; i < 4; ++i) octets_[i].set();
}

Expected<ReturnCodes> ReturnCodes::parse(std::string_view text) {
  PatternReader reader(text);
  ReturnCodes codes;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0 && !reader.take(".")) {
      return parse_error("four octets are expected, as in 127.0.0.[2..11]", reader.at());
    }
    auto octet = reader.octet();
    if (!octet) return tl::unexpected(octet.error());
    codes.octets_[i] = *octet;
  }
  if (!reader.at_end()) return parse_error("something follows the fourth octet", reader.at());
  return codes;
}

bool ReturnCodes::matches(const mail::IpAddress& answer) const {
  if (!is_list_code(answer) || is_error_code(answer)) return false;
  for (std::size_t i = 0; i < 4; ++i) {
    if (!octets_[i][answer.octets()[i]]) return false;
  }
  return true;
}

bool ReturnCodes::can_match() const {
  const bool errors_alone = octets_[1] == Octets().set(255) && octets_[2] == Octets().set(255);
  return octets_[0][127] && !errors_alone;
}

bool ReturnCodes::any() const { return *this == ReturnCodes(); }

std::string ReturnCodes::text() const {
  if (any()) return {};
  std::string out;
  for (const Octets& each : octets_) out += (out.empty() ? "" : ".") + octet_text(each);
  return out;
}

Expected<DnsListZone> DnsListZone::parse(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const bool ascii_only =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
  const auto zone = mail::DomainName::parse(name);
  // The error of the parser is not passed on: it might quote a label, which may be a key.
  if (!ascii_only || !zone) return parse_error("not the zone of a list");
  if (zone->label_count() < 2) return parse_error("a zone has two labels at least");
  if (zone->text().size() > max_zone_octets) {
    return parse_error("longer than " + std::to_string(max_zone_octets) +
                       " octets: an IPv6 address would not fit before it");
  }
  DnsListZone out{zone->text(), {}};
  if (equals == std::string_view::npos) return out;
  auto codes = ReturnCodes::parse(text.substr(equals + 1));
  if (!codes) return parse_error(codes.error().what, equals + 1 + codes.error().at);
  out.codes = *codes;
  return out;
}

namespace {

// The keys of the operators who sell access have 20 to 40 letters and digits; no label of a public
// list has 16 with a digit among them, or 20 without.
bool is_key(std::string_view label) {
  // Hyphens occur in UUIDs and between words.
  const auto in_key = [](char c) { return ascii::is_alnum(c) || c == '-'; };
  const bool all = std::all_of(label.begin(), label.end(), in_key);
  const auto digits = std::count_if(label.begin(), label.end(), ascii::is_digit);
  const auto hyphens = std::count(label.begin(), label.end(), '-');
  const auto length = label.size() - static_cast<std::size_t>(hyphens);
  if (hyphens > 0) return all && length >= 20 && digits >= 4;
  return all && length >= (digits > 0 ? 16U : 20U);
}

}  // namespace

bool holds_key(std::string_view zone) { return without_key(zone) != zone; }

std::string without_key(std::string_view zone) {
  std::string out;
  for (std::size_t at = 0; at <= zone.size();) {
    const std::size_t end = std::min(zone.find('.', at), zone.size());
    const std::string_view label = zone.substr(at, end - at);
    if (at > 0) out += '.';
    out += is_key(label) ? std::string_view("(secret)") : label;
    at = end + 1;
  }
  return out;
}

std::string without_keys(std::string_view text) {
  const auto in_label = [](char c) { return ascii::is_alnum(c) || c == '-'; };
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && in_label(text[end])) ++end;
    const std::string_view label = text.substr(at, end - at);
    out += is_key(label) ? std::string_view("(secret)") : label;
    if (end < text.size()) out += text[end];
    at = end + 1;
  }
  return out;
}

std::string_view own_test_entry(std::string_view zone) {
  constexpr std::pair<std::string_view, std::string_view> known[] = {
      {"multi.surbl.org", "test.surbl.org"},
      {"uribl.com", "test.uribl.com"},
      {"dbl.spamhaus.org", "dbltest.com"},
      {"dbl.dq.spamhaus.net", "dbltest.com"},
  };
  for (const auto& [operators, entry] : known) {
    const bool below = zone.size() > operators.size() && zone.ends_with(operators) &&
                       zone[zone.size() - operators.size() - 1] == '.';
    if (zone == operators || below) return entry;
  }
  return {};
}

}  // namespace sekisho::client
