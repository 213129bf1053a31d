// session/outcome.h: what the front must do with a message, and all that led to it.
// Thread: immutable values.
#pragma once

#include <string>
#include <vector>

#include "base/words.h"
#include "policy/facts.h"
#include "policy/verdict.h"

namespace sekisho::session {

struct Outcome {
  policy::Facts facts;
  policy::Verdict verdict;
  std::string authentication_results;  // our field's value; empty for exempt clients
  enum class Held {
    no,
    by_mta,  // quarantine at the MTA, with `hold_reason`
    some,    // in our store for `recipients_held`, who must be removed from the envelope
    whole,   // in our store for all: the MTA answers as if it had been delivered, and drops it
  };
  Held held = Held::no;
  std::string hold_reason;
  std::vector<std::string> recipients_held;
  bool operator==(const Outcome&) const = default;
};
constexpr auto words_of(Outcome::Held) {
  return words<Outcome::Held>({{Outcome::Held::no, "no"},
                               {Outcome::Held::by_mta, "by-mta"},
                               {Outcome::Held::some, "some"},
                               {Outcome::Held::whole, "whole"}});
}

}  // namespace sekisho::session
