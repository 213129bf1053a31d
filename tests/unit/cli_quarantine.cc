// What an admin sees of held messages, in 80 columns, whatever the sender wrote; and how ids and
// filters are read.
#include <chrono>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "cli/held_text.h"
#include "cli/quarantine_store.h"
#include "support/held_messages.h"
#include "support/spool_store.h"
#include "support/temporary_folder.h"

namespace sekisho::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string hostile_subjects[] = {
    "\x1b[2J\x1b[1;1Howned",
    "\x1b]0;title\x07\x1b]8;;http://bad.example/\x1b\\click",
    "\x9b"
    "2J",
    "\xc2\x9b"
    "2J",
    "first\rsecond\nthird",
    "\xe2\x80\xae"
    "gnp.exe",
    "\xe2\x80\x8b\xe2\x80\x8b\xe2\x80\x8b",
    std::string(10'000, 'x'),
    "日本語の件名がとても長いときにも表は八十桁に収まらなければならない",
    "a" + std::string(3000, '\xcc'),
    std::string("\0\0\0", 3),
    "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
    "\xff\xfe\xfd",
    "K7Q2-4DMX  2026-11-25 09:30  looks like a row",
};

void expect_harmless(const std::string& text) {
  for (std::string_view rest = text; !rest.empty();) {
    const auto character = first_utf8_character(rest);
    ASSERT_TRUE(character) << "not UTF-8";
    const char32_t c = character->code_point;
    EXPECT_TRUE(c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0)));
    EXPECT_FALSE(is_bidi_control(c));
    EXPECT_NE(c, 0x200bU);
    rest.remove_prefix(character->octets);
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(HeldTable, IsNeverWiderThanTheTerminal) {
  std::vector<quarantine::HeldRow> rows;
  for (const auto& subject : hostile_subjects) {
    auto held = test::held_message(rows.size());
    held.subject = held.author = held.rule = subject;
    held.recipients = {subject, "b"};
    rows.push_back(held);
  }
  for (const std::size_t columns : {40U, 72U, 80U, 120U, 200U}) {
    for (const bool states : {false, true}) {
      const std::string table = held_table(rows, columns, Charset::utf8, states);
      expect_harmless(table);
      const auto lines = lines_of(table);
      ASSERT_EQ(lines.size(), rows.size() + 1);
      for (const auto& line : lines) EXPECT_LE(columns_of(line), columns) << line;
    }
  }
}

TEST(HeldTable, CanBeReadIn80Columns) {
  auto held = test::held_message(7);
  held.time = *parse_time("2026-11-24T09:30:00Z");
  held.author = "sales@shop.example.com";
  held.subject = "請求書のご案内 (November)";
  EXPECT_EQ(held_table({held}, 80, Charset::utf8, false),
            "ID        TIME (UTC)       AUTHOR            TO            SUBJECT\n"
            "0000-0007 2026-11-24 09:30 sales@shop.examp… one@examp… +1 請求書のご案内 (Nove…\n");
}

TEST(WhyText, HasABlankAfterTheNameOfTheField) {
  for (const char* value : {" mx.example.jp; spf=none", "mx.example.jp; spf=none"}) {
    quarantine::HeldMessage message{test::held_message(1), test::held_detail(), {}, {}};
    message.detail.decision = nlohmann::json{{"authentication_results", value}}.dump();
    EXPECT_THAT(why_text(message, Charset::utf8),
                HasSubstr("\nAuthentication-Results: mx.example.jp; spf=none\n"));
  }
}

TEST(HeldJson, OneLineIsTheSameAsTheObject) {
  for (const auto& text : hostile_subjects) {
    auto held = test::held_message(7);
    held.subject = held.remark = text;
    held.recipients = {text, "b", "\"\\/\x7f"};
    held.delivered_to.clear();
    for (held.repeats = 0; held.repeats < 2; ++held.repeats) {
      std::string line;
      append_held_json(line, held);
      EXPECT_EQ(line,
                held_json(held).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
    }
  }
}

TEST(HeldPage, IsHarmless) {
  for (const auto& text : hostile_subjects) {
    quarantine::HeldMessage message{
        test::held_message(1), test::held_detail(), {{{}, text, text}}, {}};
    auto& held = message.held;
    held.subject = held.author = held.message_id = held.client = held.mail_from = held.remark =
        text;
    held.recipients = held.delivered_to = {text};
    nlohmann::json decision = {{"verdict", {{"evidence", {text}}}},
                               {"dkim", {{{"domain", text}, {"result", text}}}},
                               {"authentication_results", text},
                               {"spf", text},
                               {"dmarc", 1}};
    message.detail.decision =
        decision.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    expect_harmless(held_page(message, Charset::utf8));
    expect_harmless(why_text(message, Charset::utf8));
    message.detail.decision = text;
    expect_harmless(why_text(message, Charset::utf8));
  }
}

TEST(HeldMessage, ItsTextIsShownAndNothingElse) {
  const std::string message =
      "From: =?utf-8?q?B=C3=B6se?= <a@b.example>\r\nSubject: =?utf-8?q?=1B[2J?=\r\n"
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ncaf\xe9 \x1b]0;x\x07\r\n"
      "--b\r\nContent-Type: text/html\r\n\r\n<script>evil()</script><a "
      "href=\"http://bad.example/\">bank</a>\r\n"
      "--b\r\nContent-Type: application/x-msdownload; name=\"\x1b[31minvoice.exe\"\r\n"
      "Content-Disposition: attachment\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\nTVqQAAMAAAA=\r\n--b--\r\n";
  const std::string text = message_text(message, Charset::utf8);
  expect_harmless(text);
  EXPECT_THAT(text, HasSubstr("From: Böse <a@b.example>\n"));
  EXPECT_THAT(text, HasSubstr("café \\x1b]0;x\\x07\n"));
  EXPECT_THAT(text, HasSubstr("bank [http://bad.example/]"));
  EXPECT_THAT(text, HasSubstr("[application/x-msdownload, \\x1b[31minvoice.exe, attachment, 8 B]"));
  EXPECT_THAT(text, Not(HasSubstr("evil")));
  EXPECT_THAT(text, Not(HasSubstr("TVqQ")));
  expect_harmless(header_text(message, Charset::utf8));
  expect_harmless(raw_text(message, Charset::utf8));
  for (const auto& line : lines_of(defanged(test::held_message(1), message))) {
    if (!line.starts_with("| ")) {
      EXPECT_THAT(line, Not(HasSubstr("Subject")));
    }
    EXPECT_THAT(line, Not(HasSubstr("://bad")));
  }
}

TEST(Ids, AreReadByTheirShape) {
  EXPECT_THAT(parse_ids(" K7Q2-4DMX\n\t0000-0001\r\n").value(),
              ElementsAre("K7Q2-4DMX", "0000-0001"));
  // As people say it, and copy it.
  EXPECT_THAT(parse_ids("k7q2-4dmx K7Q24DMX (id=K7Q2-4DMX);").value(),
              ElementsAre("K7Q2-4DMX", "K7Q2-4DMX", "K7Q2-4DMX"));
  EXPECT_TRUE(parse_ids("")->empty());
  for (const char* bad :
       {"../../etc", "K7Q2-4DMX;rm", "K7Q24DM", "' OR 1=1", "ALL", "\x1b[2J", "id=", "()"}) {
    const auto ids = parse_ids(bad);
    ASSERT_FALSE(ids) << bad;
    expect_harmless(ids.error());
  }
}

class Selected : public testing::Test {
 protected:
  Selected() {
    quarantine::Options options;
    options.dir = place_.file("store");
    store_ =
        std::move(*quarantine::Store::open(options, quarantine::Access::owner, alarms_.sink()));
    for (std::uint64_t number : {1U, 2U, 3U}) {
      test::Puts puts;
      test::hold(*store_, number, 100, puts.done());
      EXPECT_TRUE(puts.wait().front().has_value());
    }
  }
  OrComplaint<std::vector<std::string>> select(std::vector<std::string> ids,
                                               FilterOptions filter = {}) {
    QuarantineOptions options;
    options.ids = std::move(ids);
    options.filter = std::move(filter);
    return selected_ids(*store_, options, wall_now());
  }
  test::TemporaryFolder place_;
  test::Alarms alarms_;
  std::unique_ptr<quarantine::Store> store_;
};

TEST_F(Selected, OnceEachInOrder) {
  EXPECT_THAT(select({"0000-0002", "0000-0001", "0000-0002"}).value(),
              ElementsAre("0000-0002", "0000-0001"));
  EXPECT_THAT(select({"ALL"}).value(), ElementsAre("0000-0003", "0000-0002", "0000-0001"));
}

TEST_F(Selected, AllIsWhatTheFilterMatchesAndIsStillHere) {
  ASSERT_TRUE(store_->remove("0000-0003", wall_now()));
  EXPECT_THAT(select({"ALL"}).value(), ElementsAre("0000-0002", "0000-0001"));
  FilterOptions filter;
  filter.text = "message 1";
  EXPECT_THAT(select({"ALL"}, filter).value(), ElementsAre("0000-0001"));
  filter = {};
  filter.limit = 1;
  EXPECT_THAT(select({"ALL"}, filter).value(), ElementsAre("0000-0002"));
}

TEST_F(Selected, AFilterIsNeverSilentlyWithoutEffect) {
  FilterOptions filter;
  filter.from = "x@example.com";
  EXPECT_EQ(select({"0000-0001"}, filter).error().code, usage);
  EXPECT_EQ(select({"all"}).error().code, usage);
  filter = {};
  filter.since = "whenever";
  EXPECT_EQ(select({"ALL"}, filter).error().code, usage);
  filter = {};
  filter.state = "hold";
  EXPECT_EQ(select({"ALL"}, filter).error().code, usage);
}

}  // namespace
}  // namespace sekisho::cli
