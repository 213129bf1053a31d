// config/suggest.h: the word that was probably meant.
// Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::config {

// The number of insertions, deletions, replacements and swaps of neighbours between two words.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest candidate; empty if none is near (a third of the word, at least 2).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sekisho::config
