// tls/options.h: certificates of this host, and whom we trust. [tls].
// Thread: immutable values.
#pragma once

#include <string>
#include <vector>

#include "base/words.h"

namespace sekisho::tls {

enum class Version { v1_2, v1_3 };
constexpr auto words_of(Version) {
  return words<Version>({{Version::v1_2, "1.2"}, {Version::v1_3, "1.3"}});
}

// Two PEM files; the certificate's has its chain.
struct KeyPair {
  std::string certificate;
  std::string key;
  bool operator==(const KeyPair&) const = default;
};

struct Options {
  KeyPair main;                // empty: none
  std::vector<KeyPair> names;  // chosen by SNI (RFC 6066 §3)
  Version min_version = Version::v1_2;
  std::string ca_file;  // added to those of the system, for next hops
};

}  // namespace sekisho::tls
