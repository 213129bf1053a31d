// cli/version.h: the version of the programs, which CMakeLists.txt states.
// Thread: immutable.
#pragma once

namespace sekisho::cli {

inline constexpr const char* version = SEKISHO_VERSION;

}  // namespace sekisho::cli
