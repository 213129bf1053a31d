#include "cli/certificates.h"

#include <cstdio>
#include <filesystem>
#include <vector>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "tls/certificate_copies.h"

namespace sekisho::cli {

namespace {

std::vector<tls::KeyPair> pairs_of(const tls::Options& options) {
  std::vector<tls::KeyPair> pairs;
  if (!options.main.certificate.empty()) pairs.push_back(options.main);
  pairs.insert(pairs.end(), options.names.begin(), options.names.end());
  return pairs;
}

// Whose the folder of the control socket is, is who serves there: the unit made it for its user. A
// folder of root's is used before the daemon becomes the user of the configuration.
OrComplaint<uid_t> daemon_user(const std::string& folder, const config::Settings& settings) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) == 0 && status.st_uid != 0) return status.st_uid;
  const passwd* user = ::getpwnam(settings.process.user.c_str());
  if (user != nullptr) return user->pw_uid;
  return complaint(ExitCode::config,
                   "process.user: there is no user " + escape_for_terminal(settings.process.user));
}

// Whether it worked.
bool copy(const tls::CertificateCopies& copies, const tls::KeyPair& pair, uid_t reader) {
  const auto written = copies.write(pair, reader);
  if (!written) {
    warn(written.error() + "; the daemon keeps what it has");
    return false;
  }
  std::printf("%s: %s\n", escape_for_terminal(pair.certificate).c_str(),
              *written ? "copied; the daemon uses it within a minute" : "is as before");
  return true;
}

}  // namespace

int certificates_copy(const std::string& config) {
  const auto loaded = load_configuration(config, config::ValueFiles::skip);
  if (!loaded) return ExitCode::config;
  const auto& settings = loaded->settings;
  const std::filesystem::path folder = std::filesystem::path(settings.control.socket).parent_path();
  const auto pairs = pairs_of(settings.tls);
  std::error_code ignored;
  // A renewal must not fail because the daemon does not run: its start copies.
  if (!std::filesystem::exists(folder, ignored)) {
    std::printf("%s: absent, so sekishod does not run; its start makes the copies\n",
                folder.c_str());
    return ok;
  }
  const tls::CertificateCopies copies(folder);
  if (pairs.empty() && !copies.exist()) return ok;
  const auto reader = daemon_user(folder, settings);
  if (!reader) return complain(reader.error());
  bool good = true;
  for (const auto& pair : pairs) good = copy(copies, pair, *reader) && good;
  if (const auto kept = copies.keep_only(pairs); !kept) {
    warn(kept.error());
    good = false;
  }
  return good ? ok : data_error;
}

}  // namespace sekisho::cli
