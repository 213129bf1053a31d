// The sections of the SMTP core: what their keys become, and what is said of values that are each
// valid and wrong together.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/dump.h"
#include "config/load.h"
#include "config/problems.h"
#include "config/reload.h"
#include "relay/via.h"

namespace sekisho::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string lines(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) out += finding.text() + "\n";
  return out;
}

Settings settings_of(const std::string& text) {
  const auto loaded = load_text(text, "a.conf");
  EXPECT_TRUE(loaded) << lines(loaded.error());
  return loaded ? loaded->settings : Settings();
}

std::string findings_of(const std::string& text) {
  const auto loaded = load_text(text, "a.conf");
  return lines(loaded ? loaded->findings : loaded.error());
}

const std::string listener = "[[listener]]\nprofile = \"mx\"\naddress = [\"127.0.0.1:2525\"]\n";
const std::string certificate = "[tls]\ncertificate = \"/c.pem\"\nkey = \"/k.pem\"\n";
const std::string users = "[users]\nsource = \"file:/etc/sekisho/users\"\n";

std::string open_route(const std::string& domain) {
  return listener + "[[route]]\ndomain = [\"" + domain +
         "\"]\nvia = \"smtp:[10.0.0.1]\"\nrecipients = \"any\"\n";
}

std::string route(const std::string& keys) {
  return listener + "[[route]]\ndomain = [\"example.net\"]\n" + keys + "\n";
}

std::string permit(const std::string& from, const std::string& to = "\"*\"") {
  return "[[permit]]\nfrom = [" + from + "]\nto = [" + to + "]\n";
}

TEST(ConfigSmtp, DefaultsOfTheContract) {
  const Settings settings;
  EXPECT_EQ(settings.limits.message_size, 50U * 1024 * 1024);
  EXPECT_EQ(settings.limits.recipients_per_day, 1000U);
  EXPECT_EQ(settings.queue.give_up, std::chrono::hours(120));
  EXPECT_EQ(settings.queue.retry.size(), 5U);
  EXPECT_EQ(settings.log.name, "sekisho");
  EXPECT_EQ(settings.egress.family, relay::Family::prefer_ipv4);
  EXPECT_EQ(settings.aliases.files, std::vector<std::string>{"/etc/aliases"});
}

