// session/ports.h: what a session needs of the outside besides the DNS.
// Thread: any.
#pragma once

#include <memory>

namespace sekisho::session {

struct Decided;

// Where decisions are recorded. Best effort: it must not block for long, and cannot change a
// verdict.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void decided(std::shared_ptr<const Decided> decided) = 0;
};

}  // namespace sekisho::session
