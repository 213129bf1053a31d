// cli/complain.h: why a command fails, and its message on stderr. Typed or received text is
// escaped.
// Thread: any.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/exit_code.h"

namespace sekisho::cli {

// Why a command failed.
struct Complaint {
  ExitCode code = software;
  std::string what;  // empty: already printed
};

template <class T>
using OrComplaint = Expected<T, Complaint>;

inline tl::unexpected<Complaint> complaint(ExitCode code, std::string what = {}) {
  return tl::unexpected<Complaint>({code, std::move(what)});
}

// Prints "sekisho: WHAT" and returns the code: return complain(no_input, file + ": cannot be
// read").
ExitCode complain(ExitCode code, const std::string& what);
// The same, unless it was printed already.
ExitCode complain(const Complaint& complaint);

// The same for a fault that does not end the command.
void warn(const std::string& what);

}  // namespace sekisho::cli
