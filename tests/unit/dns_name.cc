// Names, types and how they are written; names on the wire and back.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dns/answers.h"
#include "dns/codec.h"
#include "dns/name.h"

namespace sekisho::dns {
namespace {

const std::string label63(63, 'a');

TEST(DnsName, TakesWhatAQuestionCanAskAndNothingElse) {
  const std::string longest = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'b');
  struct Case {
    std::string text;
    std::optional<std::string> want;
  };
  const std::vector<Case> cases{
      {"Example.COM", "example.com"},
      {"example.com.", "example.com"},
      {"com", "com"},
      {"_dmarc.example.com", "_dmarc.example.com"},
      {"a b.\x01\xff.example", "a b.\x01\xff.example"},  // SPF macros may bring any octet
      {std::string("nul\0.example", 12), std::string("nul\0.example", 12)},
      {label63 + ".example", label63 + ".example"},
      {longest, longest},
      {longest + ".", longest},
      {longest + "b", std::nullopt},
      {label63 + "a.example", std::nullopt},
      {"", std::nullopt},
      {".", std::nullopt},
      {"..", std::nullopt},
      {".example", std::nullopt},
      {"a..example", std::nullopt},
      {"example..", std::nullopt},
  };
  for (const auto& [text, want] : cases) {
    const auto name = Name::from(text);
    ASSERT_EQ(name.has_value(), want.has_value()) << text;
    if (want) {
      EXPECT_EQ(name->text(), *want);
    }
  }
}

TEST(DnsName, GoesToTheWireAsOctets) {
  EXPECT_EQ(to_wire(Name::from("a.bc").value()), std::string("\1a\2bc\0", 6));
  EXPECT_EQ(to_wire(Name::from("a\\046b").value()), std::string("\6a\\046b\0", 8))
      << "no escapes in a Name";
  EXPECT_EQ(to_wire(Name::from(std::string("x\0y", 3)).value()), std::string("\3x\0y\0", 5));
}

TEST(DnsName, ComesBackSoThatNoTwoLookAlike) {
  struct Case {
    std::string wire, want;
  };
  const std::vector<Case> cases{
      {std::string("\0", 1), ""},
      {std::string("\4MAIL\7Example\0", 14), "mail.example"},
      {std::string("\3a.b\1c\0", 7), "a\\046b.c"},
      {std::string("\3a\\b\0", 5), "a\\092b"},
      {std::string("\2\r\n\0", 4), "\r\n"},
      {std::string("\x0a"
                   "ab",
                   3),
       "ab"},  // cut short: still no read beyond
  };
  for (const auto& [wire, want] : cases) EXPECT_EQ(text_of_wire(wire), want);
}

TEST(DnsName, CaseIsMixedInLettersAlone) {
  std::string wire = to_wire(Name::from("abc-1.de").value());
  mix_case(wire, 0b10101);
  EXPECT_EQ(wire, std::string("\5AbC-1\2dE\0", 10));
}

TEST(DnsType, IsWrittenAndRead) {
  for (const Type type : {Type::a, Type::aaaa, Type::cname, Type::mx, Type::ptr, Type::txt}) {
    EXPECT_EQ(parse_type(to_string(type)), type);
  }
  EXPECT_EQ(parse_type("txt"), Type::txt);
  EXPECT_EQ(parse_type("SPF"), std::nullopt);
  EXPECT_EQ(to_string(Question{Name::from("a.example").value(), Type::txt}), "a.example TXT");
  EXPECT_EQ(to_string(Outcome::nxdomain), "nxdomain");
}

TEST(DnsAnswers, KnowWhatWasAdded) {
  Answers answers;
  const Question question{Name::from("a.example").value(), Type::txt};
  EXPECT_EQ(answers.find(question), nullptr);
  answers.add(question, std::make_shared<const Answer>());
  ASSERT_NE(answers.find(question), nullptr);
  EXPECT_TRUE(answers.find(question)->is_error());
  EXPECT_EQ(answers.find({question.name, Type::a}), nullptr);
}

TEST(DnsAnswers, KeepTheirOrderAndTellNamesApart) {
  const auto answer = [](const std::string& why) {
    auto made = std::make_shared<Answer>();
    made->error = why;
    return made;
  };
  Answers answers;
  std::vector<Question> questions;
  for (int i = 0; i < 300; ++i) {
    questions.push_back({Name::from("n" + std::to_string(i) + ".example").value(), Type::a});
    answers.add(questions.back(), answer(std::to_string(i)));
  }
  answers.add(questions[7], answer("new"));
  answers.forget(questions[8]);
  answers.forget({questions[9].name, Type::txt});  // was never there
  ASSERT_EQ(answers.size(), 299U);
  EXPECT_EQ(answers.find(questions[7])->error, "new");
  EXPECT_EQ(answers.find(questions[8]), nullptr);
  EXPECT_EQ(answers.get(questions[8]), nullptr);
  for (std::size_t i = 9; i < 300; ++i) {
    EXPECT_EQ(answers.find(questions[i])->error, std::to_string(i));
    EXPECT_EQ(answers.all()[i - 1].first, questions[i]);
  }
}

}  // namespace
}  // namespace sekisho::dns
