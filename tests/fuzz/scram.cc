// Any octets as the messages of a client of SCRAM-SHA-256, a line each. Nobody without the password
// is accepted, whatever the order of the messages; and after the end every message is refused.
#include <string>

#include "accounts/password.h"
#include "accounts/scram.h"
#include "fuzz/require.h"

namespace {

using namespace sekisho;
using accounts::ScramServer;
using fuzz::require;
using Kind = ScramServer::Step::Kind;

std::optional<accounts::ScramKeys> keys_of(const std::string& login) {
  // The stored key is no hash that somebody knows the origin of.
  if (login != "user") return std::nullopt;
  return accounts::ScramKeys{"salt", std::string(32, 's'), std::string(32, 'k'), 4096};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ScramServer server(keys_of, "secret", "nonce");
  bool over = false;
  for (const auto message : fuzz::split(fuzz::text_of(data, size), '\n')) {
    const auto step = server.step(message);
    require(step.kind != Kind::accepted);
    require(!over || step.kind == Kind::malformed);
    over = over || step.kind != Kind::challenge;
    if (step.kind != Kind::challenge) {
      require(step.text.empty() && !step.reason.empty());
      continue;
    }
    require(step.text.starts_with("r=") && !server.login().empty());
    require(step.text.find("nonce,s=") != std::string::npos);
  }
  return 0;
}
