// tls/openssl_error.h: the errors of OpenSSL on this thread, in words. Only for the .cc files of
// this folder.
// Thread: any; its own errors.
#pragma once

#include <string>

namespace sekisho::tls {

// The reason of the last error ("wrong version number"); all errors of the thread are forgotten.
std::string last_openssl_error();

}  // namespace sekisho::tls
