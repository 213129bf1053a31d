// tests/support/lenient_readers.h: whom mail programs may show as the author of a From value, each
// in its own way of being lenient. Written anew after what public readers do, so that a test needs
// none of them:
//   as Python's email.utils: atoms and dots one after the other, a domain goes on over blanks, a
//     fold ends what is delimited;
//   as nodemailer and its descendants: quotes, comments and brackets are flat, and what adjoins
//     is joined;
//   as Mail::Address: brackets are dropped, and what stood in them is joined;
//   as many a regular expression: between the first < and the next >, and between the last ones.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace sekisho::test {

// The domains with a dot in them that one of them shows, in lower case.
std::set<std::string> domains_shown(std::string_view value);

}  // namespace sekisho::test
