// A sendmail on this host that asks our filter and then delivers other names than were judged.
#include "config/host_mta.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace sekisho::config {

namespace {

const std::string rule = "R$* $| $* < @ $* > $*\t\t$: $2 < @ $[ $3 $] > $4\n";
const std::string our_socket = "Xsekisho, S=unix:/run/sekisho/mx.sock, F=T\n";
const std::string our_port = "Xsekisho, S=inet:8890@localhost, F=T\n";

std::size_t findings(const std::string& cf,
                     const std::string& socket = "unix:/run/sekisho/mx.sock") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("sendmail.cf");
  if (!cf.empty()) std::ofstream(path) << cf;
  const auto loaded = load_text("[[milter]]\nsocket = \"" + socket + "\"\n", "a.conf");
  std::vector<Finding> out;
  find_rewriting_mta(loaded.value(), "a.conf", out, path);
  for (const auto& each : out) {
    EXPECT_EQ(each.level, Finding::Level::warning);
    EXPECT_NE(each.message.find("confDONT_EXPAND_CNAMES"), std::string::npos);
  }
  return out.size();
}

}  // namespace

TEST(ConfigHostMta, IsWarnedOfWhenItIsOurs) {
  EXPECT_EQ(findings(rule + our_socket), 1U);
  EXPECT_EQ(findings(rule + our_port, "inet:8890@127.0.0.1"), 1U);
  EXPECT_EQ(findings(rule + our_port), 0U) << "another filter's port";
  EXPECT_EQ(findings(rule), 0U) << "it asks no filter";
  EXPECT_EQ(findings(our_socket), 0U) << "it follows no alias";
  EXPECT_EQ(findings(rule + our_socket + "O DontExpandCnames=True\n"), 0U);
  EXPECT_EQ(findings(""), 0U) << "there is no sendmail";
}

}  // namespace sekisho::config
