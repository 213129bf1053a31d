#include "accounts/recipients_file.h"

#include "accounts/senders.h"
#include "base/ascii.h"
#include "base/encoding.h"

namespace sekisho::accounts {

namespace {

constexpr std::size_t most_findings = 50;  // more of them are one mistake in the whole file

std::string domain_of(const std::string& address) {
  const auto at = address.rfind('@');
  return at == std::string::npos ? std::string() : address.substr(at);
}

}  // namespace

void RecipientsFile::add_line(std::string_view line, const std::string& where) {
  const bool excluded = line.front() == '!';
  if (excluded) line.remove_prefix(1);
  const std::string_view address = line.substr(0, line.find_first_of(" \t"));
  const auto at = address.rfind('@');
  if (at == std::string_view::npos || at + 1 == address.size()) {
    if (findings_.size() < most_findings) {
      findings_.push_back(where + ": " + escape_for_log(address, 100) +
                          " is no address and no @DOMAIN");
    }
    return;
  }
  // "@domain": compared as an address whose local part is taken away again.
  const std::string text = comparable(mail::Path((at == 0 ? "x" : "") + std::string(address)));
  (excluded ? excluded_ : included_).insert(at == 0 ? domain_of(text) : text);
}

RecipientsFile RecipientsFile::parse(std::string_view text, const std::string& path) {
  RecipientsFile file;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = ascii::trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (!line.empty() && line.front() != '#')
      file.add_line(line, path + ":" + std::to_string(number));
  }
  return file;
}

bool RecipientsFile::names(const mail::Path& recipient, const std::string& delimiter) const {
  const std::string address = comparable(recipient);
  return included_.contains(address) || included_.contains(without_extension(address, delimiter));
}

bool RecipientsFile::contains(const mail::Path& recipient, const std::string& delimiter) const {
  const std::string address = comparable(recipient);
  const std::string plain = without_extension(address, delimiter);
  if (excluded_.contains(address) || excluded_.contains(plain)) return false;
  if (names(recipient, delimiter)) return true;
  const std::string domain = domain_of(address);
  return included_.contains(domain) && !excluded_.contains(domain);
}

}  // namespace sekisho::accounts
