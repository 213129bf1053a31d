// spf/options.h: the limits of RFC 7208 §4.6.4 and §11.1, and what may be configured.
// Thread: immutable value.
#pragma once

#include <cstddef>

#include "spf/result.h"

namespace sekisho::spf {

// A term that allows a network larger than these is overbroad. The largest networks of one owner
// are /8 in IPv4 and /19 in IPv6, where the registries themselves have /12.
inline constexpr int shortest_ip4_length = 8;
inline constexpr int shortest_ip6_length = 16;

struct Options {
  std::size_t max_lookups = 10;      // terms that cause questions, over the whole evaluation
  std::size_t max_void_lookups = 2;  // answers without records, over the whole evaluation
  std::size_t max_mx_names = 10;     // an 11th is permerror
  std::size_t max_ptr_names = 10;    // names after the 10th are ignored
  bool fetch_explanation = true;     // ask for the exp= text when the result is fail
  Code overbroad = Code::pass;  // what an overbroad pass counts as: pass (RFC 7208), or neutral
};

}  // namespace sekisho::spf
