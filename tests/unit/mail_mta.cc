// Which MTA speaks, by the macro v.
#include "mail/mta.h"

#include <gtest/gtest.h>

namespace sekisho::mail {

TEST(Mta, IsKnownByItsVersion) {
  EXPECT_EQ(mta_of_version("Postfix 3.7.11"), Mta::postfix);
  EXPECT_EQ(mta_of_version("8.17.1.9"), Mta::sendmail);
  EXPECT_EQ(mta_of_version("8.17.1"), Mta::sendmail);
  // mail_name is the administrator's to choose; then all is to be feared.
  EXPECT_EQ(mta_of_version("Mail 3.7.11"), Mta::unknown);
  EXPECT_EQ(mta_of_version(""), Mta::unknown);
  EXPECT_EQ(mta_of_version("8."), Mta::unknown);
}

TEST(Mta, OfNoNameMayRewrite) {
  EXPECT_TRUE(rewrites_author(Mta::unknown));
  EXPECT_TRUE(rewrites_author(Mta::sendmail));
  EXPECT_FALSE(rewrites_author(Mta::postfix));
  EXPECT_FALSE(rewrites_author(Mta::own));
}

}  // namespace sekisho::mail
