#include "quarantine/held.h"

#include <algorithm>
#include <array>

namespace sekisho::quarantine {

namespace {

constexpr std::array states = {State::held, State::released, State::delivered, State::deleted,
                               State::expired};

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::held:
      return "held";
    case State::released:
      return "released";
    case State::delivered:
      return "delivered";
    case State::deleted:
      return "deleted";
    case State::expired:
      return "expired";
  }
  return "";
}

std::optional<State> parse_state(std::string_view text) {
  const auto found = std::find_if(states.begin(), states.end(),
                                  [&](State state) { return to_string(state) == text; });
  if (found == states.end()) return std::nullopt;
  return *found;
}

bool is_id(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  if (text.size() != 9 || text[4] != '-') return false;
  return std::all_of(text.begin(), text.end(), [&, at = 0](char c) mutable {
    return at++ == 4 || digits.find(c) != std::string_view::npos;
  });
}

}  // namespace sekisho::quarantine
