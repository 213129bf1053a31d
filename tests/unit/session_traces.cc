#include "session/traces.h"

#include <gtest/gtest.h>

namespace sekisho::session {
namespace {

mail::DomainName domain(std::string_view text) { return mail::DomainName::parse(text).value(); }

struct TraceCase {
  const char* name;
  const char* value;
  bool is_trace;
};

TEST(Traces, WhatListsAndForwardersLeave) {
  const TraceCase cases[] = {
      {"List-Id", " <x>", true},
      {"list-post", " <mailto:x@y.example>", true},
      // What every newsletter has, and what says that nobody may write to it, make no list.
      {"list-unsubscribe", " <x>", false},
      {"List-Unsubscribe-Post", " List-Unsubscribe=One-Click", false},
      {"List-Post", " NO (no posting)", false},
      {"ARC-Seal", " i=1", true},
      {"Resent-From", " a@b.example", true},
      {"X-Forwarded-To", " a@b", true},
      {"Delivered-To", " me@elsewhere.example", true},
      {"Delivered-To", " user@example.jp", false},
      {"Delivered-To", " other@example.jp", false},
      {"Delivered-To", " nonsense", true},
      {"Listing", " x", false},
      {"X-List-Id", " x", false},
      {"Received", " from list", false},
  };
  for (const auto& c : cases) {
    mail::Header header;
    header.add({c.name, c.value});
    EXPECT_EQ(find_traces(header, {"user@example.jp"}, {domain("example.jp")}).any(), c.is_trace)
        << c.name << ":" << c.value;
  }
}

TEST(Traces, OfManyFieldsAFewAreKept) {
  mail::Header header;
  for (int i = 0; i < 9'000; ++i) header.add({"List-" + std::to_string(i), " x"});
  EXPECT_EQ(find_traces(header, {}, {}).fields.size(), 20U);
}

}  // namespace
}  // namespace sekisho::session
