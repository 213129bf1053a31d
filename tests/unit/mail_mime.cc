#include "mail/mime.h"

#include <chrono>

#include <gtest/gtest.h>

#include "mail/content_field.h"
#include "mail/html_text.h"
#include "support/cpu_time.h"

namespace sekisho::mail {
namespace {

const std::string mixed =
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b 1\"\r\n\r\npreamble\r\n"
    "--b 1\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B\r\n"
    "--b 1  \r\nContent-Type: application/pdf; name=x.pdf\r\nContent-Transfer-Encoding: base64\r\n"
    "Content-Disposition: attachment; filename*=utf-8''%E6%97%A5.pdf\r\n\r\nJVBERi0=\r\n"
    "--b 1\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n"
    "--b 1--\r\nepilogue\r\n";

TEST(Mime, PartsInOrder) {
  const auto read = read_mime(mixed);
  ASSERT_EQ(read.parts.size(), 5U);
  EXPECT_TRUE(read.complete);
  EXPECT_EQ(read.parts[0].type, "multipart/mixed");
  EXPECT_EQ(read.parts[1].text(), "日本");
  EXPECT_EQ(read.parts[2].file_name, "日.pdf");
  EXPECT_EQ(read.parts[2].content(), "%PDF-");
  EXPECT_FALSE(read.parts[2].is_text());
  EXPECT_EQ(read.parts[3].type, "message/rfc822");
  EXPECT_EQ(read.parts[4].text(), "inner text");
  EXPECT_EQ(read.parts[4].depth, 2U);
}

TEST(Mime, AMessageWithoutAnythingIsOneText) {
  const auto read = read_mime("Subject: x\r\n\r\nbody\r\n");
  ASSERT_EQ(read.parts.size(), 1U);
  EXPECT_EQ(read.parts[0].body, "body\r\n");
  EXPECT_EQ(read_mime("").parts.size(), 1U);
  EXPECT_EQ(read_mime("Subject: x").parts.size(), 1U);
}

TEST(Mime, NestingEnds) {
  std::string message = "Content-Type: multipart/mixed; boundary=b0\r\n\r\n";
  for (int depth = 0; depth < 5000; ++depth) {
    message += "--b" + std::to_string(depth) + "\r\nContent-Type: multipart/mixed; boundary=b" +
               std::to_string(depth + 1) + "\r\n\r\n";
  }
  const auto read = read_mime(message);
  EXPECT_FALSE(read.complete);
  for (const auto& part : read.parts) EXPECT_LT(part.depth, mime_depth);

  std::string mails;
  for (int depth = 0; depth < 5000; ++depth) mails += "Content-Type: message/rfc822\r\n\r\n";
  EXPECT_FALSE(read_mime(mails).complete);
}

TEST(Mime, PartsEnd) {
  std::string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int part = 0; part < 100'000; ++part) message += "--b\r\n\r\nx\r\n";
  const auto read = read_mime(message);
  EXPECT_FALSE(read.complete);
  EXPECT_EQ(read.parts.size(), mime_parts);
}

TEST(Mime, AMessageOfDelimitersIsReadInOnePass) {
  std::string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n";
  while (message.size() < 20'000'000) message += "--\r\n--x\n";
  const auto begun = cpu_time();
  EXPECT_EQ(read_mime(message).parts.size(), 2U);
  EXPECT_LT(cpu_time() - begun, std::chrono::seconds(10));
}

TEST(ContentField, Parameters) {
  const ContentField field(
      R"(Text/HTML; charset = "utf-8" ; title*0*=utf-8'en'%41; title*1="B;\"C"; x; name="=?utf-8?q?=C3=A9?=")");
  EXPECT_EQ(field.value(), "text/html");
  EXPECT_EQ(field.parameter("charset"), "utf-8");
  EXPECT_EQ(field.readable_parameter("title"), "AB;\"C");
  EXPECT_EQ(field.readable_parameter("name"), "é");
  EXPECT_EQ(field.parameter("none"), "");
}

struct Page {
  const char* html;
  const char* want;
};

TEST(HtmlText, SaysWhatThePageSays) {
  const Page pages[] = {
      {"<p>Hello <b>world</b></p>", "Hello world\n"},
      {"a &amp; b &lt;c&gt; &#26085;&#x672C; &unknown;", "a & b <c> 日本 &unknown;"},
      {"<a href=\"http://bad.example/\">your bank</a>", "your bank [http://bad.example/]"},
      {"<a class=x href='x'>y", "y [x]"},
      {"<script>evil()</script>text<style>p{}</style>", "text"},
      {"<!-- hidden -->shown", "shown"},
      {"1 < 2", "1 < 2"},
      {"<script>never closed", "never closed"},
      {"&#0;&#xD800;&#99999999999;", "&#0;&#xD800;&#99999999999;"},
  };
  for (const auto& page : pages) EXPECT_EQ(html_text(page.html), page.want) << page.html;
}

TEST(HtmlText, IsReadInOnePass) {
  for (const std::string piece : {"<script>", "<a href", "<!--", "<", "&", "<a href='", "</"}) {
    std::string html;
    while (html.size() < 2'000'000) html += piece;
    const auto begun = cpu_time();
    (void)html_text(html);
    (void)html_text(html + ">");
    EXPECT_LT(cpu_time() - begun, std::chrono::seconds(10)) << piece;
  }
}

}  // namespace
}  // namespace sekisho::mail
