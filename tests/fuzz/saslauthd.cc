// Any octets as what saslauthd answers, and as a login and password for it. A login is accepted
// only where the answer begins with OK; a request has four texts behind their lengths, and a NUL
// reaches nobody.
#include <string>

#include "accounts/saslauthd.h"
#include "fuzz/require.h"

namespace {

using namespace sekisho;
using accounts::LoginAnswer;
using accounts::Saslauthd;
using fuzz::require;

std::string take_text(std::string_view& octets) {
  require(octets.size() >= 2);
  const std::size_t size = static_cast<unsigned char>(octets[0]) * std::size_t{256} +
                           static_cast<unsigned char>(octets[1]);
  require(octets.size() >= 2 + size);
  std::string text(octets.substr(2, size));
  octets.remove_prefix(2 + size);
  return text;
}

void check_request(std::string_view login, std::string_view password) {
  accounts::LoginAttempt attempt;
  attempt.login = login;
  attempt.password = password;
  const auto request = Saslauthd::request(attempt);
  const bool askable = !login.empty() && !password.empty() && login.size() <= 65535 &&
                       password.size() <= 65535 && login.find('\0') == std::string_view::npos &&
                       password.find('\0') == std::string_view::npos;
  require(request.has_value() == askable);
  if (!request) return;
  std::string_view octets = *request;
  require(take_text(octets) == login && take_text(octets) == password);
  require(take_text(octets) == "smtp" && take_text(octets).empty() && octets.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto answer = Saslauthd::answer(text, "alice@example.jp");
  const bool accepted = answer.code == LoginAnswer::Code::accepted;
  require(accepted == (answer.login == "alice@example.jp"));
  if (accepted) require(text.starts_with("OK"));
  if (answer.code == LoginAnswer::Code::wrong) require(text.starts_with("NO"));
  for (const char c : answer.reason) require(static_cast<unsigned char>(c) >= 0x20);
  const auto at = text.find('\n');
  check_request(text.substr(0, at), at == std::string_view::npos ? "" : text.substr(at + 1));
  return 0;
}
