// Canonicalisation against a second implementation that takes one octet after the other, and the
// tables of RFC 6376 §3.4.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dkim/body_hash.h"
#include "dkim/canonical.h"

namespace sekisho::dkim {
namespace {

struct Collected final : BodySink {
  std::string octets;
  std::size_t calls = 0;
  void canonical(std::string_view piece) override {
    octets += piece;
    ++calls;
  }
};

std::string canonical_body(Canonicalisation form, std::string_view body, std::size_t piece) {
  Collected sink;
  BodyCanonicaliser canonicaliser(form, sink);
  for (std::size_t at = 0; at < body.size(); at += piece) {
    canonicaliser.text(body.substr(at, piece));
  }
  canonicaliser.end();
  return sink.octets;
}

// §3.4.3 and §3.4.4 word by word.
std::string reference_body(Canonicalisation form, std::string_view body) {
  std::string out;
  if (form == Canonicalisation::relaxed) {
    for (std::size_t i = 0; i < body.size(); ++i) {
      if (body[i] != ' ' && body[i] != '\t') {
        out += body[i];
        continue;
      }
      while (i + 1 < body.size() && (body[i + 1] == ' ' || body[i + 1] == '\t')) ++i;
      if (i + 1 < body.size() && body.substr(i + 1, 2) != "\r\n") out += ' ';
    }
  } else {
    out = body;
  }
  while (out.ends_with("\r\n")) out.resize(out.size() - 2);
  if (!out.empty() || form == Canonicalisation::simple) out += "\r\n";
  return out;
}

struct BodyRow {
  std::string_view body;
  std::string_view simple;
  std::string_view relaxed;
};

TEST(DkimCanonical, BodiesOfTheRfc) {
  const std::vector<BodyRow> rows = {
      {"", "\r\n", ""},
      {"\r\n", "\r\n", ""},
      {"\r\n\r\n\r\n", "\r\n", ""},
      {" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},  // §3.4.5
      {"a", "a\r\n", "a\r\n"},
      {"a ", "a \r\n", "a\r\n"},
      {" \t", " \t\r\n", ""},
      {" \r\n\t\r\n", " \r\n\t\r\n", ""},
      {"a\r\n \r\n", "a\r\n \r\n", "a\r\n"},
      {"\ta", "\ta\r\n", " a\r\n"},
      {"a\r", "a\r\r\n", "a\r\r\n"},
      {"a \r", "a \r\r\n", "a \r\r\n"},
      {"a \rb", "a \rb\r\n", "a \rb\r\n"},
      {"a \nb", "a \nb\r\n", "a \nb\r\n"},
      {"a\n", "a\n\r\n", "a\n\r\n"},
      {"\r\r\n", "\r\r\n", "\r\r\n"},
      {"\n\r\n", "\n\r\n", "\n\r\n"},
      {std::string_view("\0 \0", 3), std::string_view("\0 \0\r\n", 5),
       std::string_view("\0 \0\r\n", 5)},
  };
  for (const auto& row : rows) {
    for (const std::size_t piece : {1U, 2U, 3U, 100U}) {
      EXPECT_EQ(canonical_body(Canonicalisation::simple, row.body, piece), row.simple)
          << testing::PrintToString(row.body);
      EXPECT_EQ(canonical_body(Canonicalisation::relaxed, row.body, piece), row.relaxed)
          << testing::PrintToString(row.body);
    }
  }
}

TEST(DkimCanonical, RandomBodiesInRandomPieces) {
  std::mt19937 random(6376);
  const std::string_view alphabet = "ab   \t\t\r\n\r\n";
  const std::vector<std::string> parts = {"\r\n",
                                          " ",
                                          "\t",
                                          "word",
                                          " \r\n",
                                          "\r",
                                          "\n",
                                          std::string(70, 'x'),
                                          std::string(1500, 'y'),
                                          std::string(9000, 'z')};
  for (int round = 0; round < 3000; ++round) {
    std::string body;
    const bool long_parts = round % 2 == 0;
    for (auto left = random() % 200; left > 0; --left) {
      if (long_parts) {
        body += parts[random() % (round % 20 == 0 ? parts.size() : 8)];
      } else {
        body += alphabet[random() % alphabet.size()];
      }
    }
    const std::size_t piece = 1 + random() % 150;
    for (const auto form : {Canonicalisation::simple, Canonicalisation::relaxed}) {
      ASSERT_EQ(canonical_body(form, body, piece), reference_body(form, body))
          << "round " << round << ", pieces of " << piece;
    }
  }
}

// A blank at every place of the blocks that the scan takes.
TEST(DkimCanonical, BlanksAtEveryPlaceOfABlock) {
  for (std::size_t size = 1; size < 200; ++size) {
    for (const std::string_view blank : {" ", "  ", "\t", " \t", " \r\n", "  \r\n", " \r"}) {
      std::string body(size, 'x');
      body += blank;
      body += std::string(size % 67, 'y');
      for (const std::size_t piece : {64U, 65U, 1000U}) {
        ASSERT_EQ(canonical_body(Canonicalisation::relaxed, body, piece),
                  reference_body(Canonicalisation::relaxed, body))
            << "after " << size << " octets";
      }
    }
  }
}

TEST(DkimCanonical, LongTextIsPassedInLongPieces) {
  std::string body;
  for (int i = 0; i < 1000; ++i) body += "A line  of text with a few \tblanks.\r\n";
  Collected sink;
  BodyCanonicaliser canonicaliser(Canonicalisation::relaxed, sink);
  canonicaliser.text(body);
  canonicaliser.end();
  EXPECT_LT(sink.calls, sink.octets.size() / 2048);
}

struct FieldRow {
  std::string_view name;
  std::string_view value;
  std::string_view simple;
  std::string_view relaxed;
};

TEST(DkimCanonical, Fields) {
  const std::vector<FieldRow> rows = {
      {"A", " X", "A: X\r\n", "a:X\r\n"},  // §3.4.5
      {"B ", " Y\t\r\n\tZ  ", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
      {"From", "a@b", "From:a@b\r\n", "from:a@b\r\n"},
      {"From", "\r\n\ta@b", "From:\r\n\ta@b\r\n", "from:a@b\r\n"},
      {"From", "\t a@b \t", "From:\t a@b \t\r\n", "from:a@b\r\n"},
      {"Subject", "", "Subject:\r\n", "subject:\r\n"},
      {"Subject", " \r\n ", "Subject: \r\n \r\n", "subject:\r\n"},
      {"Subject", " a\r\n \r\n b", "Subject: a\r\n \r\n b\r\n", "subject:a b\r\n"},
      {"X", " a\rb\nc", "X: a\rb\nc\r\n", "x:a\rb\nc\r\n"},
      {"X", " a \r b", "X: a \r b\r\n", "x:a \r b\r\n"},
      {"\xc3\x89", " \xc3\xa9", "\xc3\x89: \xc3\xa9\r\n", "\xc3\x89:\xc3\xa9\r\n"},
  };
  for (const auto& row : rows) {
    std::string simple;
    append_canonical_field(Canonicalisation::simple, row.name, row.value, simple);
    EXPECT_EQ(simple, row.simple);
    std::string relaxed;
    append_canonical_field(Canonicalisation::relaxed, row.name, row.value, relaxed);
    EXPECT_EQ(relaxed, row.relaxed);
  }
}

struct LengthRow {
  std::string_view body;
  std::uint64_t length;
  BodyHash::Coverage coverage;
  std::string_view covered;  // the canonical octets that were hashed
};

TEST(DkimBodyHash, Lengths) {
  using Coverage = BodyHash::Coverage;
  const std::vector<LengthRow> rows = {
      {"a  b\r\n", 0, Coverage::part, ""},
      {"a  b\r\n", 3, Coverage::part, "a b"},
      {"a  b\r\n", 4, Coverage::part, "a b\r"},
      {"a  b\r\n", 5, Coverage::whole, "a b\r\n"},
      {"a  b\r\n", 6, Coverage::whole, "a b\r\n"},  // counted before the relaxed form
      {"a  b\r\n", 7, Coverage::too_short, ""},
      {"a", 3, Coverage::whole, "a\r\n"},
      {"a", 4, Coverage::too_short, ""},
      {"", 0, Coverage::whole, ""},
      {"", 1, Coverage::too_short, ""},
      {"a\r\n\r\n\r\nb\r\n", 5, Coverage::part, "a\r\n\r\n"},
      {"a\r\n\r\n\r\n", 3, Coverage::whole, "a\r\n"},
  };
  for (const std::size_t piece : {1U, 100U}) {
    for (const auto& row : rows) {
      BodyHashes hashes;
      hashes.want({Canonicalisation::relaxed, row.length});
      hashes.want({Canonicalisation::relaxed, 1000});
      hashes.want({Canonicalisation::relaxed, 1});
      for (std::size_t at = 0; at < row.body.size(); at += piece) {
        hashes.text(row.body.substr(at, piece));
      }
      hashes.end();
      const auto hash = hashes.get({Canonicalisation::relaxed, row.length});
      EXPECT_EQ(hash.coverage, row.coverage) << row.body << " " << row.length;
      if (hash.coverage == Coverage::too_short) continue;
      EXPECT_EQ(hash.digest, crypto::sha256(row.covered)) << row.body << " " << row.length;
    }
  }
}

TEST(DkimBodyHash, StopsReadingWhenNothingCanChange) {
  BodyHashes hashes;
  EXPECT_TRUE(hashes.satisfied());
  hashes.want({Canonicalisation::simple, 2});
  hashes.text("abc");
  EXPECT_TRUE(hashes.satisfied());
  hashes.want({Canonicalisation::relaxed, std::nullopt});
  EXPECT_FALSE(hashes.satisfied());
}

}  // namespace
}  // namespace sekisho::dkim
