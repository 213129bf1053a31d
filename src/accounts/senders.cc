#include "accounts/senders.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/encoding.h"

namespace sekisho::accounts {

namespace {

constexpr std::size_t most_findings = 50;  // more of them are one mistake in the whole file

// "*", "@shop.example", "sales@example.jp".
bool is_pattern(std::string_view text) {
  if (text == "*") return true;
  const auto at = text.rfind('@');
  return at != std::string_view::npos && at + 1 < text.size() &&
         text.find_first_of(" \t") == std::string_view::npos;
}

bool covers(std::string_view pattern, std::string_view address) {
  if (pattern == "*" || pattern == address) return true;
  return pattern.front() == '@' && address.ends_with(pattern);
}

std::string comparable_pattern(std::string_view text) {
  return text.starts_with('@') ? "@" + comparable(mail::Path("x" + std::string(text))).substr(2)
                               : comparable(mail::Path(text));
}

}  // namespace

std::string without_extension(const std::string& address, const std::string& delimiter) {
  const auto at = std::min(address.rfind('@'), address.size());
  const auto found = delimiter.empty() ? std::string::npos : address.find(delimiter, 1);
  return found < at ? address.substr(0, found) + address.substr(at) : address;
}

std::string comparable(const mail::Path& path) {
  std::string local = path.mailbox() ? path.mailbox()->local_part : std::string(path.local_part());
  if (!path.has_domain()) return ascii::lower(local);
  const auto domain = mail::DomainName::parse(path.domain());
  return ascii::lower(local) + "@" + (domain ? domain->text() : ascii::lower(path.domain()));
}

void Senders::add_line(std::string_view line, const std::string& where) {
  const auto found = [&](const std::string& what) {
    if (findings_.size() < most_findings) findings_.push_back(where + ": " + what);
  };
  const auto colon = line.find(':');
  const std::string login = ascii::lower(ascii::trim(line.substr(0, colon)));
  if (colon == std::string_view::npos || login.empty())
    return found("a line is LOGIN: ADDRESS, @DOMAIN");
  auto& granted = granted_[login];
  std::string_view rest = line.substr(colon + 1);
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const auto pattern = ascii::trim(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    if (pattern.empty()) continue;
    if (is_pattern(pattern)) {
      granted.push_back(comparable_pattern(pattern));
    } else {
      found(escape_for_log(pattern, 100) + " is no address, @DOMAIN or *");
    }
  }
}

void Senders::add(std::string_view text, const std::string& path) {
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = ascii::trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (!line.empty() && line.front() != '#') add_line(line, path + ":" + std::to_string(number));
  }
}

bool Senders::owns(std::string_view login, const std::string& address) const {
  const std::string plain = without_extension(address, house_.delimiter);
  if (login.find('@') != std::string_view::npos) {
    const std::string own = comparable(mail::Path(login));
    return own == address || own == plain;
  }
  const std::string name = ascii::lower(login);
  return std::any_of(house_.domains.begin(), house_.domains.end(), [&](const std::string& domain) {
    const std::string own = name + "@" + ascii::lower(domain);
    return own == address || own == plain;
  });
}

bool Senders::may_send_as(std::string_view login, const mail::Path& address) const {
  if (address.is_null()) return true;
  if (login.empty()) return false;
  const std::string wanted = comparable(address);
  // What can be read in several ways is nobody's.
  const bool clear = address.mailbox().has_value();
  if (clear && owns(login, wanted)) return true;
  const auto found = granted_.find(ascii::lower(login));
  if (found == granted_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](const std::string& pattern) {
    return pattern == "*" || (clear && covers(pattern, wanted));
  });
}

}  // namespace sekisho::accounts
