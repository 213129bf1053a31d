// 84 odd and malformed messages: they are taken apart without loss, and their author is the one
// that the table in data/mail says.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "mail/author.h"
#include "mail/message.h"
#include "support/fake_dns.h"

namespace sekisho::mail {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> odd_messages() {
  const fs::path folder = test::conformance_path("mime/mikel-mail");
  std::map<std::string, std::string> messages;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    messages[fs::relative(entry.path(), folder).generic_string()] = test::read_file(entry.path());
  }
  return messages;
}

std::string with_crlf(std::string_view octets) {
  std::string out;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if (octets[i] == '\n' && (i == 0 || octets[i - 1] != '\r')) out += '\r';
    out += octets[i];
  }
  return out;
}

// What the parts of a message were made of, in sorted lines: a malformed line does not say where it
// stood.
std::vector<std::string> sorted_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find("\r\n"), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(OddMessages, octetsComeOutAsTheyWentIn) {
  const auto messages = odd_messages();
  ASSERT_EQ(messages.size(), 84U);
  for (const auto& [name, octets] : messages) {
    const Message message = parse_message(octets);
    const bool unix_file = octets.find("\r\n") == std::string::npos;
    const std::string whole = unix_file ? with_crlf(octets) : octets;
    ASSERT_TRUE(std::string_view(whole).ends_with(message.body)) << name;

    std::string parts;
    for (const auto& field : message.header.fields()) {
      parts += field.name + ':' + field.value + "\r\n";
    }
    for (const auto& line : message.malformed) parts += line + "\r\n";
    std::string header = with_crlf(whole.substr(0, whole.size() - message.body.size()));
    if (header.ends_with("\r\n\r\n")) header.resize(header.size() - 2);
    EXPECT_EQ(sorted_lines(parts), sorted_lines(header)) << name;
  }
}

TEST(OddMessages, everyAuthorIsTheOneOfTheTable) {
  const auto messages = odd_messages();
  std::istringstream table(test::read_file(test::data_path("mail/odd_messages.txt")));
  std::size_t rows = 0;
  for (std::string row; std::getline(table, row);) {
    if (row.empty() || row.front() == '#') continue;
    ++rows;
    const std::string name = row.substr(0, row.find('\t'));
    ASSERT_TRUE(messages.contains(name)) << name;
    const Message message = parse_message(messages.at(name));
    const Author author = find_author(message.header, message.malformed);
    std::string found = name + '\t' + std::string(to_string(author.result));
    for (const auto& domain : author.domains) found += ' ' + domain.text();
    EXPECT_EQ(found, row) << author.reason;
  }
  EXPECT_EQ(rows, messages.size());
}

}  // namespace
}  // namespace sekisho::mail