TEST(ConfigSmtp, EachSectionBecomesItsOptions) {
  const Settings settings = settings_of(
      "[identity]\norigin = \"Example.JP\"\naddresses = [\"203.0.113.7\", \"2001:db8::7\"]\n"
      "domains = [\"example.jp\"]\n"
      "postmaster = \"taro@example.jp\"\nlocal_sender = \"reports@example.jp\"\n"
      "[log]\ntarget = \"stderr\"\nname = \"mail\"\n" +
      listener +
      "proxies = [\"10.0.0.5\", \"10.1.0.0/16\", \"xclient:10.0.0.6\"]\n"
      "limits = {connections = 3, message_size = \"10M\"}\n"
      "[limits]\nrecipients_per_minute = 7\nmessage_size = \"20M\"\n" +
      users +
      "senders = \"file:senders\"\n"
      "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\nmin_version = \"1.3\"\n"
      "names = [{certificate = \"/c2.pem\", key = \"/k2.pem\"}]\n"
      "[[route]]\ndomain = [\"Example.JP\", \".example.jp\"]\nvia = \"lmtp:unix:/run/lmtp\"\n"
      "recipients = \"users\"\n"
      "[[route]]\ndomain = [\"*\"]\nvia = \"smtp:[relay.example]:587\"\nlogin = \"us\"\n"
      "password_file = \"/p\"\nconcurrency = 2\negress = {family = \"ipv6-only\", timeout = "
      "\"1m\"}\n"
      "[queue]\nretry = [\"1s\", \"1h\"]\ngive_up = \"1d\"\n"
      "[smtp]\nbare_lf = \"reject\"\nhelo = \"log\"\n"
      "[aliases]\ndelimiter = \"-\"\nsrs_domain = \"srs.example.jp\"\n" +
      permit("\"192.168.1.0/24\", \"!192.168.1.9\""));
  EXPECT_EQ(settings.session.identity.origin, "example.jp");
  EXPECT_EQ(settings.session.identity.addresses.size(), 2U);
  EXPECT_EQ(settings.log.target, LogOptions::Target::stderr_stream);
  EXPECT_EQ(settings.log.name, "mail");
  ASSERT_EQ(settings.listeners.size(), 1U);
  const auto& first = settings.listeners[0];
  EXPECT_EQ(first.proxies,
            (std::vector<std::string>{"10.0.0.5", "10.1.0.0/16", "xclient:10.0.0.6"}));
  EXPECT_EQ(first.limits.connections, 3U);
  EXPECT_EQ(first.limits.message_size, 10U * 1024 * 1024);
  EXPECT_EQ(first.limits.recipients_per_minute, 7U);
  EXPECT_EQ(first.limits.messages_per_minute, smtp::Limits().messages_per_minute);
  EXPECT_EQ(settings.users.senders, "file:senders");
  EXPECT_EQ(settings.tls.min_version, tls::Version::v1_3);
  EXPECT_EQ(settings.tls.names, (std::vector<tls::KeyPair>{{"/c2.pem", "/k2.pem"}}));
  ASSERT_EQ(settings.routes.size(), 2U);
  EXPECT_EQ(settings.routes[0].domain, (std::vector<std::string>{"example.jp", ".example.jp"}));
  EXPECT_TRUE(settings.routes[0].open());
  EXPECT_FALSE(settings.routes[1].open());
  EXPECT_EQ(settings.routes[1].via.port, 587);
  EXPECT_EQ(settings.routes[1].tls, relay::RouteTls::verified);
  EXPECT_EQ(settings.routes[1].egress.over({}).timeout, std::chrono::minutes(1));
  EXPECT_EQ(settings.queue.retry.back(), std::chrono::hours(1));
  EXPECT_EQ(settings.smtp.bare_lf, smtp::OnBareLf::reject);
  ASSERT_EQ(settings.permits.size(), 1U);
  EXPECT_EQ(settings.permits[0].from,
            (std::vector<std::string>{"192.168.1.0/24", "!192.168.1.9/32"}));
  EXPECT_TRUE(settings.permits[0].line.starts_with("a.conf:"));
  EXPECT_EQ(settings.session.quarantine.where, session::QuarantineWhere::store);

  const auto again = load_text(dump(settings), "dump");
  ASSERT_TRUE(again) << lines(again.error()) << dump(settings);
  EXPECT_EQ(dump(again->settings), dump(settings));
  EXPECT_EQ(again->settings.listeners[0].limits, first.limits);
}

TEST(ConfigSmtp, TheFilesOfARouteStartFromTheFolderOfTheConfiguration) {
  const auto loaded = load_text(route("via = \"maildir:/m/{user}\"\nrecipients = \"file:list\""),
                                "/etc/sekisho/milter.conf");
  ASSERT_TRUE(loaded) << lines(loaded.error());
  EXPECT_EQ(loaded->settings.routes[0].recipients->path, "/etc/sekisho/list");
}

TEST(ConfigSmtp, AListenerIsEnoughToListen) {
  const auto alone = load_text(listener, "a.conf");
  ASSERT_TRUE(alone) << lines(alone.error());
  EXPECT_THAT(lines(problems(*alone, "a.conf", false)), testing::Not(HasSubstr("listen nowhere")));
  const auto none = load_text("", "a.conf");
  EXPECT_THAT(lines(problems(*none, "a.conf", false)),
              HasSubstr("no [[milter]] and no [[listener]]"));
}

TEST(ConfigSmtp, WhereMessagesAreHeld) {
  const std::string milter = "[[milter]]\nsocket = \"inet:8890@127.0.0.1\"\n";
  using session::QuarantineWhere;
  EXPECT_EQ(settings_of(milter).session.quarantine.where, QuarantineWhere::mta);
  EXPECT_EQ(settings_of(milter + listener).session.quarantine.where, QuarantineWhere::store);
  EXPECT_EQ(
      settings_of(milter + listener + "[quarantine]\nwhere = \"mta\"\n").session.quarantine.where,
      QuarantineWhere::mta);
  EXPECT_THAT(findings_of(listener + "[quarantine]\nwhere = \"mta\"\n"),
              HasSubstr("error: quarantine.where = \"mta\": without a [[milter]]"));
}

struct Case {
  std::string text;
  std::string want;  // part of the findings; empty: there are none
};

