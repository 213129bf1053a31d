// app/seal_file.h: the secret with which our own fields are proven, in a file of its own that the
// first start makes.
// Errors: a sentence for the admin. Thread: any.
#pragma once

#include <string>

#include "base/result.h"

namespace sekisho::app {

// Reads the secret, or makes the file: 32 random octets, mode 0600. What is there and is no such
// secret, or is readable for others, is an error: whoever knows it can write our results.
Expected<std::string, std::string> read_or_make_seal(const std::string& path);

// For one run, where there is no file.
std::string make_secret();

}  // namespace sekisho::app
