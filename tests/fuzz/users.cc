// Any text as the file of users. Each login it has is found however it is written, what verifies a
// password is complete, and without the word no password is right.
#include <string>

#include "accounts/user_file.h"
#include "base/ascii.h"
#include "fuzz/require.h"

namespace {

using namespace sekisho;
using fuzz::require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto users = accounts::UserFile::parse(text, "users");
  const auto all = users.all();
  require(all.size() == users.size());
  for (const auto& user : all) {
    require(!user.login.empty() && text.find(user.login) != std::string_view::npos);
    require(user.login.find_first_of(":\n\r") == std::string::npos);
    require(!user.hash.empty() || user.scram.has_value());
    const auto* found = users.find(ascii::lower(user.login));
    require(found != nullptr && found->login == user.login);
    if (!user.scram) continue;
    require(user.scram->iterations > 0 && !user.scram->salt.empty());
    require(user.scram->stored_key.size() == 32 && user.scram->server_key.size() == 32);
  }
  for (const auto& finding : users.findings()) {
    require(finding.starts_with("users:"));
    require(finding.find('\n') == std::string::npos && finding.find('\0') == std::string::npos);
  }
  // What hashes is slow on purpose: only small files are asked, and never with their own costs.
  if (all.empty()) require(!users.verify("alice@example.jp", "sesame"));
  return 0;
}
