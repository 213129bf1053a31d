// `sekisho route` and `sekisho relay test`, against a real server.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/relay_test.h"
#include "relay/results.h"
#include "support/certificates.h"
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
  EXPECT_THAT(ended.out, HasSubstr("[[route]] 1 of 1, domain = [\"example.jp\"]"));
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

// The whole way, by the configured zone: which MX, which of them are us, and what it leaves from.
TEST_F(CliRelay, RouteSaysTheWayByMx) {
  std::ofstream(folder_.file("zone"))
      << "$ORIGIN test.\nmany MX 10 one\nmany MX 20 us\nmany MX 30 worse\none A 192.0.2.1\n"
         "one AAAA 2001:db8::1\nus A 127.0.0.1\nworse A 192.0.2.3\nloop MX 10 us\n"
         "null MX 0 .\n";
  const auto config = configuration(
      "[egress]\nfamily = \"ipv4-only\"\nipv4 = \"203.0.113.77\"\n"
      "[dns]\nzone_file = \"" +
      folder_.file("zone") + "\"\n");
  const auto way = [&](const char* address) {
    return test::run_command(folder_, {"route", address, "-c", config}).out;
  };
  const auto many = way("a@many.test");
  EXPECT_THAT(many, HasSubstr("10 one.test, 192.0.2.1, 2001:db8::1\n"));
  EXPECT_THAT(many, HasSubstr("20 us.test, 127.0.0.1: left out: is this host\n"));
  EXPECT_THAT(many, HasSubstr("30 worse.test, 192.0.2.3: left out: is no better than this host"));
  EXPECT_THAT(many, HasSubstr("one.test[192.0.2.1]:25, egress.ipv4 = 203.0.113.77 is not an "
                              "address of this host, so the mail waits\n"));
  EXPECT_THAT(many, Not(HasSubstr("[2001:db8::1]:25")));
  EXPECT_THAT(way("loop.test"), HasSubstr("the best MX of loop.test is this host: us.test: the "
                                          "mail waits"));
  EXPECT_THAT(way("null.test"), HasSubstr("goes back to its sender"));
  EXPECT_THAT(way("absent.test"), HasSubstr("absent.test does not exist"));
  const auto read = nlohmann::json::parse(
      test::run_command(folder_, {"route", "many.test", "--json", "-c", config}).out);
  EXPECT_EQ(read["mx"].size(), 3U);
  EXPECT_EQ(read["next hop"].size(), 1U);
}

TEST_F(CliRelay, RouteSaysTheWayToAHost) {
  std::ofstream(folder_.file("recipients")) << "bob@example.jp\n";
  std::ofstream(folder_.file("aliases")) << "sales@example.jp: bob@example.jp, eve@other.test\n";
  const auto config = configuration(
      "[aliases]\nfiles = [\"" + folder_.file("aliases") + "\"]\nsrs_secret_file = \"" +
      folder_.file("srs") +
      "\"\n"
      "[[route]]\ndomain = [\"example.jp\"]\nvia = \"smtp:[127.0.0.1]:26\"\n"
      "recipients = \"file:" +
      folder_.file("recipients") +
      "\"\n"
      "[[route]]\ndomain = [\".example.com\"]\nvia = \"lmtp:unix:/nonexistent/lmtp\"\n"
      "recipients = \"any\"\n");
  const auto way = [&](const char* address) {
    return test::run_command(folder_, {"route", address, "-c", config}).out;
  };
  const auto bob = way("bob@example.jp");
  EXPECT_THAT(bob, HasSubstr("[[route]] 1 of 2, domain = [\"example.jp\"], by \"example.jp\"\n"));
  EXPECT_THAT(bob, HasSubstr("[127.0.0.1]:26, from 127.0.0.1, as the system chooses\n"));
  EXPECT_THAT(bob, HasSubstr("recipient   exists\n"));
  EXPECT_THAT(way("eve@example.jp"), HasSubstr("does not exist: it is refused at RCPT"));
  EXPECT_THAT(way("sales@example.jp"), HasSubstr("bob@example.jp, eve@other.test\n"));
  const auto below = way("a@b.example.com");
  EXPECT_THAT(below, HasSubstr("by \".example.com\": below it"));
  EXPECT_THAT(below, HasSubstr("/nonexistent/lmtp: No such file or directory"));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("srs"))) << "the daemon could not read it";
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

// What listeners demand of clients would make the next hop's old TLS a broken one, and then none.
TEST_F(CliRelay, TheVersionForListenersIsNotForNextHops) {
  const auto pair = test::self_signed("127.0.0.1");
  std::ofstream(folder_.file("cert")) << pair.certificate;
  std::ofstream(folder_.file("key")) << pair.key;
  test::SmtpParty party(
      {"--certificate", folder_.file("cert"), "--key", folder_.file("key"), "--tls-1.2"});
  const auto config = configuration("[tls]\nmin_version = \"1.3\"\n" + route_to(party.port()));
  const auto ended = test::run_command(folder_, {"relay", "test", "example.jp", "-c", config});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("TLS: TLSv1.2"));
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
