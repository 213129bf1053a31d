// Root and postmaster, whose mail somebody must read: what `config check` says of them.
#include "setup/names.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "support/temporary_folder.h"

namespace sekisho::setup {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SetupNames : public testing::Test {
 protected:
  std::vector<std::string> found(const std::string& aliases, const std::string& more = "",
                                 const std::string& listener = "[[listener]]\nprofile = \"mx\"\n") {
    std::ofstream(files_.file("aliases")) << aliases;
    const auto loaded =
        config::load_text("[identity]\nhostname = \"mx.example.jp\"\n[aliases]\nfiles = [\"" +
                              files_.file("aliases") + "\"]\nsrs_secret_file = \"" +
                              files_.file("srs") + "\"\n" + listener + more,
                          "a.conf");
    EXPECT_TRUE(loaded);
    std::vector<std::string> out;
    if (!loaded) return out;
    for (const auto& finding : name_findings(loaded->settings, "a.conf")) {
      EXPECT_EQ(finding.level, config::Finding::Level::warning);
      out.push_back(finding.text());
    }
    return out;
  }

  test::TemporaryFolder files_;
};

TEST_F(SetupNames, LeadNowhere) {
  const auto all = found("");
  EXPECT_THAT(all, Contains(HasSubstr("root@mx.example.jp: mail for it is read by nobody")));
  EXPECT_THAT(all, Contains(HasSubstr("postmaster: mail for it is read by nobody")));
  EXPECT_THAT(found("postmaster: root\n"), Contains(HasSubstr("postmaster: mail for it")));
}

TEST_F(SetupNames, LeadOutsideOrToARouteOfTheHostname) {
  EXPECT_THAT(found("postmaster: root\nroot: admin@example.com\n"), IsEmpty());
  EXPECT_THAT(found("",
                    "[[route]]\ndomain = [\"mx.example.jp\"]\nvia = \"lmtp:unix:/run/lmtp\"\n"
                    "recipients = \"any\"\n"),
              IsEmpty());
  EXPECT_THAT(found("", "[[route]]\ndomain = [\"mx.example.jp\"]\nvia = \"discard\"\n"),
              Contains(HasSubstr("postmaster: mail for it is read by nobody")));
}

TEST_F(SetupNames, AnAliasThatCannotBeUsed) {
  EXPECT_THAT(
      found("root: |/bin/program\npostmaster: a@example.com\n"),
      AllOf(Contains(HasSubstr("root@mx.example.jp: ")), Not(Contains(HasSubstr("postmaster: ")))));
}

TEST_F(SetupNames, ACheckMakesNoFiles) {
  found("root: a@example.com\n");
  EXPECT_FALSE(std::ifstream(files_.file("srs")));
}

TEST_F(SetupNames, WithoutAListenerThereAreNone) { EXPECT_THAT(found("", "", ""), IsEmpty()); }

}  // namespace
}  // namespace sekisho::setup
