#include "milter/packet.h"

#include <gtest/gtest.h>

namespace sekisho::milter {
namespace {

struct PacketCase {
  const char* name;
  std::string octets;
  Framing framing;
};

TEST(Packets, Framing) {
  const PacketCase cases[] = {
      {"nothing", "", Framing::incomplete},
      {"half a length", std::string("\0\0", 2), Framing::incomplete},
      {"no data yet", std::string("\0\0\0\2", 4), Framing::incomplete},
      {"a byte missing", std::string("\0\0\0\2Q", 5), Framing::incomplete},
      {"whole", std::string("\0\0\0\1Q", 5), Framing::packet},
      {"no command", std::string("\0\0\0\0", 4), Framing::invalid},
      {"4 GiB",
       "\xff\xff\xff\xff"
       "B",
       Framing::invalid},
      {"an HTTP request", "GET / HTTP/1.1\r\n", Framing::invalid},
      {"the largest", std::string("\0\x10\0\0", 4) + std::string(max_packet_octets, 'B'),
       Framing::packet},
      {"one larger", std::string("\0\x10\0\1", 4), Framing::invalid},
  };
  for (const auto& c : cases) {
    Packet one;
    std::size_t used = 0;
    EXPECT_EQ(next_packet(c.octets, one, used), c.framing) << c.name;
    if (c.framing == Framing::packet) {
      EXPECT_EQ(used, c.octets.size()) << c.name;
    }
  }
}

}  // namespace
}  // namespace sekisho::milter
