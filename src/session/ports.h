// session/ports.h: what a session needs of the outside besides the DNS.
// Thread: any.
#pragma once

#include "policy/facts.h"
#include "policy/verdict.h"

namespace sekisho::session {

// Where decisions are recorded. Best effort: it must not block for long, and cannot change a
// verdict.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void decided(const policy::Facts& facts, const policy::Verdict& verdict) = 0;
};

}  // namespace sekisho::session
