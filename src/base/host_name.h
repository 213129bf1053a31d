// base/host_name.h: what this machine calls itself, for the names that a configuration leaves open.
// Thread: any.
#pragma once

#include <string>

namespace sekisho {

// As gethostname(2) has it, which need not be fully qualified; "localhost" when it has none.
std::string host_name();

}  // namespace sekisho
