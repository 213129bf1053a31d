// Any text as a file of aliases, which may include itself, as a list of recipients, as a file of
// senders and of users. A name has targets or a fault; the targets can be written to a file that
// reads the same; and the work is bounded.
#include <string>

#include "accounts/aliases.h"
#include "accounts/recipients_file.h"
#include "accounts/senders.h"
#include "accounts/srs.h"
#include "fuzz/require.h"

namespace {

using namespace sekisho;
using accounts::Aliases;
using fuzz::require;

void check_target(const std::string& target) {
  require(!target.empty());
  for (const char c : target) require(c != '\n' && c != '\r' && c != '\0');
  require(target.front() != '|' && target.front() != '/' && target.front() != ':');
}

void check_aliases(std::string_view text, std::string_view name) {
  int reads = 0;
  Aliases aliases;
  aliases.add(text, "aliases", [&](const std::string&) -> Expected<std::string, FileError> {
    ++reads;
    return std::string(text);
  });
  require(aliases.findings().size() <= 100);
  const auto* found = aliases.find(name);
  if (found == nullptr) return;
  require(found->targets.empty() != found->fault.empty());
  require(found->targets.size() <= Aliases::most_targets);
  for (const auto& target : found->targets) check_target(target);
}

void check_srs(std::string_view text) {
  const accounts::Srs srs({"secret"}, "srs.example");
  const WallTime now = parse_time("2026-11-30T12:00:00Z").value();
  const mail::Path path{std::string(text)};
  if (const auto forward = srs.forward(path, now)) {
    require(srs.is_ours(*forward) && forward->raw().size() <= 254);
    const auto back = srs.reverse(*forward, now);
    require(back.has_value());
  }
  srs.reverse(mail::Path(std::string(text) + "@srs.example"), now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto name = text.substr(0, text.find_first_of(":,\n"));
  check_aliases(text, name);
  const auto list = accounts::RecipientsFile::parse(text, "list");
  const mail::Path address{std::string(name)};
  if (list.names(address, "+")) require(list.size() > 0);
  accounts::Senders senders({{"example.jp"}, "+"});
  senders.add(text, "senders");
  // Nobody becomes an address with which no line has to do.
  if (text.find('*') == std::string_view::npos && text.find("victim") == std::string_view::npos &&
      text.find('@') == std::string_view::npos) {
    require(!senders.may_send_as("mallory", "victim@example.jp"));
  }
  check_srs(name);
  return 0;
}
