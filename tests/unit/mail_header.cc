#include "mail/header.h"

#include <gtest/gtest.h>

#include "mail/limits.h"
#include "mail/message.h"

namespace sekisho::mail {
namespace {

TEST(HeaderField, isKnownByItsTrimmedName) {
  const HeaderField field{"From \t", " a@example.com"};
  EXPECT_EQ(field.trimmed_name(), "From");
  EXPECT_TRUE(field.is("FROM"));
  EXPECT_FALSE(field.is("From "));
  EXPECT_FALSE((HeaderField{" From", ""}).is("From"));
  EXPECT_EQ(field.octets(), std::string_view("From \t: a@example.com\r\n").size());
  EXPECT_TRUE(name_starts_with({"List-Id", ""}, "list-"));
  EXPECT_FALSE(name_starts_with({"X-List-Id", ""}, "list-"));
}

TEST(HeaderField, unfoldsOnlyRealFolds) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {" a", "a"},
      {" a\r\n b", "a b"},
      {" a\r\n\tb\r\n  c ", "a\tb  c"},
      {"\r\n a", "a"},
      {" a\r\n \r\n b", "a  b"},
      {" a\rb\nc", "a\rb\nc"},
      {" a\r\nb", "a\r\nb"},
      {"", ""},
  };
  for (const auto& [value, unfolded] : cases) {
    EXPECT_EQ((HeaderField{"Subject", std::string(value)}).unfolded(), unfolded);
  }
}

TEST(Header, findsFieldsFromTheTop) {
  Header header;
  for (const std::string_view value : {"1", "2", "3"}) {
    header.add({value == "2" ? "received " : "Received", std::string(value)});
  }
  header.add({"To", "x"});
  ASSERT_EQ(header.all("RECEIVED").size(), 3U);
  EXPECT_EQ(header.all("Received")[1]->value, "2");
  EXPECT_EQ(header.first("received")->value, "1");
  EXPECT_FALSE(header.has("Cc"));
  EXPECT_EQ(header.first("Cc"), nullptr);
}

TEST(Header, fieldLimit) {
  Header header;
  for (std::size_t i = 0; i < limits::header_fields; ++i) {
    ASSERT_EQ(header.add({"X", ""}), Header::Added::yes);
  }
  EXPECT_FALSE(header.truncated());
  EXPECT_EQ(header.add({"From", ""}), Header::Added::too_many_fields);
  EXPECT_TRUE(header.truncated());
  EXPECT_EQ(header.fields().size(), limits::header_fields);
}

TEST(Header, octetLimit) {
  const std::string value(limits::header_block_octets - 1 - 3, 'x');  // X, colon, CRLF
  Header full;
  EXPECT_EQ(full.add({"X", value}), Header::Added::yes);
  EXPECT_EQ(full.octets(), limits::header_block_octets);
  EXPECT_EQ(full.add({"", ""}), Header::Added::too_large);

  Header over;
  EXPECT_EQ(over.add({"XX", value}), Header::Added::too_large);
  EXPECT_EQ(over.add({"X", ""}), Header::Added::too_large);  // nothing after what was dropped
  EXPECT_TRUE(over.truncated());
  EXPECT_TRUE(over.fields().empty());
}

struct Parsed {
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::string> malformed;
  std::string body;
  bool operator==(const Parsed&) const = default;
};

Parsed parse(std::string_view octets) {
  const Message message = parse_message(octets);
  Parsed parsed{{}, message.malformed, message.body};
  for (const auto& field : message.header.fields()) {
    parsed.fields.emplace_back(field.name, field.value);
  }
  return parsed;
}

TEST(Message, isTakenApart) {
  const struct {
    std::string_view octets;
    Parsed wanted;
  } cases[] = {
      {"", {}},
      {"A: b", {{{"A", " b"}}, {}, ""}},
      {"A: b\r\n\r\nbody\r\n", {{{"A", " b"}}, {}, "body\r\n"}},
      {"A:b\r\n\tc\r\n d\r\nE :f\r\n\r\n", {{{"A", "b\r\n\tc\r\n d"}, {"E ", "f"}}, {}, ""}},
      {"\r\nA: body\r\n", {{}, {}, "A: body\r\n"}},
      // A file written on Unix.
      {"A: b\n c\n\nx\ny\n", {{{"A", " b\r\n c"}}, {}, "x\r\ny\r\n"}},
      // LF among CRLF ends a line of the header; the body stays as it is.
      {"A: b\nC: d\r\n\r\nx\ny\r\n", {{{"A", " b"}, {"C", " d"}}, {}, "x\ny\r\n"}},
      // A bare CR is an octet of the value.
      {"A: b\rC: d\r\n\r\n", {{{"A", " b\rC: d"}}, {}, ""}},
      // A line of blanks continues the field and does not end the header.
      {"A: b\r\n \r\nC: d\r\n\r\nx", {{{"A", " b\r\n "}, {"C", " d"}}, {}, "x"}},
      // What is no field.
      {" A: b\r\nC: d\r\n", {{{"C", " d"}}, {" A: b"}, ""}},
      {"From a@b Mon Jun  1 10:00:00 2026\nA: b\n\n",
       {{{"A", " b"}}, {"From a@b Mon Jun  1 10:00:00 2026"}, ""}},
      {"From\r\n : x\r\nA: b\r\n", {{{"A", " b"}}, {"From\r\n : x"}, ""}},
      {": x\r\nno colon\r\n", {{}, {": x", "no colon"}, ""}},
      {"\xef\xbb\xbf"
       "A: b\r\n\vC: d\r\n",
       {{},
        {"\xef\xbb\xbf"
         "A: b",
         "\vC: d"},
        ""}},
  };
  for (const auto& test_case : cases) {
    EXPECT_EQ(parse(test_case.octets), test_case.wanted)
        << testing::PrintToString(test_case.octets);
  }
}

TEST(Message, keepsNoMoreThanTheLimits) {
  std::string octets;
  for (std::size_t i = 0; i <= limits::header_fields; ++i) octets += "X:\r\n";
  const Message message = parse_message(octets + "\r\nbody");
  EXPECT_TRUE(message.header.truncated());
  EXPECT_EQ(message.header.fields().size(), limits::header_fields);
  EXPECT_EQ(message.body, "body");
}

}  // namespace
}  // namespace sekisho::mail
