#include "cli/postfix_networks.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/ascii.h"

namespace sekisho::cli {

namespace {

constexpr std::size_t main_cf_octets = 1024 * 1024;

// The value of the last line that sets it; a line that begins with a blank continues the one
// before.
std::string value_of(std::string_view text, std::string_view name) {
  std::string value;
  bool inside = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (ascii::trim(line).empty() || ascii::trim(line).front() == '#') continue;
    if (ascii::is_wsp(line.front())) {
      if (inside) value.append(" ").append(line);
      continue;
    }
    const auto equals = line.find('=');
    inside = equals != std::string_view::npos && ascii::trim(line.substr(0, equals)) == name;
    if (inside) value = line.substr(equals + 1);
  }
  return value;
}

std::vector<std::string> words_of(std::string_view value) {
  constexpr std::string_view between = " \t\r,";
  std::vector<std::string> words;
  while (!value.empty()) {
    const auto begin = std::min(value.find_first_not_of(between), value.size());
    const auto end = std::min(value.find_first_of(between, begin), value.size());
    if (end > begin) words.emplace_back(value.substr(begin, end - begin));
    value.remove_prefix(end);
  }
  return words;
}

bool covers(const std::vector<mail::IpPrefix>& all, const mail::IpPrefix& prefix) {
  return std::any_of(all.begin(), all.end(), [&](const mail::IpPrefix& each) {
    return each.length() <= prefix.length() && each.contains(prefix.address());
  });
}

// Whether the set covers the whole prefix, but for what it excludes by name.
bool covers(const mail::PrefixSet& all, const mail::IpPrefix& prefix) {
  const auto& entries = all.entries();
  return std::any_of(entries.begin(), entries.end(), [&](const auto& each) {
    return !each.excluded && each.prefix.length() <= prefix.length() &&
           each.prefix.contains(prefix.address());
  });
}

}  // namespace

std::vector<mail::IpPrefix> not_trusted_here(std::string_view main_cf,
                                             const session::TrustOptions& trust) {
  static const std::vector<mail::IpPrefix> loopback = {mail::IpPrefix::parse("127.0.0.0/8").value(),
                                                       mail::IpPrefix::parse("::1").value()};
  std::vector<mail::IpPrefix> found;
  for (auto word : words_of(value_of(main_cf, "mynetworks"))) {
    std::erase_if(word, [](char c) { return c == '[' || c == ']'; });
    const auto prefix = mail::IpPrefix::parse(word);
    if (!prefix || covers(loopback, *prefix) || covers(trust.networks, *prefix) ||
        covers(trust.relays, *prefix)) {
      continue;
    }
    found.push_back(*prefix);
  }
  return found;
}

std::vector<std::string> warn_of_postfix(const std::string& path,
                                         const session::TrustOptions& trust) {
  std::ifstream file(path, std::ios::binary);
  std::string text(main_cf_octets, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  std::vector<std::string> warnings;
  for (const auto& prefix : not_trusted_here(text, trust)) {
    warnings.push_back(path + ": warning: mynetworks has " + prefix.text() +
                       ", and trust.networks has not: mail of these hosts is judged as a "
                       "stranger's, and may be refused by the policy of your own domain");
  }
  return warnings;
}

}  // namespace sekisho::cli
