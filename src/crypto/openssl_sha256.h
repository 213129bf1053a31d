// crypto/openssl_sha256.h: OpenSSL's SHA-256, looked up once: EVP_sha256() is looked up anew, under
// a lock, by every call that takes it. Only for the .cc files of this folder.
// Errors: throws std::bad_alloc. Thread: any.
#pragma once

#include <openssl/types.h>

namespace sekisho::crypto {

const EVP_MD* openssl_sha256();

}  // namespace sekisho::crypto
