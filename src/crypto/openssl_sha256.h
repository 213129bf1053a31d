// crypto/openssl_sha256.h: OpenSSL's SHA-256, fetched once: every call that takes EVP_sha256()
// would fetch it again, under a lock. Only for the .cc files of this folder.
// Errors: throws std::bad_alloc. Thread: any.
#pragma once

#include <openssl/types.h>

namespace sekisho::crypto {

const EVP_MD* openssl_sha256();

}  // namespace sekisho::crypto
