// config/sizes.h: a number of octets as people write it: "512K", "10M", "2G". Thread: immutable values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/values.h"

namespace sekisho::config {

//   size = 1*DIGIT [ "K" / "M" / "G" / "T" ]      powers of 1024
Expected<std::uint64_t> parse_size(std::string_view text);
// In the largest unit that has no fraction.
std::string show_size(std::uint64_t octets);
Type<std::uint64_t> size(std::uint64_t least, std::uint64_t most);

}  // namespace sekisho::config
