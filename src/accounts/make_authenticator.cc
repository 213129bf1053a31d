#include "accounts/make_authenticator.h"

#include "accounts/dovecot_auth.h"
#include "accounts/file_authenticator.h"
#include "accounts/saslauthd.h"

namespace sekisho::accounts {

Expected<std::shared_ptr<Authenticator>, std::string> make_authenticator(
    const UserOptions& options) {
  const std::string& source = options.source;
  if (source.empty()) return nullptr;
  const auto colon = source.find(':');
  const std::string kind = source.substr(0, colon);
  const std::string path = colon == std::string::npos ? "" : source.substr(colon + 1);
  if (!path.starts_with('/')) {
    return tl::unexpected(
        "users.source: file:PATH, dovecot:PATH or saslauthd:PATH is expected, not " + source);
  }
  if (kind == "file") return std::make_shared<FileAuthenticator>(path);
  if (kind == "dovecot") return std::make_shared<DovecotAuth>(path);
  if (kind == "saslauthd") return std::make_shared<Saslauthd>(path);
  return tl::unexpected("users.source: there is no source \"" + kind +
                        "\": file, dovecot and saslauthd are known");
}

}  // namespace sekisho::accounts
