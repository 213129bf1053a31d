// base/host_name.h: the name of this machine, for names that a configuration leaves out.
// Thread: any.
#pragma once

#include <string>

namespace sekisho {

// The name of gethostname(2), which need not be fully qualified; "localhost" if there is none.
std::string host_name();

}  // namespace sekisho
