// session/own_fields.h: which of the fields that claim to be ours stay when a trusted client hands
// a message in. Whoever is trusted is not evaluated, so what he brings would be all that is said of
// the message: our results stay with the proof that we wrote them, and are removed without. A
// disposition that makes the message look worse stays in any case.
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

// `seal`: nullptr when there is no secret; then nothing is proven.
FieldsToKeep fields_to_keep(const std::vector<ForgedFields::Claim>& claims,
                            const mail::Header& header, const Seal* seal, WallTime now);

}  // namespace sekisho::session
