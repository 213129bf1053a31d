#include <chrono>

#include "support/authres_cases.h"
#include "support/cpu_time.h"

namespace sekisho::test {
namespace {

TEST(AuthresParse, Cases) {
  const auto table = read_json(data_path("authres/parse.json"));
  EXPECT_GE(table.at("cases").size(), 40U);
  for (const auto& given : table.at("cases")) {
    SCOPED_TRACE(given.at("id").get<std::string>());
    run_parse_case(given);
  }
}

TEST(AuthresStrip, Cases) {
  const auto table = read_json(data_path("authres/strip.json"));
  EXPECT_GE(table.at("cases").size(), 50U);
  for (const auto& given : table.at("cases")) {
    SCOPED_TRACE(given.at("id").get<std::string>());
    EXPECT_EQ(is_removed(given), given.at("remove").get<bool>());
  }
}

// Attacks, by name.

// A comment parts words for one reader and is nothing to another: `mx.shop.test(x)11` is our id and
// a version, or a name that is not ours.
TEST(AuthresHostile, ACommentMayEndOurId) {
  for (const char* value : {" mx.shop.test(b)11; spf=pass", " mx.sh(b)op.test; spf=pass",
                            " (a) mx.shop.tes(x)t(b)11 (c) ; spf=pass"}) {
    EXPECT_TRUE(authres::could_be_from(value, "mx.shop.test")) << value;
  }
  EXPECT_FALSE(authres::could_be_from(" mx.shop.test.evil.example(b); spf=pass", "mx.shop.test"));
}

// So does the end of a quoted string: `"mx.shop.test"2` is our id and a version. Within a name it
// parts nothing.
TEST(AuthresHostile, AQuoteMayEndOurId) {
  for (const char* value :
       {" \"mx.shop.test\"2; dmarc=pass", " \"\\m\\x.shop\\.test\"2; dmarc=pass",
        " \"mx\".shop.test; spf=pass", " mx.\"\"shop.test; spf=pass"}) {
    EXPECT_TRUE(authres::could_be_from(value, "mx.shop.test")) << value;
  }
  EXPECT_TRUE(authres::could_be_from(" \"b\"\u00fccher.example; spf=pass", "b\u00fccher.example"));
  EXPECT_FALSE(authres::could_be_from(" \"mx.shop.testing\"; spf=pass", "mx.shop.test"));
}

// Eight fields that claim to be ours among foreign ones: exactly ours are found.
TEST(AuthresHostile, ForgedFieldsAmongForeignOnes) {
  const auto table = read_json(data_path("authres/strip.json"));
  int forged = 0;
  int kept = 0;
  for (const auto& given : table.at("cases")) {
    if (given.at("authserv_id") != "mx.shop.test") continue;
    ++(is_removed(given) ? forged : kept);
  }
  EXPECT_GE(forged, 8);
  EXPECT_GE(kept, 8);
}

TEST(AuthresHostile, ForgedFieldOfManyKilobytes) {
  const std::string fillers[] = {
      "; dkim=pass " + std::string(64 * 1024, 'a'),
      std::string(64 * 1024, ' ') + "; dmarc=pass",
      " (" + std::string(64 * 1024, 'x') + "); dmarc=pass",
      " " + std::string(64 * 1024, '('),
      "; reason=\"" + std::string(64 * 1024, '\\'),
  };
  for (const std::string& filler : fillers) {
    EXPECT_TRUE(authres::could_be_from(" mx.shop.test" + filler, "mx.shop.test"));
    EXPECT_FALSE(authres::could_be_from(" other.test" + filler, "mx.shop.test"));
  }
  EXPECT_TRUE(authres::could_be_from(std::string(64 * 1024, '(') + "mx.shop.test", "mx.shop.test"));
  EXPECT_TRUE(
      authres::could_be_from(std::string(64 * 1024, '\n') + "mx.shop.test;", "mx.shop.test"));
}

// A megabyte of whatever makes a careless parser look at everything again from each octet.
TEST(AuthresHostile, ParsingStaysLinear) {
  const auto start = cpu_time();
  const std::string units[] = {"\\\"", "(", "(\\", ";a=b c.d=\"", ";\"\\\"", "a ",
                               "; ",   "=", "a.",  ";none",       "\"\\\""};
  for (const std::string& unit : units) {
    std::string text = " mx.shop.test; ";
    while (text.size() < 1024 * 1024) text += unit;
    for (const auto syntax : {authres::Syntax::strict, authres::Syntax::lenient}) {
      (void)authres::parse(text, syntax);
      (void)authres::parse(" mx.shop.test; \"" + text, syntax);
    }
    (void)authres::could_be_from(text, "mx.shop.test");
    (void)authres::could_be_from("x" + text, "mx.shop.test");
  }
  // A second or two with sanitizers; one quadratic path alone would take minutes.
  EXPECT_LT(cpu_time() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace sekisho::test
