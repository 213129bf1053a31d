#include "tls/openssl_error.h"

#include <cstring>

#include <openssl/err.h>

namespace sekisho::tls {

std::string last_openssl_error() {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (error == 0) return "no reason given";
  if (ERR_SYSTEM_ERROR(error)) return std::strerror(static_cast<int>(ERR_GET_REASON(error)));
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? "error " + std::to_string(ERR_GET_REASON(error)) : reason;
}

}  // namespace sekisho::tls
