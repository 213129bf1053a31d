// spf/options.h: the limits of RFC 7208 §4.6.4 and §11.1, and what may be configured.
// Thread: immutable value.
#pragma once

#include <cstddef>

namespace sekisho::spf {

struct Options {
  std::size_t max_lookups = 10;      // terms that cause questions, over the whole evaluation
  std::size_t max_void_lookups = 2;  // answers without records, over the whole evaluation
  std::size_t max_mx_names = 10;     // an 11th is permerror
  std::size_t max_ptr_names = 10;    // names after the 10th are ignored
  bool fetch_explanation = true;     // ask for the exp= text when the result is fail
};

}  // namespace sekisho::spf
