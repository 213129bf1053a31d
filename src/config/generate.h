// config/generate.h: the texts that are made from the table of keys: milter.conf.example, and the
// keys in the manual page.
// Thread: any.
#pragma once

#include <string>

namespace sekisho::config {

// The sample: every key with its paragraph, commented out with its default; it loads as it is.
std::string example();

// mdoc(7): one subsection per section, one item per key.
std::string man_key_section();

}  // namespace sekisho::config
