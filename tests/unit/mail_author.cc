#include "mail/author.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "mail/limits.h"
#include "mail/message.h"

namespace sekisho::mail {
namespace {

using namespace std::string_literals;
using enum Author::Result;

Author author_of(std::string_view octets) {
  const Message message = parse_message(octets);
  return find_author(message.header, message.malformed);
}

std::string domains_of(const Author& author) {
  std::string domains;
  for (const auto& domain : author.domains) domains += (domains.empty() ? "" : " ") + domain.text();
  return domains;
}

TEST(Author, everyResultHasItsCases) {
  const struct {
    std::string_view header;
    Author::Result result;
    std::string_view domains;
  } cases[] = {
      {"From: a@A.example\r\n", one, "a.example"},
      {"from : a@a.example\r\n", one, "a.example"},
      {"From: a@a.example, b@A.EXAMPLE\r\n", one, "a.example"},
      {"From: Team: a@a.example, b@a.example;\r\n", one, "a.example"},
      {"Sender: x@b.example\r\nReply-To: x@b.example\r\nFrom: a@a.example\r\n", one, "a.example"},
      {"From: b@b.example, a@a.example, c@b.example\r\n", many, "b.example a.example"},
      {"From: a@a.example\r\nFROM: a@b.example\r\n", many, "a.example b.example"},
      {"From: a@a.example\r\nX: y\r\nFrom : b@a.example\r\n", multiple_fields, "a.example"},
      {"", missing, ""},
      {"Sender: a@a.example\r\nResent-From: a@a.example\r\n", missing, ""},
      {"From: undisclosed:;\r\n", missing, ""},
      {"From: \r\n", no_domain, ""},
      {"From: <>\r\n", no_domain, ""},
      {"From: MAILER-DAEMON\r\n", no_domain, ""},
      {"From: Mail Delivery System <MAILER-DAEMON>\r\n", no_domain, ""},
      {"From: \"Test 1.1.5\"\r\n", no_domain, ""},
      // Not without a domain for every reader.
      {"From: =?utf-8?q?a=40b.example?=\r\n", invalid, ""},
      {"From: a\uff20b.example\r\n", invalid, ""},
      {"From: alice, a@a.example\r\n", readable, "a.example"},
      {"From: alice\r\nFrom: alice\r\n", invalid, ""},
      {"From: alice\r\nFrom: a@a.example\r\n", invalid, ""},
      {"From: a:;\r\nFrom: a@a.example\r\n", invalid, ""},
      {"From: <@b.example:a@a.example>\r\n", one, "a.example"},
      {"From: <@b.example,@c.example:a@a.example>\r\n", invalid, ""},
      {"From: a@[192.0.2.1]\r\n", no_domain, ""},
      {"From: a@[192.0.2.1], a@a.example\r\n", invalid, ""},
      {"From: a@a.example, b b@b.example\r\n", invalid, ""},
  };
  for (const auto& test_case : cases) {
    const Author author = author_of(test_case.header);
    EXPECT_EQ(to_string(author.result), to_string(test_case.result)) << test_case.header;
    EXPECT_EQ(domains_of(author), test_case.domains) << test_case.header;
    EXPECT_EQ(author.well_formed(), test_case.result == one || test_case.result == readable);
    EXPECT_EQ(author.reason.empty(), test_case.result == one) << test_case.header;
  }
}

TEST(Author, keepsEveryMailbox) {
  const Author author = author_of("From: A <a@a.example>, \"b c\"@b.example\r\n");
  ASSERT_EQ(author.mailboxes.size(), 2U);
  EXPECT_EQ(author.mailboxes[0].text(), "a@a.example");
  EXPECT_EQ(author.mailboxes[1].text(), "\"b c\"@b.example");
}

TEST(Author, aFromFieldThatSomeReadersFindMakesItInvalid) {
  const std::string headers[] = {
      " From: x@b.example\r\n",
      "\tFROM: x@b.example\r\n",
      "From\r\n : x@b.example\r\n",
      "Fr\r\n om: x@b.example\r\n",
      "nonsense\r\n From: x@b.example\r\n",
      "\vFrom: x@b.example\r\n",
      "\0From: x@b.example\r\n"s,
      "From\0: x@b.example\r\n"s,
      "Fr\0om: x@b.example\r\n"s,
      "\xa0"
      "From: x@b.example\r\n",
      "\xef\xbb\xbf"
      "From: x@b.example\r\n",
      "From\xc2\xa0: x@b.example\r\n",
      "F rom: x@b.example\r\n",
      "Subject: x\rFrom: x@b.example\r\n",
      "Subject: x\r\rFrom : x@b.example\r\n",
      "Subject: x\vFrom: x@b.example\r\n",
      "Subject: x\0From: x@b.example\r\n"s,
      "Subject: x\r From: x@b.example\r\n",
      "Subject: ffrom\x0c"
      "From: x@b.example\r\n",
      "X\rFrom: x@b.example\r\n",
  };
  for (const auto& header : headers) {
    const Author before = author_of(header + "From: a@a.example\r\n\r\n");
    EXPECT_EQ(before.result, invalid) << escape_for_log(header);
    const Author after =
        author_of("From: a@a.example\r\n" +
                  (header[0] == ' ' || header[0] == '\t' ? "X\r\n" + header : header));
    EXPECT_FALSE(after.well_formed()) << escape_for_log(header);
  }
}

TEST(Author, whatOnlyLooksAlikeDoesNotCount) {
  const std::string_view headers[] = {
      "Subject: x\r\n From: x@b.example\r\n",
      "Subject: x\r\n\tFrom: x@b.example\r\n",
      "Subject: x\n From: x@b.example\r\n",
      "Subject: From: x@b.example\r\n",
      "Subject: x\vy From: x@b.example\r\n",
      "Subject: x\vFrom x@b.example\r\n",
      "Subject: x\vFromage: x@b.example\r\n",
      "X-From: x@b.example\r\n",
      "Fromm: x@b.example\r\n",
      "Resent-From: x@b.example\r\n",
      "From x@b.example Mon Jun  1 10:00:00 2026\r\n",
      ">From: x@b.example\r\n",
      "nonsense: From: x@b.example\r\n",
      "no field From: x@b.example\r\n",
  };
  for (const std::string_view header : headers) {
    const Author author = author_of(std::string(header) + "From: a@a.example\r\n");
    EXPECT_EQ(author.result, one) << escape_for_log(header) << ": " << author.reason;
    EXPECT_EQ(domains_of(author), "a.example");
  }
}

TEST(Author, aHeaderBeyondItsLimitsHidesWhatItWants) {
  Header header;
  header.add({"From", " a@a.example"});
  header.add({"X", std::string(limits::header_block_octets, 'x')});
  EXPECT_EQ(find_author(header).result, invalid);
}

TEST(Author, manyDomainsAreBounded) {
  std::string field = "From: ";
  for (std::size_t i = 0; i < limits::address_list_mailboxes; ++i) {
    field += "a@d" + std::to_string(i) + ".example,";
  }
  EXPECT_EQ(author_of(field + "\r\n").domains.size(), limits::address_list_mailboxes);
  EXPECT_EQ(author_of(field + "a@x.example\r\n").result, invalid);
}

}  // namespace
}  // namespace sekisho::mail
