#include "mail/tag_list.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "mail/limits.h"

namespace sekisho::mail {
namespace {

using namespace std::string_literals;

using Tags = std::vector<std::pair<std::string, std::string>>;

Tags pairs(const TagList& list) {
  Tags tags;
  for (const auto& tag : list.tags()) tags.emplace_back(tag.name, tag.value);
  return tags;
}

TEST(TagList, isReadInOrder) {
  const std::pair<std::string_view, Tags> cases[] = {
      {"v=1", {{"v", "1"}}},
      {"v=1; a=rsa-sha256;", {{"v", "1"}, {"a", "rsa-sha256"}}},
      {" v = 1 ;\r\n\ta\t=\r\n b ; ", {{"v", "1"}, {"a", "b"}}},
      {"b=ab\r\n cd= ; h=From : To", {{"b", "ab\r\n cd="}, {"h", "From : To"}}},
      {"p=", {{"p", ""}}},
      {"p=;t=s", {{"p", ""}, {"t", "s"}}},
      {"V=1;v=2", {{"V", "1"}, {"v", "2"}}},
      {"x_1=a=b=c", {{"x_1", "a=b=c"}}},
      {"i=ü@bücher.example", {{"i", "ü@bücher.example"}}},
  };
  for (const auto& [text, wanted] : cases) {
    const auto list = TagList::parse(text);
    ASSERT_TRUE(list) << text << ": " << list.error().what;
    EXPECT_EQ(pairs(*list), wanted) << text;
  }
}

TEST(TagList, findDistinguishesCase) {
  const auto list = TagList::parse("v=1; D=x").value();
  EXPECT_EQ(list.find("v"), "1");
  EXPECT_EQ(list.find("D"), "x");
  EXPECT_EQ(list.find("d"), std::nullopt);
}

TEST(TagList, aWrongTagSpoilsTheWholeList) {
  const std::string texts[] = {
      "",       " ",       ";",       "v",       "v=1;;a=b", "v=1; ;",   ";v=1",    "=1",
      "1v=1",   "_v=1",    "v-=1",    "v w=1",   "v=1;v=1",  "v=1; a",   "v=\r\nx", "v=a\nb",
      "v=a\rb", "v=a\0b"s, "v=a\x7f", "v=a\x1b", "v=1\r\n",  "v=1;\r\n", "vü=1",    "v=1,a=2;a",
  };
  for (const auto& text : texts) EXPECT_FALSE(TagList::parse(text)) << escape_for_log(text);
}

TEST(TagList, tagLimit) {
  std::string text;
  for (std::size_t i = 0; i < limits::tags; ++i) text += "t" + std::to_string(i) + "=;";
  EXPECT_EQ(TagList::parse(text).value().tags().size(), limits::tags);
  EXPECT_FALSE(TagList::parse(text + "x="));
  // Nothing beyond the limit is read: the repeated tag is not what is reported.
  std::string flood = text;
  for (int i = 0; i < 100'000; ++i) flood += "u=;";
  EXPECT_EQ(TagList::parse(flood).error().at, text.size());
}

TEST(TagList, withoutBlanksLeavesTheRest) {
  EXPECT_EQ(without_blanks(" a\r\n\tb c\t"), "abc");
  EXPECT_EQ(without_blanks("a\vb"), "a\vb");
}

}  // namespace
}  // namespace sekisho::mail
