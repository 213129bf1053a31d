#include "mail/address_scan.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "mail/author.h"
#include "mail/message.h"
#include "support/cpu_time.h"

namespace sekisho::mail {
namespace {

using namespace std::string_literals;

bool finds(const std::vector<Mailbox>& mailboxes, std::string_view local, std::string_view domain) {
  return std::any_of(mailboxes.begin(), mailboxes.end(), [&](const Mailbox& mailbox) {
    return mailbox.local_part == local && mailbox.domain.text() == domain;
  });
}

TEST(AddressScan, FindsWhatSomeReaderFinds) {
  const std::string values[] = {
      "eve@bad.example",
      "Eve <eve@BAD.example>",
      "a@ok.example, eve@bad.example",
      "a@ok.example; eve@bad.example",
      "a@ok.example <eve@bad.example>",
      "eve@bad.example <a@ok.example>",
      "\"eve@bad.example\" <a@ok.example>",
      "<<<>>,;:\" eve@bad.example (",
      "Eve eve@bad.example (((",
      "(eve@bad.example)",
      "eve(x)@(y)bad.(z)example",
      "e.v.e, eve @ bad . example",
      "<eve@bad.example> <a@ok.example>",
      "<@relay.example:eve@bad.example>",
      "a@ok.example@eve@bad.example",
      "eve@bad.example.",
      "eve@bad\0.example"s,
      "eve\0@bad.example"s,
      "eve@\"bad.example\"",
      "eve@bad.example\xa0",
      "eve@bad.\xe2\x80\x8b"
      "example",
      "eve\xef\xbc\xa0"
      "bad.example",
      "\"eve\"@bad.example x",
      "=?utf-8?q?eve=40bad.example?=",
      "=?utf-8?B?RXZlIDxldmVAYmFkLmV4YW1wbGU+?=",
      "=?utf-8?q?eve?=@bad.example",
      "=?utf-8?q?eve=40bad?= =?utf-8?q?=2Eexample?=",
      "a@ok.example" + std::string(20'000, ' ') + "=?utf-8?q?eve=40bad.example?=",
      "\r\n\teve@bad.example\r\n , x",
  };
  for (const std::string& value : values) {
    EXPECT_TRUE(finds(scan_addresses(value), "eve", "bad.example"))
        << escape_for_log(value.substr(0, 100));
  }
}

TEST(AddressScan, FindsNothingWhereNoAddressIs) {
  for (const std::string_view value : {"", "@", "@@@", "eve", "eve@", "eve@.", "eve@...",
                                       "bad.example", "<>", "\"@", "eve@<", "(@"}) {
    EXPECT_TRUE(scan_addresses(value).empty()) << value;
  }
  EXPECT_TRUE(finds(scan_addresses("@bad.example"), "", "bad.example")) << "the domain alone";
}

TEST(AddressScan, TakesLinearTime) {
  for (const std::string_view piece : {"\\\"@", "\"@", "(@", "a@b.c,", "@ ", "=?utf-8?q?", "()",
                                       "a@(", "@a.", "\xc3\xa4@\xc3\xa4.c "}) {
    std::string value;
    while (value.size() < 1'000'000) value += piece;
    const auto began = cpu_time();
    scan_addresses(value);
    EXPECT_LT(cpu_time() - began, std::chrono::seconds(10)) << piece;
  }
}

TEST(AddressScan, ReadsWhateverCouldBeAFromField) {
  const std::string headers[] = {
      "From: a@ok.example\r\nFrom: eve@bad.example\r\n",
      "From: eve@bad.example\r\nFrom : a@ok.example\r\n",
      "From: a@ok.example\r\nFrom: nobody\r\nFROM: eve@bad.example\r\n",
      "From\0: eve@bad.example\r\nFrom: a@ok.example\r\n"s,
      "Subject: x\rFrom: eve@bad.example\r\nFrom: a@ok.example\r\n",
      " From: eve@bad.example\r\nFrom: a@ok.example\r\n",
  };
  for (const std::string& header : headers) {
    const Message message = parse_message(header + "To: else@other.example\r\n\r\n");
    const auto found = readable_authors(message.header, message.malformed);
    EXPECT_TRUE(finds(found, "eve", "bad.example")) << escape_for_log(header);
    EXPECT_FALSE(finds(found, "else", "other.example")) << escape_for_log(header);
  }
}

}  // namespace
}  // namespace sekisho::mail
