// cli/complain.h: why a command cannot do what it was asked to, and how it says so on stderr. What
// was typed, or sent by somebody, is escaped.
// Thread: any.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/exit_code.h"

namespace sekisho::cli {

// Why a command ends without having done what it was asked to.
struct Complaint {
  ExitCode code = software;
  std::string what;  // empty: it has been said
};

template <class T>
using OrComplaint = Expected<T, Complaint>;

inline tl::unexpected<Complaint> complaint(ExitCode code, std::string what = {}) {
  return tl::unexpected<Complaint>({code, std::move(what)});
}

// "sekisho: WHAT"; gives the code back: return complain(no_input, file + ": cannot be read").
ExitCode complain(ExitCode code, const std::string& what);
// The same, unless it has been said.
ExitCode complain(const Complaint& complaint);

// The same for what does not end the command.
void warn(const std::string& what);

}  // namespace sekisho::cli
