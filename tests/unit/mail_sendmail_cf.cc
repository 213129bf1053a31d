// sendmail.cf, by lines as sendmail's own m4 writes them (8.17.1 of Debian 12).
#include "mail/sendmail_cf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::mail {

namespace {

const std::string plain =
    "#O DontExpandCnames=False\n"
    "R$* CC $* $| $*\t\t\t$: $3\n"
    "# pass to name server to make hostname canonical\n"
    "R$* $| $* < @ $* > $*\t\t$: $2 < @ $[ $3 $] > $4\n"
    "R<@> $+\t\t\t$:<?>  $[ $1 $]\n";
const std::string nocanonify =
    "R$* $| $* < @ $* $={Canonify} > $*\t$: $2 < @ $[ $3 $4 $] > $5\n"
    "R$* c $* $| $* < @ $* > $*\t$: $3 < @ $[ $4 $] > $5\n"
    "R$* $| $* < @ $+ . > $*\t\t$: $2 < @ $3 . > $4\n"
    "R<@> $+\t\t\t$:<?>  $[ $1 $]\n";

bool follows(const std::string& text) { return parse_sendmail_cf(text).follows_aliases; }

}  // namespace

TEST(SendmailCf, TellsWhetherAliasesAreFollowed) {
  EXPECT_TRUE(follows(plain));
  EXPECT_FALSE(follows(nocanonify));
  EXPECT_FALSE(follows(plain + "O DontExpandCnames=True\n"));
  EXPECT_FALSE(follows("O DontExpandCnames = true\r\n" + plain));
  EXPECT_FALSE(follows("O DontExpandCnames\n" + plain));
  EXPECT_TRUE(follows(plain + "O DontExpandCnames=False\n"));
  EXPECT_TRUE(follows(plain + "O DontExpandCnamesToo=True\n"));
  EXPECT_TRUE(follows(plain + "# O DontExpandCnames=True\n"));
  EXPECT_FALSE(follows(""));
}

TEST(SendmailCf, NamesItsFilters) {
  EXPECT_THAT(
      parse_sendmail_cf("Xsekisho, S=unix:/run/sekisho/mx.sock, F=T, T=C:10s;S:10s\n"
                        "Xa, S=local:/run/a.sock\nXb, F=T, S=inet:8890@127.0.0.1\n"
                        "O InputMailFilters=sekisho\nXc\n")
          .filters,
      testing::ElementsAre("unix:/run/sekisho/mx.sock", "unix:/run/a.sock", "inet:8890@127.0.0.1"));
}

}  // namespace sekisho::mail
