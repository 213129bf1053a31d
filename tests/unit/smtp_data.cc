// The octets behind DATA: what ends a message and what does not, in whatever pieces they come.
#include "smtp/data.h"

#include <random>

#include <gtest/gtest.h>

#include "mail/message.h"

namespace sekisho::smtp {

namespace {

// The message as it would be kept.
class Kept final : public DataSink {
 public:
  void field(mail::HeaderField field) override {
    text += field.name + ":" + field.value + "\r\n";
    fields.push_back(std::move(field));
  }
  void malformed_line(std::string line) override {
    text += line + "\r\n";
    malformed.push_back(std::move(line));
  }
  void end_of_header() override {
    text += "\r\n";
    ++ends;
  }
  void body(std::string_view octets) override {
    text += octets;
    content += octets;
  }

  std::string text;
  std::string content;
  std::vector<mail::HeaderField> fields;
  std::vector<std::string> malformed;
  int ends = 0;
};

struct Read {
  Kept kept;
  std::size_t taken = 0;
  bool ended = false;
  bool bare = false;
  bool nul = false;
};

Read read(std::string_view wire, std::size_t piece = 1'000'000) {
  Read out;
  DataReader reader(out.kept);
  while (out.taken < wire.size() && !reader.ended()) {
    const auto part = wire.substr(out.taken, piece);
    out.taken += reader.take(part);
  }
  out.ended = reader.ended();
  out.bare = reader.has_bare_line_end();
  out.nul = reader.has_nul();
  return out;
}

std::string body_of(const std::string& wire) { return read("\r\n" + wire).kept.content; }

}  // namespace

TEST(SmtpData, FieldsAndBody) {
  const auto got = read("From: a\r\nSubject: b\r\n\tc\r\nX :d\r\n\r\nHello\r\n.\r\nQUIT\r\n");
  ASSERT_TRUE(got.ended);
  ASSERT_EQ(got.kept.fields.size(), 3U);
  EXPECT_EQ(got.kept.fields[1].value, " b\r\n\tc");
  EXPECT_EQ(got.kept.fields[2].name, "X ");
  EXPECT_EQ(got.kept.content, "Hello\r\n");
  EXPECT_EQ(got.kept.ends, 1);
  EXPECT_EQ(got.taken,
            std::string("From: a\r\nSubject: b\r\n\tc\r\nX :d\r\n\r\nHello\r\n.\r\n").size());
}

TEST(SmtpData, DotsAreUnstuffed) {
  EXPECT_EQ(body_of("..\r\n.\r\n"), ".\r\n");
  EXPECT_EQ(body_of("..a\r\n...b\r\n.\r\n"), ".a\r\n..b\r\n");
  EXPECT_EQ(body_of(".a\r\n.\r\n"), "a\r\n");
  EXPECT_EQ(body_of("a.b\r\n.c.\r\n.\r\n"), "a.b\r\nc.\r\n");
  EXPECT_EQ(body_of(".\r\n"), "");
}

TEST(SmtpData, BareLineEndsAreMadeWhole) {
  const auto got = read("\r\na\n..b\rc\r\n.\r\n");
  EXPECT_EQ(got.kept.content, "a\r\n..b c\r\n");
  EXPECT_TRUE(got.bare);
  EXPECT_FALSE(read("\r\na\r\n.\r\n").bare);
  EXPECT_EQ(body_of("a\r\r\n.\r\n"), "a \r\n");
}

TEST(SmtpData, OnlyOneEndIsTheEnd) {
  for (const std::string end :
       {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r.\n", "\n.\r",
        "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\r\n .\r\n", "\r\n..\r\n"}) {
    const auto got = read("\r\nfirst" + end + "MAIL FROM:<b@bank.example>\r\nmore");
    EXPECT_FALSE(got.ended) << end;
    EXPECT_NE(got.kept.content.find("MAIL FROM"), std::string::npos) << end;
  }
  const std::string nul("\r\nfirst\r\n\0.\r\nmore", 19);
  EXPECT_FALSE(read(nul).ended);
  EXPECT_TRUE(read(nul).nul);
}

TEST(SmtpData, WithoutAnEmptyLineAllIsHeader) {
  const auto got = read("From: a\r\n.\r\n");
  EXPECT_EQ(got.kept.fields.size(), 1U);
  EXPECT_EQ(got.kept.ends, 1);
  EXPECT_EQ(got.kept.content, "");
}

TEST(SmtpData, WithoutAHeaderAllIsBody) {
  const auto got = read("Hello\r\nSubject: no\r\n.\r\n");
  EXPECT_TRUE(got.kept.fields.empty());
  EXPECT_EQ(got.kept.text, "\r\nHello\r\nSubject: no\r\n");
}

TEST(SmtpData, LinesThatAreNoFieldsStay) {
  const auto got = read(" From: x\r\nFrom: a\r\nnonsense\r\nTo: b\r\n\r\n.\r\n");
  EXPECT_EQ(got.kept.malformed, (std::vector<std::string>{" From: x", "nonsense"}));
  EXPECT_EQ(got.kept.fields.size(), 2U);
  EXPECT_EQ(got.kept.text, " From: x\r\nFrom: a\r\nnonsense\r\nTo: b\r\n\r\n");
}

TEST(SmtpData, AFieldWithoutAnEndIsNotKept) {
  Kept kept;
  DataReader reader(kept);
  const std::string part(100'000, 'x');
  reader.take("From: ");
  for (int i = 0; i < 12; ++i) reader.take(part);
  EXPECT_TRUE(reader.header_too_long());
  reader.take("\r\n\r\nbody\r\n.\r\n");
  EXPECT_TRUE(reader.ended());
  EXPECT_EQ(kept.text, "");
}

TEST(SmtpData, LongLinesPassUnfolded) {
  const std::string line(100'000, 'x');
  EXPECT_EQ(body_of(line + "\r\n.\r\n"), line + "\r\n");
}

// Random octets of the kinds that matter, in every size of piece: the same message, and what was
// read of it is what a reader of the file sees.
TEST(SmtpData, PiecesDoNotMatter) {
  std::mt19937 random(7);
  const std::string_view alphabet = "a:. \r\n\r\n.\r\nF";
  for (int round = 0; round < 3000; ++round) {
    std::string wire = round % 2 == 0 ? "" : "From: a\r\n\r\n";
    for (auto i = random() % 60; i > 0; --i) wire += alphabet[random() % alphabet.size()];
    wire += "\r\n.\r\nrest";
    const auto whole = read(wire);
    ASSERT_TRUE(whole.ended) << wire;
    for (const std::size_t piece : {1, 2, 3, 7}) {
      const auto pieces = read(wire, piece);
      ASSERT_EQ(pieces.kept.text, whole.kept.text) << wire;
      ASSERT_EQ(pieces.taken, whole.taken) << wire;
      ASSERT_EQ(pieces.bare, whole.bare) << wire;
      ASSERT_EQ(pieces.kept.malformed, whole.kept.malformed) << wire;
    }
    // No bare CR or LF is left.
    const auto& text = whole.kept.text;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool whole_end = text[i] != '\n' || (i > 0 && text[i - 1] == '\r');
      const bool whole_begin = text[i] != '\r' || (i + 1 < text.size() && text[i + 1] == '\n');
      ASSERT_TRUE(whole_end && whole_begin) << wire;
    }
  }
}

}  // namespace sekisho::smtp
