// base/result.h: outcomes as values. A parser returns Expected<T>, an exception means a bug or no
// memory.
// Thread: immutable values.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace sekisho {

// Why a text could not be read: a sentence for a person, and the octet at which reading stopped.
struct ParseError {
  std::string what;
  std::size_t at = 0;
  bool operator==(const ParseError&) const = default;
};

template <class T, class E = ParseError>
using Expected = tl::expected<T, E>;

inline tl::unexpected<ParseError> parse_error(std::string what, std::size_t at = 0) {
  return tl::unexpected<ParseError>(ParseError{std::move(what), at});
}

}  // namespace sekisho
