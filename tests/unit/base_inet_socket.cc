// Addresses with ports as people write them, and the sockets that listen there.
#include "base/inet_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

namespace sekisho {

namespace {

TEST(InetAddress, asPeopleWriteThem) {
  struct Case {
    std::string_view text;
    const char* host;  // nullptr: refused
    unsigned port;
  };
  const Case table[] = {
      {"127.0.0.1:9464", "127.0.0.1", 9464},
      {"0.0.0.0:1", "0.0.0.0", 1},
      {"[::1]:9464", "::1", 9464},
      {"[::]:65535", "::", 65535},
      {"[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1", 80},
      {"127.0.0.1:0", "127.0.0.1", 0},
      {"", nullptr, 0},
      {":", nullptr, 0},
      {"9464", nullptr, 0},
      {":9464", nullptr, 0},
      {"127.0.0.1", nullptr, 0},
      {"127.0.0.1:", nullptr, 0},
      {"127.0.0.1:65536", nullptr, 0},
      {"127.0.0.1:-1", nullptr, 0},
      {"127.0.0.1:+1", nullptr, 0},
      {"127.0.0.1: 1", nullptr, 0},
      {"127.0.0.1:1 ", nullptr, 0},
      {"127.0.0.1:0x50", nullptr, 0},
      {"127.0.0.1:9464:1", nullptr, 0},
      {"127.1:9464", nullptr, 0},
      {"256.0.0.1:9464", nullptr, 0},
      {"localhost:9464", nullptr, 0},
      {"*:9464", nullptr, 0},
      {"::1:9464", nullptr, 0},
      {"[::1]", nullptr, 0},
      {"[::1]9464", nullptr, 0},
      {"[127.0.0.1]:9464", nullptr, 0},
      {"[]:9464", nullptr, 0},
      {"[::1:9464", nullptr, 0},
      {"[fe80::1%lo]:9464", nullptr, 0},
      {std::string_view("127.0.0.1\0:9464", 15), nullptr, 0},
      {std::string_view("127.0.0.1:9464\0", 15), nullptr, 0},
  };
  for (const Case& each : table) {
    const auto address = parse_inet_address(each.text);
    ASSERT_EQ(static_cast<bool>(address), each.host != nullptr) << each.text;
    if (!address) continue;
    EXPECT_EQ(address->host, each.host);
    EXPECT_EQ(address->port, each.port);
    EXPECT_EQ(address->text(), each.text);
  }
}

TEST(InetSocket, APortThatIsTakenSaysWhatToDo) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    const auto first = listen_inet({host, 0}, 4);
    ASSERT_TRUE(first) << first.error();
    const auto port = port_of(first->get());
    ASSERT_NE(port, 0);
    const auto second = listen_inet({host, port}, 4);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("Address already in use; choose another port"), std::string::npos)
        << second.error();
  }
}

TEST(InetSocket, AnAddressOfAnotherHost) {
  const auto socket = listen_inet({"203.0.113.77", 0}, 4);
  ASSERT_FALSE(socket);
  EXPECT_NE(socket.error().find("this host has no such address"), std::string::npos)
      << socket.error();
}

bool v4_connects(std::uint16_t port) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

TEST(InetSocket, WhetherAllAddressesAreThoseOfIPv4Too) {
  const auto both = listen_inet({"::", 0}, 4, V6::and_v4);
  ASSERT_TRUE(both) << both.error();
  EXPECT_TRUE(v4_connects(port_of(both->get())));
  const auto only = listen_inet({"::", 0}, 4);
  ASSERT_TRUE(only) << only.error();
  EXPECT_FALSE(v4_connects(port_of(only->get())));
}

}  // namespace

}  // namespace sekisho
