// Any octets where a PROXY header is due.
#include <cstddef>
#include <cstdint>

#include "fuzz/require.h"
#include "smtp/proxy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sekisho;
  using fuzz::require;
  using Read = smtp::ProxyHeader::Read;
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto header = smtp::read_proxy_header(octets);
  if (header.read != Read::complete) {
    require(!header.client);
    // What is too long is never waited for.
    require(header.read == Read::invalid || size < smtp::most_proxy_v2_octets + 16);
    return 0;
  }
  require(header.octets <= size);
  require(header.octets > 0);
  // The header alone is as complete.
  const auto again = smtp::read_proxy_header(octets.substr(0, header.octets));
  require(again.read == Read::complete);
  require(again.octets == header.octets);
  require(again.client == header.client);
  // And one octet less is not.
  require(smtp::read_proxy_header(octets.substr(0, header.octets - 1)).read == Read::incomplete);
  return 0;
}