void check_all(const std::vector<Case>& table) {
  for (const Case& each : table) {
    const std::string said = findings_of(each.text);
    if (each.want.empty()) {
      EXPECT_THAT(said, IsEmpty()) << each.text;
    } else {
      EXPECT_THAT(said, HasSubstr(each.want)) << each.text;
    }
  }
}

TEST(ConfigSmtp, Listeners) {
  check_all({
      {listener, ""},
      {"[[listener]]\naddress = [\"127.0.0.1:2525\"]\n", "error: profile is missing"},
      {"[[listener]]\nprofile = \"local\"\n", "must be one of: mx, submission, submissions"},
      {"[[listener]]\nprofile = \"mx\"\naddress = \"localhost:25\"\n", "write ADDRESS:PORT"},
      {"[[listener]]\nprofile = \"mx\"\naddress = \"127.0.0.1:2525\"\n", ""},
      {listener + listener, "port 2525 is already taken by listener[1].address at a.conf:3:1"},
      {listener + "[[listener]]\nprofile = \"mx\"\naddress = [\"0.0.0.0:2525\"]\n",
       "port 2525 is already taken"},
      {listener + "[[listener]]\nprofile = \"mx\"\naddress = [\"[::]:2525\"]\n", ""},
      {"[[listener]]\nprofile = \"mx\"\n[[listener]]\nprofile = \"mx\"\n",
       "port 25 is already taken"},
      {listener + "[metrics]\nlisten = \"127.0.0.1:2525\"\n", "port 2525 is already taken"},
      {"[[listener]]\nprofile = \"submission\"\n" + users,
       "profile = \"submission\" needs a certificate"},
      {"[[listener]]\nprofile = \"submissions\"\n" + users,
       "profile = \"submissions\" needs a certificate"},
      {"[[listener]]\nprofile = \"submission\"\n" + users + certificate, ""},
      {"[[listener]]\nprofile = \"submission\"\n" + certificate,
       "warning: listener[1]: nobody can "
       "log in there"},
      {"[[listener]]\nprofile = \"submission\"\ntls = \"off\"\n" + users + certificate,
       "listener[1].tls is for profile = \"mx\""},
      {listener + "tls = \"required\"\n", "required needs a certificate"},
      {listener + "tls = \"required\"\n" + certificate, ""},
      {listener + "limits = {conections = 3}\n", "did you mean connections?"},
      {listener + "limits = {recipients = 3}\n", "must be a whole number from 100"},
      {listener + "[limits]\nmessage_size = \"1K\"\n", "must be a size from 64K to 4G"},
  });
}

TEST(ConfigSmtp, Proxies) {
  const auto proxies = [](const std::string& each) {
    return listener + "proxies = [\"" + each + "\"]\n";
  };
  check_all({
      {proxies("8.8.8.8"), ""},
      {proxies("8.8.8.0/24"), ""},
      {proxies("8.8.0.0/23"), "8.8.0.0/23 is wider than /24"},
      {proxies("10.0.0.0/8"), ""},
      {proxies("0.0.0.0/0"), "is wider than /24"},
      {proxies("xclient:8.0.0.0/8"), "is wider than /24"},
      {proxies("2a00:1:2::/48"), ""},
      {proxies("2a00:1::/47"), "is wider than /48"},
      {proxies("fc00::/7"), ""},
      {proxies("::/0"), "is wider than /48"},
      {proxies("proxy.example"), "write an address, a network, or xclient:ADDRESS"},
  });
}

TEST(ConfigSmtp, Certificates) {
  check_all({
      {certificate, ""},
      {"[tls]\ncertificate = \"/c.pem\"\n", "tls.key is missing"},
      {"[tls]\nkey = \"/k.pem\"\n", "tls.certificate is missing"},
      {certificate + "names = [{certificate = \"/c\"}]\n", "tls.names[0].key is missing"},
      {certificate + "names = [{}]\n", "tls.names[0] is empty"},
      {certificate + "names = [{cert = \"/c\"}]\n", "unknown key tls.names[0].cert"},
      {certificate + "names = \"/c\"\n", "must be a list of tables"},
      {"[tls]\nnames = [{certificate = \"/c\", key = \"/k\"}]\n",
       "tls.names needs tls.certificate"},
      {"[tls]\nmin_version = \"1.1\"\n", "must be one of: 1.2, 1.3"},
  });
}

