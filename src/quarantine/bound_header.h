// quarantine/bound_header.h: the header that a release is bound to, and whether a returning message
// has it. The MTA and other filters add to a header on the way (Received, a missing Date, the
// domain of a bare name). Any other change, and any addition that a reader would see, is refused.
// Errors: none; never throws but for memory. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "session/ports.h"

namespace sekisho::quarantine {

// The header at the front of `message`: one field a line, its name in lower case, folds and runs of
// blanks as one blank, sorted by octets. `own_results`: the value of our Authentication-Results,
// which goes on top.
std::string bound_header(std::string_view message, std::string_view own_results);

// How the returned header differs from `bound`, for the log; empty if it does not.
std::string header_difference(std::string_view bound, const session::ReleaseProof& proof);

}  // namespace sekisho::quarantine
