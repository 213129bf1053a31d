// The text of a zone, and questions for every name that stands in it as a word.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dns/zone.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sekisho::dns;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto zone = Zone::parse(text);
  if (!zone) {
    if (zone.error().what.find(": expected ") == std::string::npos) std::abort();
    return 0;
  }
  std::string_view rest = text.substr(0, 2000);
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find_first_of(" \t\n\"();"));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    const auto name = Name::from(word);
    if (!name) continue;
    for (const Type type : {Type::a, Type::aaaa, Type::cname, Type::mx, Type::ptr, Type::txt}) {
      const auto answer = zone->answer({*name, type});
      if (answer->addresses.size() > max_records || answer->is_error() == answer->error.empty())
        std::abort();
    }
  }
  return 0;
}