// Promise 3: nobody outside reaches anywhere.
TEST(ConfigSmtp, NoOpenRouteForEverybodysNames) {
  for (const char* domain : {"*", "jp", ".jp", "com", "co.jp", ".co.jp", "co.uk"}) {
    EXPECT_THAT(findings_of(open_route(domain)), HasSubstr("error: route[1].recipients")) << domain;
  }
  const std::string ours = "[identity]\ndomains = [\"example.co.jp\"]\n";
  EXPECT_THAT(findings_of(ours + open_route("example.co.jp")), IsEmpty());
  EXPECT_THAT(findings_of(ours + open_route(".example.co.jp")), testing::Not(HasSubstr("error")));
}

TEST(ConfigSmtp, PermitsToEverywhereAreNotForEverybody) {
  const std::string wide = "than a /16 of public IPv4 addresses could send anywhere";
  const std::string wide6 = "than a /32 of public IPv6 addresses could send anywhere";
  check_all({
      {listener + permit("\"8.8.0.0/16\""), ""},
      {listener + permit("\"8.8.0.0/15\""), "error: permit[1].from: more " + wide},
      {listener + permit("\"0.0.0.0/0\""), wide},
      {listener + permit("\"0.0.0.0/1\", \"128.0.0.0/1\""), wide},
      {listener + permit("\"8.8.0.0/16\", \"8.8.4.4\""), ""},
      {listener + permit("\"8.8.0.0/16\", \"9.9.9.9\""), wide},
      {listener + permit("\"8.8.0.0/16\"") + permit("\"9.9.9.9\""),
       "error: permit[2].from: with the permits before it, more " + wide},
      {listener + permit("\"8.8.0.0/15\", \"!8.9.0.0/16\""), ""},
      {listener + permit("\"8.8.0.0/15\"", "\"example.net\""), ""},
      {listener + permit("\"8.8.0.0/15\"", "\"example.net\", \"*\""), wide},
      {listener + permit("\"8.8.0.0/15\"", "\".com\""), wide},
      {listener + permit("\"8.8.0.0/15\"", "\"co.jp\", \".co.jp\""), wide},
      {listener + permit("\"10.0.0.0/8\", \"192.168.0.0/16\", \"fc00::/7\""), ""},
      {listener + permit("\"2a00:1::/32\""), ""},
      {listener + permit("\"2a00::/31\""), wide6},
      {listener + permit("\"::/0\""), wide6},
      {listener + permit("\"192.0.2.1/24\""), "did you mean 192.0.2.0/24"},
      {listener + "[[permit]]\nfrom = [\"10.0.0.1\"]\n", "to is missing"},
      {listener + "[[permit]]\nto = [\"*\"]\n", "from is missing"},
      {permit("\"10.0.0.1\""), "warning: [[permit]] has no effect without a [[listener]]"},
  });
}

TEST(ConfigSmtp, ARelayIsNothingElse) {
  const std::string relays = "[trust]\nrelays = [\"198.51.100.25\"]\n";
  check_all({
      {listener + relays, ""},
      {listener + relays + permit("\"198.51.100.25\""), "error: 198.51.100.25/32 is in permit[1]"},
      {listener + relays + permit("\"198.51.100.0/24\""),
       "error: 198.51.100.25/32 is in permit[1] too (198.51.100.0/24)"},
      {listener + relays + permit("\"198.51.100.0/24\", \"!198.51.100.25\""), ""},
      {listener + relays + "networks = [\"198.51.100.0/24\"]\n",
       "error: 198.51.100.25/32 is in trust.networks"},
      {relays + "networks = [\"198.51.100.0/24\"]\n",
       "warning: 198.51.100.25/32 is in trust.networks"},
      {listener + "[trust]\nrelays = [\"127.0.0.1\"]\n",
       "error: 127.0.0.1/32 is in trust.networks"},
      {"[trust]\nrelays = [\"127.0.0.1\"]\n", ""},
  });
}

