// Where a server listens: what is written, stale and live sockets, their modes.
#include "net/listen.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace sekisho::net {

namespace {

Endpoint unix_endpoint(const std::string& path) {
  Endpoint endpoint;
  endpoint.socket = "unix:" + path;
  return endpoint;
}

TEST(ParseSocket, WhatItTakes) {
  const std::pair<const char*, bool> cases[] = {
      {"unix:/run/x.sock", true},
      {"local:/run/x.sock", true},
      {"inet:8890@127.0.0.1", true},
      {"inet:8890@localhost", true},
      {"inet6:8890@::1", true},
      {"inet6:8890@localhost", true},
      {"unix:x.sock", false},
      {"unix:", false},
      {"inet:8890", false},
      {"inet:0@127.0.0.1", false},
      {"inet:65536@127.0.0.1", false},
      {"inet:x@127.0.0.1", false},
      {"inet:8890@::1", false},
      {"inet6:8890@127.0.0.1", false},
      {"inet:8890@mx.example", false},
      {"tcp:8890@127.0.0.1", false},
      {"", false},
  };
  for (const auto& [text, good] : cases) EXPECT_EQ(parse_socket(text).has_value(), good) << text;
}

TEST(Listen, OnAStaleSocketButNotOnALiveOne) {
  test::TemporaryFolder folder;
  const auto path = folder.file("m.sock");
  {
    const auto stale = listen_on(unix_endpoint(path));
    ASSERT_TRUE(stale);
  }
  ASSERT_EQ(::access(path.c_str(), F_OK), 0) << "nobody removed it";
  const auto live = listen_on(unix_endpoint(path));
  ASSERT_TRUE(live) << live.error();
  const auto second = listen_on(unix_endpoint(path));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("process " + std::to_string(::getpid())), std::string::npos)
      << second.error();
  const auto file = folder.file("file");
  std::ofstream(file) << "precious";
  EXPECT_FALSE(listen_on(unix_endpoint(file)));
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_FALSE(listen_on(unix_endpoint(folder.file("gone/m.sock"))));
  EXPECT_FALSE(listen_on(unix_endpoint("/" + std::string(200, 'x'))));
}

TEST(Listen, ModeAndGroup) {
  test::TemporaryFolder folder;
  auto endpoint = unix_endpoint(folder.file("m.sock"));
  endpoint.mode = 0606;
  endpoint.group = ::getgrgid(::getgid())->gr_name;
  const auto listening = listen_on(endpoint);
  ASSERT_TRUE(listening) << listening.error();
  struct stat status {};
  ASSERT_EQ(::stat(listening->unix_path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0606U);
  EXPECT_EQ(status.st_gid, ::getgid());
  endpoint = unix_endpoint(folder.file("n.sock"));
  endpoint.group = "no-such-group";
  const auto refused = listen_on(endpoint);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("no-such-group"), std::string::npos);
}

}  // namespace

}  // namespace sekisho::net
