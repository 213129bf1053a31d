// quarantine/held_part.h: a message that a session wants kept, as quarantine's part of a message
// file: for a front beside an MTA, and for one that has a queue of its own.
// Errors: none. Thread: any.
#pragma once

#include <string>
#include <utility>

#include "quarantine/held.h"
#include "session/ports.h"
#include "spool/message_file.h"
#include "spool/parts.h"

namespace sekisho::quarantine {

// The draft of a session, as octets of the store.
class KeptDraft final : public session::Draft {
 public:
  explicit KeptDraft(spool::Draft draft) : draft_(std::move(draft)) {}
  void append(std::string_view octets) override { draft_.append(octets); }
  spool::Draft take() { return std::move(draft_); }
  const spool::Draft& draft() const { return draft_; }

 private:
  spool::Draft draft_;
};

HeldRow row_of(const session::KeepRequest& message);
Detail detail_of(const session::KeepRequest& message);
// Texts of the sender are cut.
spool::Part part_of(HeldRow held, const Detail& detail);

}  // namespace sekisho::quarantine
