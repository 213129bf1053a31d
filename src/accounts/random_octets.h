// accounts/random_octets.h: octets that nobody can guess: salts, nonces, secrets.
// Errors: std::system_error, when the kernel has none. Thread: any.
#pragma once

#include <cstddef>
#include <string>

namespace sekisho::accounts {

// At most 256, which getrandom(2) returns all at once.
std::string random_octets(std::size_t count);

}  // namespace sekisho::accounts
