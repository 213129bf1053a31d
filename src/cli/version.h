// cli/version.h: the version of the programs; CMakeLists.txt states it.
#pragma once

namespace sekisho::cli {

inline constexpr const char* version = SEKISHO_VERSION;

}  // namespace sekisho::cli
