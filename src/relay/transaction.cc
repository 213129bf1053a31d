#include "relay/transaction.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace sekisho::relay {

namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), ascii::to_upper);
  return out;
}

// A parameter is passed on as it came in, so it is looked at again.
bool is_parameter(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '<' && c != '>';
  });
}

bool is_one_of(std::string_view parameter, std::initializer_list<std::string_view> names) {
  const std::string name = upper(parameter.substr(0, parameter.find('=')));
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool needs_utf8(const Transaction& transaction) {
  return !is_ascii(transaction.sender) ||
         std::any_of(transaction.recipients.begin(), transaction.recipients.end(),
                     [](const auto& to) { return !is_ascii(to.address); });
}

}  // namespace

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_sendable(std::string_view address) {
  return std::none_of(address.begin(), address.end(),
                      [](char c) { return ascii::is_control(c) || c == '<' || c == '>'; }) ||
         (address.find('"') != std::string_view::npos &&
          std::none_of(address.begin(), address.end(), ascii::is_control));
}

Extensions Extensions::of(const Reply& ehlo) {
  Extensions out;
  for (std::size_t i = 1; i < ehlo.lines.size(); ++i) {
    const std::string line = upper(ehlo.lines[i]);
    const auto end = line.find_first_of(" =");
    const std::string rest = end == std::string::npos ? "" : line.substr(end + 1);
    std::string& known = out.offered_[line.substr(0, end)];
    known += (known.empty() ? "" : " ") + rest;
  }
  return out;
}

std::vector<std::string> Extensions::mechanisms() const {
  std::vector<std::string> out;
  const auto found = offered_.find("AUTH");
  if (found == offered_.end()) return out;
  std::string_view rest = found->second;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    if (end > 0) out.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

std::optional<std::uint64_t> Extensions::size() const {
  const auto found = offered_.find("SIZE");
  if (found == offered_.end()) return std::nullopt;
  std::uint64_t most = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), most);
  if (error != std::errc{} || end != text.data() + text.size() || most == 0) return std::nullopt;
  return most;
}

std::string mail_command(const Transaction& transaction, const Extensions& offered) {
  std::string line = "MAIL FROM:<" + transaction.sender + ">";
  for (const auto& parameter : transaction.parameters) {
    const bool of_dsn = is_one_of(parameter, {"RET", "ENVID"}) && offered.has("DSN");
    if (of_dsn && is_parameter(parameter)) line += " " + parameter;
  }
  if (needs_utf8(transaction) && offered.has("SMTPUTF8")) line += " SMTPUTF8";
  // Without the extension 8-bit text goes out as it is: nearly every server takes it, and another
  // encoding would break signatures.
  if (offered.has("8BITMIME") && transaction.eight_bit) line += " BODY=8BITMIME";
  if (offered.has("SIZE")) line += " SIZE=" + std::to_string(transaction.size);
  return line;
}

std::string rcpt_command(const LetterRecipient& to, const Extensions& offered) {
  std::string line = "RCPT TO:<" + to.address + ">";
  for (const auto& parameter : to.parameters) {
    const bool of_dsn = is_one_of(parameter, {"NOTIFY", "ORCPT"}) && offered.has("DSN");
    if (of_dsn && is_parameter(parameter)) line += " " + parameter;
  }
  return line;
}

}  // namespace sekisho::relay
