#include "accounts/srs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "accounts/random_octets.h"
#include "base/ascii.h"
#include "base/encoding.h"
#include "base/read_file.h"
#include "base/unique_handle.h"
#include "crypto/hmac.h"

namespace sekisho::accounts {

namespace {

// Four digits of base64 are what postsrsd makes, and the least that it accepts. All 20 octets of
// SHA-1 would be 28.
constexpr std::size_t hash_digits = 4;
constexpr std::size_t most_hash_digits = 28;
constexpr std::size_t max_path = 254;  // RFC 5321 §4.5.3.1.3, without the angle brackets
constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr int days_of_a_round = 1024;  // two digits
constexpr char separator = '=';

bool is_separator(char c) { return c == '=' || c == '-' || c == '+'; }

// "SRS0=…": the separator behind the tag may be one of three.
bool has_tag(std::string_view local_part, std::string_view tag) {
  return local_part.size() > tag.size() && ascii::istarts_with(local_part, tag) &&
         is_separator(local_part[tag.size()]);
}

int day_of(WallTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
  return static_cast<int>(days % days_of_a_round);
}

std::string stamp_of(WallTime time) {
  const auto day = static_cast<unsigned>(day_of(time));
  return {digits[day >> 5 & 31], digits[day & 31]};
}

bool is_fresh(std::string_view stamp, WallTime now) {
  int day = 0;
  if (stamp.size() != 2) return false;
  for (const char c : stamp) {
    const auto digit = digits.find(ascii::to_upper(c));
    if (digit == std::string_view::npos) return false;
    day = day * 32 + static_cast<int>(digit);
  }
  return (day_of(now) - day + days_of_a_round) % days_of_a_round <= Srs::valid_days;
}

// Takes the text before the next "=" from the front.
std::optional<std::string_view> take(std::string_view& text) {
  const auto end = text.find(separator);
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  const auto part = text.substr(0, end);
  text.remove_prefix(end + 1);
  return part;
}

// A quoted local part stays quoted: what is put before it goes behind the quote.
struct LocalPart {
  bool quoted = false;
  std::string_view text;
  explicit LocalPart(std::string_view written)
      : quoted(written.size() >= 2 && written.front() == '"' && written.back() == '"'),
        text(quoted ? written.substr(1, written.size() - 2) : written) {}
  std::string write(const std::string& changed) const {
    return quoted ? '"' + changed + '"' : changed;
  }
};

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const auto part : parts) out += part;
  return out;
}

}  // namespace

std::string Srs::hash(const std::string& secret, std::string_view text) const {
  return base64_encode(crypto::hmac_sha1(secret, ascii::lower(text)));
}

bool Srs::has_hash(std::string_view given, std::string_view text) const {
  if (given.size() < hash_digits || given.size() > most_hash_digits) return false;
  bool fits = false;
  for (const auto& secret : secrets_) {
    // Mail programs change the case of a local part.
    const std::string made = ascii::lower(hash(secret, text).substr(0, given.size()));
    fits = crypto::equal_secrets(made, ascii::lower(given)) || fits;
  }
  return fits;
}

std::optional<mail::Path> Srs::forward(const mail::Path& sender, WallTime now) const {
  if (sender.is_null() || !sender.has_domain() || secrets_.empty()) return std::nullopt;
  const LocalPart local(sender.local_part());
  const std::string_view user = local.text;
  const std::string_view host = sender.domain();
  // The parts of what we make are told apart by this octet.
  if (user.empty() || host.empty() || host.find(separator) != std::string_view::npos)
    return std::nullopt;
  const auto made = [&](std::string_view hashed) {
    return hash(secrets_.front(), hashed).substr(0, hash_digits);
  };
  std::string out;
  if (has_tag(user, "SRS1")) {
    std::string_view rest = user.substr(5);
    const auto old_hash = take(rest);
    const auto first_host = take(rest);
    if (!old_hash || !first_host || rest.empty() || !is_separator(rest.front()))
      return std::nullopt;
    out = concat({"SRS1=", made(concat({*first_host, rest})), "=", *first_host, "=", rest});
  } else if (has_tag(user, "SRS0")) {
    const auto rest = user.substr(4);  // with its separator
    out = concat({"SRS1=", made(concat({host, rest})), "=", host, "=", rest});
  } else {
    const std::string stamp = stamp_of(now);
    out = concat({"SRS0=", made(concat({stamp, host, user})), "=", stamp, "=", host, "=", user});
  }
  mail::Path path(local.write(out) + "@" + domain_);
  if (path.raw().size() > max_path) return std::nullopt;
  return path;
}

