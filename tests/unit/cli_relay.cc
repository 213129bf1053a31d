// `sekisho route` and `sekisho relay test`, against a real server.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/relay_test.h"
#include "relay/results.h"
#include "support/command_run.h"
#include "support/smtp_party.h"
#include "support/temporary_folder.h"

namespace sekisho::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class CliRelay : public testing::Test {
 protected:
  std::string configuration(const std::string& routes) const {
    std::ofstream(folder_.file("milter.conf"))
        << "[identity]\nhostname = \"mx.example.jp\"\ndomains = [\"example.jp\"]\n"
        << "[[listener]]\nprofile = \"mx\"\naddress = [\"127.0.0.1:2525\"]\n"
        << routes;
    return folder_.file("milter.conf");
  }
  static std::string route_to(std::uint16_t port) {
    return "[[route]]\ndomain = [\"example.jp\"]\nvia = \"smtp:[127.0.0.1]:" +
           std::to_string(port) + "\"\nrecipients = \"any\"\n";
  }
  test::TemporaryFolder folder_;
};

TEST_F(CliRelay, RouteSaysWhichLine) {
  const auto config = configuration(route_to(26));
  const auto ended = test::run_command(folder_, {"route", "bob@Example.JP", "-c", config});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("[[route]] domain = [\"example.jp\"]"));
  EXPECT_THAT(ended.out, HasSubstr("smtp:[127.0.0.1]:26"));
  EXPECT_THAT(ended.out, HasSubstr("may send there"));
  const auto other = test::run_command(folder_, {"route", "elsewhere.test", "-c", config});
  EXPECT_THAT(other.out, HasSubstr("by the MX of elsewhere.test"));
  EXPECT_THAT(other.out, HasSubstr("may not send there"));
  EXPECT_EQ(test::run_command(folder_, {"route", "a@b@.", "-c", config}).code, 64);
}

TEST_F(CliRelay, RouteOfThisHostItself) {
  const auto ended =
      test::run_command(folder_, {"route", "mx.example.jp", "-c", configuration("")});
  EXPECT_THAT(ended.out, HasSubstr("a name of this host"));
}

TEST_F(CliRelay, TestOfARoute) {
  test::SmtpParty party;
  const auto config = configuration(route_to(party.port()));
  const std::string host = "127.0.0.1:" + std::to_string(party.port());
  const std::string bracketed = "[127.0.0.1]:" + std::to_string(party.port());
  const std::vector<std::string> ways = {"example.jp", "bob@example.jp", "smtp:" + bracketed,
                                         bracketed, host};
  for (const std::string& what : ways) {
    const auto ended = test::run_command(folder_, {"relay", "test", what, "-c", config});
    EXPECT_EQ(ended.code, 0) << what << ": " << ended.out << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("C EHLO mx.example.jp"));
    EXPECT_THAT(ended.out, HasSubstr("C RSET"));
    EXPECT_THAT(ended.out, HasSubstr("All is well"));
    EXPECT_THAT(ended.out, Not(HasSubstr("C DATA")));
  }
}

TEST_F(CliRelay, TestOfAHostThatNoRouteNames) {
  test::SmtpParty party({"--refuse", "x@example.com=550 5.7.1 Relay access denied"});
  const auto ended =
      test::run_command(folder_, {"relay", "test", "127.0.0.1:" + std::to_string(party.port()),
                                  "--to", "x@example.com", "-c", configuration("")});
  EXPECT_EQ(ended.code, 69);
  EXPECT_THAT(ended.out, HasSubstr("What to do: the server does not relay for us"));
}

TEST_F(CliRelay, TestAsJson) {
  test::SmtpParty party;
  const auto ended = test::run_command(folder_, {"relay", "test", "example.jp", "--json", "-c",
                                                 configuration(route_to(party.port()))});
  const auto read = nlohmann::json::parse(ended.out);
  EXPECT_EQ(read["ok"], true);
  EXPECT_GT(read["dialogue"].size(), 5U);
}

TEST(CliRelayAdvice, SaysWhatToDo) {
  using Code = relay::Result::Code;
  const auto advice = [](Code code, const std::string& why) {
    return advice_for(relay::make_result(code, "4.4.1", why));
  };
  EXPECT_EQ(advice(Code::sent, ""), "");
  EXPECT_THAT(advice(Code::deferred, "connect: Connection timed out"), HasSubstr("port 25"));
  EXPECT_THAT(advice(Code::deferred, "connect: Network is unreachable"), HasSubstr("ipv4-only"));
  EXPECT_THAT(advice(Code::deferred, "connect: Connection refused"), HasSubstr("nothing listens"));
  EXPECT_THAT(advice(Code::loop, ""), HasSubstr("[[route]]"));
  const auto fault = [](const std::string& name, const std::string& why) {
    return advice_for(relay::own_fault("4.7.8", why, name));
  };
  EXPECT_THAT(fault("egress:192.0.2.1", ""), HasSubstr("ip address"));
  EXPECT_THAT(fault("socket:/run/x", ""), HasSubstr("start the program"));
  EXPECT_THAT(fault("tls:x", "the certificate is not verified"), HasSubstr("tls_name"));
  EXPECT_THAT(fault("route:x", "535"), HasSubstr("password_file"));
}

}  // namespace
}  // namespace sekisho::cli
