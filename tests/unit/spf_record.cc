// What a record says once it is read. The grammar's errors are in tests/data/spf/syntax.json.
#include "spf/record.h"

#include <gtest/gtest.h>

namespace sekisho::spf {

namespace {

TEST(SpfRecord, MechanismsKeepTheirOrderAndText) {
  const auto record = Record::parse(
      "v=spf1 +a/24 -mx:m.test/16//48 ~ptr ?ip4:192.0.2.0/24 IP6:2001:db8::/32 exists:%{i}.e.test "
      "include:i.test -all exp=x.test redirect=r.test other=thing");
  ASSERT_TRUE(record) << record.error().what;
  ASSERT_EQ(record->mechanisms.size(), 8U);
  const auto& m = record->mechanisms;
  EXPECT_EQ(m[0].kind, MechanismKind::a);
  EXPECT_EQ(m[0].ip4_length, 24);
  EXPECT_EQ(m[0].ip6_length, 128);
  EXPECT_FALSE(m[0].domain_spec);
  EXPECT_EQ(m[1].qualifier, Qualifier::fail);
  EXPECT_EQ(m[1].ip4_length, 16);
  EXPECT_EQ(m[1].ip6_length, 48);
  EXPECT_EQ(m[1].text, "-mx:m.test/16//48");
  EXPECT_EQ(m[2].qualifier, Qualifier::softfail);
  EXPECT_EQ(m[3].qualifier, Qualifier::neutral);
  EXPECT_EQ(m[3].network->text(), "192.0.2.0/24");
  EXPECT_EQ(m[4].network->text(), "2001:db8::/32");
  EXPECT_EQ(m[5].kind, MechanismKind::exists);
  EXPECT_EQ(m[6].kind, MechanismKind::include);
  EXPECT_EQ(m[7].kind, MechanismKind::all);
  EXPECT_TRUE(record->redirect);
  EXPECT_EQ(record->redirect_text, "redirect=r.test");
  EXPECT_TRUE(record->explanation);
}

TEST(SpfRecord, ErrorsSayWhereTheTermBegins) {
  const auto record = Record::parse("v=spf1 a  mx/99 -all");
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error(), (ParseError{"a prefix length out of range", 10}));
}

TEST(SpfRecord, VersionEndsAtASpaceOrTheEnd) {
  for (const char* text : {"v=spf1", "V=SPF1 ", "v=spf1 -all"}) EXPECT_TRUE(is_spf_record(text));
  for (const char* text :
       {"", "v=spf", "v=spf10", "v=spf1\t", " v=spf1", "v=spf1.", "spf2.0/pra"}) {
    EXPECT_FALSE(is_spf_record(text)) << text;
    EXPECT_FALSE(Record::parse(text)) << text;
  }
}

}  // namespace

}  // namespace sekisho::spf