TEST(ConfigSmtp, NetworksTakeExclusions) {
  const Settings settings = settings_of("[trust]\nnetworks = [\"192.0.2.0/24\", \"!192.0.2.1\"]\n");
  EXPECT_FALSE(
      settings.session.trust.networks.contains(mail::IpAddress::parse("192.0.2.1").value()));
  EXPECT_TRUE(
      settings.session.trust.networks.contains(mail::IpAddress::parse("192.0.2.2").value()));
  EXPECT_THAT(findings_of("[trust]\nnetworks = [\"10.0.0.1\", \"0.0.0.0/0\"]\n"),
              HasSubstr("error: trust.networks: 0.0.0.0/0 is every IPv4 address"));
}

TEST(ConfigSmtp, Routes) {
  const std::string smtp = "via = \"smtp:[10.0.0.1]\"\n";
  const std::string file = "recipients = \"file:/list\"\n";
  check_all({
      {route(smtp), ""},
      {listener + "[[route]]\nvia = \"mx\"\n", "domain: is missing"},
      {listener + "[[route]]\ndomain = [\"example.net\"]\n", "via: is missing"},
      {listener + "[[route]]\ndomain = []\nvia = \"mx\"\n", "the list is empty"},
      {route("via = \"relay.example:587\""), "write lmtp:unix:/PATH"},
      {route(smtp) + "[[route]]\ndomain = [\"example.net\"]\nvia = \"mx\"\n",
       "example.net is given twice"},
      {route("via = \"lmtp:unix:/l\""), "needs recipients"},
      {route("via = \"maildir:/m/{user}\""), "needs recipients"},
      {route("via = \"maildir:/m/{user}\"\nrecipients = \"any\""), "recipients: any:"},
      {route("via = \"maildir:/m/{user}\"\nrecipients = \"ask\""), "recipients: ask:"},
      {route("via = \"discard\"\nrecipients = \"ask\""), "recipients: ask:"},
      {route("via = \"lmtp:unix:/l\"\nrecipients = \"all\""), "write users, any, ask or file:PATH"},
      {route("via = \"lmtp:unix:/l\"\nrecipients = \"users\""), "set users.source"},
      {users + "[[route]]\ndomain = [\"a.example\"]\nvia = \"lmtp:unix:/l\"\n"
               "recipients = \"users\"\n",
       "warning: [[route]] has no effect without a [[listener]]"},
      {"[users]\nsource = \"dovecot:/d\"\n" +
           route("via = \"lmtp:unix:/l\"\nrecipients = \"users\""),
       "with another source"},
      {"[users]\nsource = \"/etc/users\"\n", "write file:PATH, dovecot:PATH or saslauthd:PATH"},
      {"[identity]\ndomains = [\"example.net\"]\n" + route("via = \"lmtp:unix:/l\"\n" + file), ""},
  });
}

TEST(ConfigSmtp, LoginsOfRoutes) {
  const std::string smtp = "via = \"smtp:[10.0.0.1]:587\"\nlogin = \"us\"\n";
  check_all({
      {route(smtp + "password_file = \"/p\""), ""},
      {route(smtp + "token_file = \"/t\""), ""},
      {route(smtp + "tls = \"verified\"\npassword_file = \"/p\""), ""},
      {route(smtp), "login: needs a password"},
      {route(smtp + "password_file = \"/p\"\ntoken_file = \"/t\""), "there is a password_file too"},
      {route(smtp + "password_file = \"/p\"\ntls = \"none\""),
       "warning: route[1].tls = \"none\" has no effect"},
      {route("via = \"smtp:[10.0.0.1]\"\npassword_file = \"/p\""), "there is no login"},
      {route("via = \"mx\"\nlogin = \"us\"\npassword_file = \"/p\""), "login: with via = \"mx\""},
      {route("via = \"lmtp:unix:/l\"\nrecipients = \"file:/l\"\nlogin = \"us\"\n"
             "password_file = \"/p\""),
       "only by smtp and smtps"},
      {route("via = \"discard\"\ntls = \"required\""), "warning: route[1].tls: has no effect"},
      {route("via = \"smtps:[a.example]\"\ntls = \"none\""), "smtps is TLS from the first octet"},
  });
}

