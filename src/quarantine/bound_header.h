// quarantine/bound_header.h: the header that a release is bound to, and whether a message that has
// come back has it. The MTA adds to a header on the way (Received, a missing Date, the domain of a
// bare name), and other filters do; nobody may change what was released beyond that, or add what a
// reader would see.
// Errors: none; never throws but for memory. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "session/ports.h"

namespace sekisho::quarantine {

// Of the header at the front of `message`: one field a line, its name in small letters, folds and
// runs of blanks as one blank, in the order of the octets. `own_results`: the value of our
// Authentication-Results, which goes on top.
std::string bound_header(std::string_view message, std::string_view own_results);

// How the header that has come back differs from `bound`, for the log; empty when it is the same.
std::string header_difference(std::string_view bound, const session::ReleaseProof& proof);

}  // namespace sekisho::quarantine
