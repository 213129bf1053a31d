// Paths of MAIL FROM and RCPT TO, taken apart once.
#include "mail/path.h"

#include <gtest/gtest.h>

namespace sekisho::mail {

namespace {

struct Case {
  const char* raw;
  const char* local_part;
  const char* domain;
  const char* mailbox;  // as SMTP writes it; empty: none
};

constexpr Case cases[] = {
    {"bob@example.com", "bob", "example.com", "bob@example.com"},
    {"Bob@Example.COM", "Bob", "Example.COM", "Bob@example.com"},
    {"", "", "", ""},
    {"postmaster", "postmaster", "", ""},
    {"@a.example,@b.example:bob@example.com", "bob", "example.com", "bob@example.com"},
    // A source route without an address, and one that never ends.
    {"@a.example:bob", "bob", "", ""},
    {"@example.com", "", "example.com", ""},
    {"\"a@b\"@example.com", "\"a@b\"", "example.com", "\"a@b\"@example.com"},
    {"a@b@example.com", "a@b", "example.com", ""},
    {"bob@", "bob", "", ""},
    {"bob@exa mple.com", "bob", "exa mple.com", ""},
    {"<bob@example.com", "<bob", "example.com", ""},
};

}  // namespace

TEST(Path, IsTakenApart) {
  for (const auto& c : cases) {
    const Path path(c.raw);
    EXPECT_EQ(path.raw(), c.raw);
    EXPECT_EQ(path.local_part(), c.local_part) << c.raw;
    EXPECT_EQ(path.domain(), c.domain) << c.raw;
    EXPECT_EQ(path.mailbox() ? path.mailbox()->text() : "", c.mailbox) << c.raw;
    EXPECT_EQ(path.is_null(), path.raw().empty());
  }
}

TEST(Path, HasADomainWhereOneCouldStand) {
  EXPECT_TRUE(Path("bob@").has_domain());
  EXPECT_FALSE(Path("bob").has_domain());
  EXPECT_FALSE(Path("@a.example:bob").has_domain());
}

}  // namespace sekisho::mail
