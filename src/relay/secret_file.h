// relay/secret_file.h: the password or token of a login: the first line of a file that only its
// owner may read, or of a systemd credential ($CREDENTIALS_DIRECTORY, systemd.exec(5)). A relative
// path is the name of a credential.
// Errors: a sentence for the admin, without the secret. Thread: any; reads the disk.
#pragma once

#include <string>

#include "base/result.h"

namespace sekisho::relay {

Expected<std::string, std::string> read_secret(const std::string& path);

}  // namespace sekisho::relay
