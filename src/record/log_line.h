// record/log_line.h: one decision as the line of the log: the same words as in the JSON object.
// Thread: any.
#pragma once

#include <string>

#include "policy/facts.h"
#include "policy/verdict.h"

namespace sekisho::record {

// "4bXY: id=K7Q2-4D client=… … action=quarantine rule=dmarc reason="…" dns=7/41ms total=43ms"
std::string log_line(const policy::Facts& facts, const policy::Verdict& verdict);

}  // namespace sekisho::record
