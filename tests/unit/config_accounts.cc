// Users and groups that a configuration names and this host lacks: found before the daemon tries to
// start.
#include "config/accounts.h"
#include "config/problems.h"

#include <gtest/gtest.h>

namespace sekisho::config {

namespace {

std::string found(const std::string& text, bool as_root) {
  const auto loaded = load_text(text, "a.conf");
  if (!loaded) return "does not load: " + loaded.error().front().text();
  std::vector<Finding> findings;
  find_unknown_accounts(*loaded, "a.conf", as_root, findings);
  std::string out;
  for (const Finding& each : findings) out += each.text() + "\n";
  return out;
}

const std::string user_root = "[process]\nuser = \"root\"\n";

TEST(ConfigAccounts, EachKeyThatNamesOne) {
  const std::string group =
      "this host has no such group; make it (addgroup --system no-such) or name another\n";
  const std::string user =
      "this host has no such user; make it (adduser --system --group no-such) or name another\n";
  const std::string unix_socket = "[[milter]]\nsocket = \"unix:/run/x.sock\"\n";
  const std::pair<std::string, std::string> table[] = {
      {user_root, ""},
      {user_root + "group = \"root\"\n[control]\ngroup = \"root\"\n" + unix_socket +
           "socket_owner = \"root\"\nsocket_group = \"root\"\n",
       ""},
      {user_root + "[control]\n  group = \"no-such\"\n",
       "a.conf:4:3: error: control.group = \"no-such\": " + group},
      {user_root + unix_socket + "socket_group = \"no-such\"\n",
       "a.conf:5:1: error: milter[1].socket_group = \"no-such\": " + group},
      {user_root + unix_socket + "socket_owner = \"no-such\"\n",
       "a.conf:5:1: error: milter[1].socket_owner = \"no-such\": " + user},
      {user_root + "group = \"no-such\"\n",
       "a.conf:3:1: error: process.group = \"no-such\": " + group},
      {"[process]\nuser = \"no-such\"\n", "a.conf:2:1: error: process.user = \"no-such\": " + user},
      // Of no effect on a TCP socket, which has a warning of its own.
      {user_root + "[[milter]]\nsocket = \"inet:8890@127.0.0.1\"\nsocket_group = \"no-such\"\n",
       ""},
  };
  for (const auto& [text, want] : table) {
    EXPECT_EQ(found(text, true), want) << text;
  }
}

TEST(ConfigAccounts, TheSecondSocketHasItsOwnPlace) {
  EXPECT_EQ(
      found(user_root + "[[milter]]\nsocket = \"unix:/run/a.sock\"\n"
                        "[[milter]]\nsocket = \"unix:/run/b.sock\"\nsocket_group = \"no-such\"\n",
            true)
          .rfind("a.conf:7:1: error: milter[2].socket_group", 0),
      0U);
}

// The service manager may have changed the user already; a check by an ordinary user is told all
// the same.
TEST(ConfigAccounts, WhatOnlyRootNeedsIsAWarningForOthers) {
  EXPECT_EQ(found("[process]\nuser = \"no-such\"\n", false).rfind("a.conf:2:1: warning: ", 0), 0U);
  EXPECT_EQ(found("[process]\ngroup = \"no-such\"\n", false).rfind("a.conf:2:1: warning: ", 0), 0U);
  EXPECT_EQ(found("", false), "") << "the default is not needed";
  EXPECT_EQ(found("[control]\ngroup = \"no-such\"\n", false).rfind("a.conf:2:1: error: ", 0), 0U);
}

TEST(ConfigAccounts, WarningsDoNotKeepTheDaemonFromStarting) {
  const auto loaded = load_text(
      "[process]\nuser = \"no-such\"\n[[milter]]\nsocket = \"inet:8890@127.0.0.1\"\n", "a.conf");
  ASSERT_TRUE(loaded);
  const auto for_others = problems(*loaded, "a.conf", false);
  EXPECT_EQ(for_others.size(), 1U);
  EXPECT_FALSE(any_error(for_others));
  EXPECT_TRUE(any_error(problems(*loaded, "a.conf", true)));
}

}  // namespace

}  // namespace sekisho::config