TEST(ConfigSmtp, Egress) {
  const auto mx = [](const std::string& egress) {
    return route("via = \"mx\"\negress = {" + egress + "}");
  };
  check_all({
      {"[egress]\nipv4 = \"192.0.2.1\"\nipv6 = \"2001:db8::1\"\n", ""},
      {"[egress]\nipv6 = \"fe80::1%eth0\"\n", ""},
      {"[egress]\nipv4 = \"2001:db8::1\"\n", "write one IPv4 address"},
      {"[egress]\nipv6 = \"192.0.2.1\"\n", "write one IPv6 address"},
      {"[egress]\nipv6 = \"2001:db8::1\"\nfamily = \"ipv4-only\"\n",
       "error: egress.ipv6 is never used"},
      {"[egress]\nipv4 = \"192.0.2.1\"\nfamily = \"ipv6-only\"\n",
       "error: egress.ipv4 is never used"},
      {mx("ipv6 = \"2001:db8::1\", family = \"ipv4-only\""), "egress: ipv6 is never used"},
      {mx("ipv4 = \"192.0.2.1\", family = \"ipv6-only\""), "egress: ipv4 is never used"},
      {"[egress]\nfamily = \"ipv4-only\"\n" + mx("ipv6 = \"2001:db8::1\""),
       "egress: ipv6 is never used"},
      {"[egress]\nipv6 = \"2001:db8::1\"\n" + mx("family = \"ipv4-only\""), ""},
      {mx("ipv5 = \"x\""), "unknown key route[1].egress.ipv5"},
  });
}

TEST(ConfigSmtp, Queue) {
  check_all({
      {"[queue]\nretry = [\"1s\"]\nwarn_after = \"1s\"\ngive_up = \"2s\"\n", ""},
      {"[queue]\nretry = []\n", "must be a list, as in"},
      {"[queue]\nretry = [\"5\"]\n", "queue.retry[0] must be a duration"},
      {"[queue]\nretry = [\"500ms\"]\n", "queue.retry[0] must be a duration from 1s"},
      {"[queue]\ndir = \"\"\n", "queue.dir is empty"},
      {"[queue]\ngive_up = \"1h\"\n", "warning: queue.warn_after (4h) is not before"},
      {"[log]\nname = \"\"\n", "log.name is empty"},
      {"[log]\nname = \"a b\"\n", "letters, digits"},
      {"[identity]\nlocal_sender = \"reports\"\n", "write one address"},
  });
}

TEST(ConfigSmtp, DifferencesBetweenWhoWeAreAndWhereMailGoes) {
  check_all({
      {"[identity]\ndomains = [\"example.com\"]\n" + listener,
       "warning: identity.domains has example.com, and no open route"},
      {open_route("example.com"),
       "warning: the route is open for example.com, which is not in identity.domains"},
      {"[identity]\ndomains = [\"example.com\"]\n" + open_route("a.example.com"),
       "warning: identity.domains has example.com"},
      {"[identity]\ndomains = [\"example.com\"]\n" + open_route("example.com"), ""},
      {"[identity]\ndomains = [\"example.com\"]\n", ""},
  });
}

TEST(ConfigSmtp, AReloadChangesAllOfAListenerButWhereItIs) {
  const Settings running = settings_of(listener + "limits = {connections = 1}\n");
  const Settings limits = settings_of(listener + "limits = {connections = 2}\n");
  EXPECT_THAT(reload_needs_restart(running, limits), IsEmpty());
  EXPECT_EQ(keep_until_restart(running, limits).listeners[0].limits.connections, 2U);

  const std::string other = "[[listener]]\nprofile = \"mx\"\naddress = [\"127.0.0.1:2526\"]\n";
  const Settings more = settings_of(other + listener + "limits = {connections = 3}\n");
  EXPECT_EQ(reload_needs_restart(running, more), std::vector<std::string>{"listener"});
  const Settings kept = keep_until_restart(running, more);
  ASSERT_EQ(kept.listeners.size(), 1U);
  EXPECT_EQ(kept.listeners[0].address, std::vector<std::string>{"127.0.0.1:2525"});
  EXPECT_EQ(kept.listeners[0].limits.connections, 3U);

  const Settings gone = settings_of(other);
  EXPECT_EQ(keep_until_restart(running, gone).listeners[0].limits.connections, 1U);
  EXPECT_THAT(reload_needs_restart(running, settings_of(listener + "[queue]\ndir = \"/q\"\n")),
              testing::ElementsAre("queue.dir"));
}

}  // namespace
}  // namespace sekisho::config
