// DKIM-Signature values and key records that are not worth a message of their own.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "dkim/key_record.h"
#include "dkim/signature.h"
#include "dkim/verify.h"

namespace sekisho::dkim {
namespace {

const std::string hash = base64_encode(std::string(32, 'h'));

std::string value(const std::string& tags) {
  return " v=1; a=rsa-sha256; d=a.example; s=sel; h=from; bh=" + hash + "; b=AAAAAAAAAAAA; " + tags;
}

struct Row {
  std::string tags;
  std::string error;  // empty: it is a signature
};

TEST(DkimSignature, Tags) {
  const std::vector<Row> rows = {
      {"c=simple", ""},
      {"c=relaxed", ""},
      {"c=simple/relaxed", ""},
      {"c=", "c= is an unknown canonicalisation"},
      {"c=relaxed/", "c= is an unknown canonicalisation"},
      {"c=relaxed/simple/simple", "c= is an unknown canonicalisation"},
      {"q=dns/txt", ""},
      {"q=", "q= has no known query method"},
      {"q=dns/txt/x", "q= has no known query method"},
      {"t=0", ""},
      {"t=", "t= is no time"},
      {"t=1234567890123", "t= is no time"},
      {"t=+1", "t= is no time"},
      {"x=999999999999", ""},
      {"x=-1", "x= is no time"},
      {"l=0", ""},
      {"l=" + std::string(76, '9'), ""},
      {"l=" + std::string(77, '9'), "l= is no length"},
      {"l=1 2", "l= is no length"},
      {"i=@a.example", ""},
      {"i=a@b.a.example", ""},
      {"i=\"a b\"@a.example", ""},
      {"i==22a=3Bb=22@a.example", ""},
      {"i==22=5C=22=28=29=3C=3E,:@=5C=5C=22@a.example", ""},
      {"i=a=3Bb@a.example", "i= is no address"},
      {"i==22a=3Bb@a.example", "i= is no address"},
      {"i==22a=22b@a.example", "i= is no address"},
      {"i==22a=0D=0Ab=22@a.example", "i= is no address"},
      {"i==22a=00b=22@a.example", "i= is no address"},
      {"i==22a=7Fb=22@a.example", "i= is no address"},
      {"i==22a=FFb=22@a.example", "i= is no address"},
      {"i=a=C3=A9@a.example", ""},
      {"i=", "i= is no address"},
      {"i=@", "i= has no domain"},
      {"i=a@@a.example", "i= is no address"},
      {"i=a@a.example=00", "i= is no address"},
      {"i=a=FF@a.example", "i= is no address"},
      {"i=@A..example", "i= has no domain"},
      {"i=@b.example", "i= is not within d="},
      {"z=" + std::string(65536, 'z'), ""},
  };
  for (const auto& row : rows) {
    const auto tags = mail::TagList::parse(value(row.tags));
    ASSERT_TRUE(tags) << row.tags;
    const auto signature = parse_signature(*tags);
    EXPECT_EQ(signature ? "" : signature.error().what, row.error) << row.tags;
  }
}

TEST(DkimSignature, RemovesTheValueOfB) {
  struct Case {
    std::string_view value, before, after;
  };
  const std::vector<Case> cases = {
      {" v=1; b=abc; d=x", " v=1; b=", "; d=x"},
      {" v=1; b = a\r\n c \r\n ", " v=1; b =", ""},
      {"b=;", "b=", ";"},
      {" bh=b=; \r\n\tb\r\n =x;", " bh=b=; \r\n\tb\r\n =", ";"},
      {" B=x; b=y", " B=x; b=", ""},
      {" v=1", " v=1", ""},
  };
  for (const auto& c : cases) {
    const auto [before, after] = around_signature(c.value);
    EXPECT_EQ(before, c.before);
    EXPECT_EQ(after, c.after);
  }
}

TEST(DkimSignature, NamesItsKeyWhileTheHeaderArrives) {
  Verification verification{Options{}};
  const auto question = verification.key_question(value(""));
  ASSERT_TRUE(question);
  EXPECT_EQ(dns::to_string(*question), "sel._domainkey.a.example TXT");
  EXPECT_FALSE(verification.key_question("v=1"));
  EXPECT_FALSE(verification.key_question(""));
  const std::string label(60, 'l');
  EXPECT_FALSE(verification.key_question(" v=1; a=rsa-sha256; h=from; bh=" + hash +
                                         "; b=AAAA; s=" + label + "." + label + "; d=" + label +
                                         "." + label + ".example"));
}

struct KeyRow {
  std::string text;
  std::string error;
  bool usable = true;  // for mail, with sha256
};

TEST(DkimKeyRecord, Records) {
  const std::vector<KeyRow> rows = {
      {"v=DKIM1; p=AAAA", ""},
      {"p=AAAA", ""},
      {"p=AA AA\t; t=y;", ""},
      {"p=AAAA; h=SHA256", ""},
      {"p=AAAA; h=sha1", "", false},
      {"p=AAAA; h=", "", false},
      {"p=AAAA; s=other:email", ""},
      {"p=AAAA; s=emails", "", false},
      {"v=DKIM1", "the key record has no p="},
      {"v=dkim1; p=AAAA", "the key record is not v=DKIM1"},
      {"p=AAAA; v=DKIM1", "the key record is not v=DKIM1"},
      {"p=AAA", "the key is not base64"},
      {"p=AAAA; p=AAAA", "the key record is no tag list"},
      {"", "the key record is no tag list"},
      {"hello", "the key record is no tag list"},
  };
  for (const auto& row : rows) {
    const auto record = KeyRecord::parse(row.text);
    EXPECT_EQ(record ? "" : record.error().what, row.error) << row.text;
    if (record) {
      EXPECT_EQ(record->allows_sha256 && record->for_email, row.usable) << row.text;
    }
  }
}

TEST(DkimKeyRecord, Flags) {
  const auto record = KeyRecord::parse("k=ED25519; t=x : s :y; p=").value();
  EXPECT_EQ(record.key_type, crypto::KeyType::ed25519);
  EXPECT_TRUE(record.testing);
  EXPECT_TRUE(record.same_domain_only);
  EXPECT_TRUE(record.key.empty());
  EXPECT_FALSE(KeyRecord::parse("k=dsa; p=").value().key_type);
}

}  // namespace
}  // namespace sekisho::dkim
