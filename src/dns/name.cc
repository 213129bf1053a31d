#include "dns/name.h"

#include <algorithm>

#include "base/ascii.h"

namespace sekisho::dns {

namespace {

// RFC 1035 §2.3.4: a label has 63 octets at most; a name has 255 on the wire, which are 253 of text
// (each dot stands for a length octet; the first length octet and the root's come on top).
constexpr std::size_t max_label = 63;
constexpr std::size_t max_text = 253;

}  // namespace

std::optional<Name> Name::from(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty() || text.size() > max_text) return std::nullopt;
  for (std::string_view rest = text;;) {
    const auto label = std::min(rest.find('.'), rest.size());
    if (label == 0 || label > max_label) return std::nullopt;
    if (label == rest.size()) return Name(ascii::lower(text));
    rest.remove_prefix(label + 1);
  }
}

}  // namespace sekisho::dns