bool Srs::is_ours(const mail::Path& recipient) const {
  const LocalPart local(recipient.local_part());
  return recipient.has_domain() && ascii::iequals(recipient.domain(), domain_) &&
         (has_tag(local.text, "SRS0") || has_tag(local.text, "SRS1"));
}

std::optional<std::string> Srs::reverse_first(std::string_view rest, WallTime now) const {
  const auto given = take(rest);
  const auto stamp = take(rest);
  const auto host = take(rest);
  if (!given || !stamp || !host || rest.empty()) return std::nullopt;
  if (!has_hash(*given, concat({*stamp, *host, rest})) || !is_fresh(*stamp, now))
    return std::nullopt;
  return concat({rest, "@", *host});
}

// Its own time is that of the SRS0 address inside, which the host that made it looks at.
std::optional<std::string> Srs::reverse_second(std::string_view rest) const {
  const auto given = take(rest);
  const auto host = take(rest);
  if (!given || !host || rest.empty() || !is_separator(rest.front())) return std::nullopt;
  if (!has_hash(*given, concat({*host, rest}))) return std::nullopt;
  return concat({"SRS0", rest, "@", *host});
}

std::optional<mail::Path> Srs::reverse(const mail::Path& recipient, WallTime now) const {
  const LocalPart local(recipient.local_part());
  if (!is_ours(recipient)) return std::nullopt;
  const auto rest = local.text.substr(5);
  const auto address =
      has_tag(local.text, "SRS0") ? reverse_first(rest, now) : reverse_second(rest);
  if (!address) return std::nullopt;
  const auto at = address->rfind('@');
  return mail::Path(local.write(address->substr(0, at)) + address->substr(at));
}

namespace {

constexpr std::size_t max_secret_file = 65536;
constexpr std::size_t secret_octets = 24;

tl::unexpected<std::string> cannot(const std::string& path, const char* what) {
  return tl::unexpected(path + ": cannot " + what + ": " + std::strerror(errno));
}

// The file gets its name only when it is complete.
Expected<void, std::string> make_secret_file(const std::string& path) {
  const std::string text = base64_encode(random_octets(secret_octets)) + "\n";
  std::string temporary = path + ".XXXXXX";
  const UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC));  // with mode 0600
  if (!file) return cannot(path, "make it");
  const bool written =
      ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file.get()) == 0;
  // Another process may have been faster: then its secret is used.
  const bool named = written && (::link(temporary.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const int why = errno;
  ::unlink(temporary.c_str());
  errno = why;
  if (!named) return cannot(path, "make it");
  return {};
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = ascii::trim(text.substr(0, end));
    if (!line.empty()) lines.emplace_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace

Expected<std::vector<std::string>, std::string> srs_secrets(const std::string& path) {
  auto text = read_file(path, max_secret_file);
  if (!text && text.error().code == FileError::Code::absent) {
    if (auto made = make_secret_file(path); !made) return tl::unexpected(made.error());
    text = read_file(path, max_secret_file);
  }
  if (!text) return tl::unexpected(path + ": " + text.error().what);
  auto secrets = lines_of(*text);
  if (secrets.empty())
    return tl::unexpected(path + ": it has no secret: remove it, and a new one is made");
  return secrets;
}

}  // namespace sekisho::accounts
