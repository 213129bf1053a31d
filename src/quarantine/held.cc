#include "quarantine/held.h"

#include <algorithm>

namespace sekisho::quarantine {

bool is_id(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  if (text.size() != 9 || text[4] != '-') return false;
  return std::all_of(text.begin(), text.end(), [&, at = 0](char c) mutable {
    return at++ == 4 || digits.find(c) != std::string_view::npos;
  });
}

}  // namespace sekisho::quarantine
