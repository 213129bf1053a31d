// tls/protocol.h: what both sides have in common: versions and ciphers. RFC 9325 (recommendations),
// RFC 8314 §3.1. Only for the .cc files of this folder.
// Errors: throws std::bad_alloc. Thread: any.
#pragma once

#include <openssl/ssl.h>

#include "tls/options.h"

namespace sekisho::tls {

// An empty context: no versions before `min_version`, no compression, no renegotiation.
SSL_CTX* new_context(const SSL_METHOD* method, Version min_version);

}  // namespace sekisho::tls
