// cli/table.h: text that a stranger wrote, in so many columns of a terminal. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::cli {

// Escaped, so that it steers no terminal; cut to `columns` with "…" where it is longer. Wide characters
// (East Asian ones) take two columns.
std::string fit(std::string_view text, std::size_t columns);
// The same, and filled with blanks up to `columns`.
std::string cell(std::string_view text, std::size_t columns);

}  // namespace sekisho::cli
