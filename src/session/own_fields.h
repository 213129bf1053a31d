// session/own_fields.h: which of the fields that claim to be ours stay in a message of a trusted
// client. Such a message is not evaluated, so its own fields would be the only results. Ours stay
// if their seal proves that we wrote them, and are removed otherwise. A disposition that makes the
// message look worse stays in any case.
// Errors: none. Thread: any.
#pragma once

#include <vector>

#include "mail/header.h"
#include "policy/facts.h"
#include "session/edits.h"
#include "session/seal.h"

namespace sekisho::session {

struct FieldsToKeep {
  std::vector<bool> keep;  // one for each claim
  policy::OwnFields own = policy::OwnFields::none;
};

// `seal`: nullptr if there is no secret; then nothing is proven.
FieldsToKeep fields_to_keep(const std::vector<ForgedFields::Claim>& claims,
                            const mail::Header& header, const Seal* seal, WallTime now);

}  // namespace sekisho::session
