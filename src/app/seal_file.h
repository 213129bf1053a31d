// app/seal_file.h: the secret that proves our own fields, in a file that the first start creates.
// Errors: a sentence for the admin. Thread: any.
#pragma once

#include <string>

#include "base/result.h"

namespace sekisho::app {

// Reads the secret, or makes the file: 32 random octets, mode 0600. An existing file with another
// content, or readable for others, is an error: anybody who knows the secret can write our results.
Expected<std::string, std::string> read_or_make_seal(const std::string& path);

// A secret for one run, if there is no file.
std::string make_secret();

}  // namespace sekisho::app
