// Where mail goes and who may send there; then, against a model written only from the contract: in
// random configurations, and in every spelling of an address, no stranger reaches what is no open
// route.
#include "relay/map.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "relay/via.h"

namespace sekisho::relay {
namespace {

mail::IpAddress ip(const char* text) { return mail::IpAddress::parse(text).value(); }

Sender from(const char* address) { return {.address = ip(address)}; }

Sender a_login() {
  Sender out;
  out.login = true;
  return out;
}

Sender a_program() {
  Sender out;
  out.local = true;
  return out;
}

Route route(std::vector<std::string> domains, const char* via, bool open) {
  Route out;
  out.domain = std::move(domains);
  out.via = parse_via(via).value();
  if (open) out.recipients = Recipients{Recipients::Kind::any, {}};
  return out;
}

MapOptions site() {
  MapOptions out;
  out.hostname = "mx.example.jp";
  out.own_names = {"[192.0.2.1]", "[ipv6:2001:db8::1]"};
  out.identity_domains = {"example.jp"};
  out.networks = {mail::IpPrefix::parse("127.0.0.0/8").value()};
  out.relays = {mail::IpPrefix::parse("198.51.100.25").value()};
  out.routes = {route({"example.jp"}, "lmtp:unix:/run/lmtp", true),
                route({".example.jp"}, "smtp:[10.0.0.2]", true),
                route({"partner.example"}, "smtp:[relay.partner.example]", false)};
  out.permits = {{{"192.168.1.0/24", "!192.168.1.66"}, {"*"}, "c:1"},
                 {{"192.168.2.0/24"}, {"partner.example", ".friend.example"}, "c:2"}};
  out.shared_addresses = {ip("192.168.1.1")};
  return out;
}

TEST(RelayMap, TheMostSpecificRouteWins) {
  MapOptions options = site();
  options.routes = {route({"*"}, "smtp:[a.example]", false),
                    route({".jp"}, "smtp:[b.example]", false),
                    route({".example.jp"}, "smtp:[c.example]", false),
                    route({"a.example.jp"}, "smtp:[d.example]", false)};
  const Map map(options);
  const auto target = [&](std::string_view domain) {
    const Route* found = map.find(domain);
    return found == nullptr ? std::string("none") : found->via.target;
  };
  EXPECT_EQ(target("a.example.jp"), "d.example");
  EXPECT_EQ(target("b.example.jp"), "c.example");
  EXPECT_EQ(target("x.a.example.jp"), "c.example");
  EXPECT_EQ(target("example.jp"), "b.example");
  EXPECT_EQ(target("badexample.jp"), "b.example");
  EXPECT_EQ(target("jp"), "a.example");
  EXPECT_EQ(target("example.com"), "a.example");
  EXPECT_EQ(target("[203.0.113.1]"), "a.example");
}

TEST(RelayMap, WithoutAStarTheRestGoesByMx) {
  const Map map(site());
  EXPECT_EQ(map.find("example.com"), nullptr);
  EXPECT_FALSE(map.is_own_name("example.com"));
}

TEST(RelayMap, OurOwnNamesNeverLeaveByTheStar) {
  MapOptions options = site();
  options.routes = {route({"*"}, "smtp:[relay.example]", false)};
  const Map map(options);
  for (const char* name : {"mx.example.jp", "localhost", "[192.0.2.1]", "[127.0.0.1]"}) {
    EXPECT_EQ(map.find(name), nullptr) << name;
    EXPECT_TRUE(map.is_own_name(name)) << name;
  }
  EXPECT_NE(map.find("example.jp"), nullptr);
}

TEST(RelayMap, OurOwnNamesHaveTheRouteOfTheHostname) {
  MapOptions options = site();
  options.routes.push_back(route({"mx.example.jp"}, "maildir:/var/mail/{user}", true));
  const Map map(options);
  const Route* own = map.find("mx.example.jp");
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->via.kind, Via::Kind::maildir);
  for (const char* name : {"localhost", "[192.0.2.1]", "[127.9.9.9]", "[ipv6:2001:db8::1]"}) {
    EXPECT_EQ(map.find(name), own) << name;
  }
  EXPECT_TRUE(map.reach(from("203.0.113.9"), "a@[IPv6:2001:DB8::1]").allowed);
  EXPECT_EQ(map.reach(from("203.0.113.9"), "a@localhost").path.raw(), "a@mx.example.jp");
}

TEST(RelayMap, OwnNamesInAnySpelling) {
  const Map map(site());
  for (const char* name :
       {"MX.Example.JP", "mx.example.jp.", "localhost", "LOCALHOST.", "[127.0.0.1]", "[127.1.2.3]",
        "[192.0.2.1]", "[::ffff:192.0.2.1]", "[IPv6:::ffff:192.0.2.1]", "[IPv6:::1]", "[::1]",
        "[ipv6:2001:0DB8:0::1]", "[IPv6:::]", "[0.0.0.0]"}) {
    EXPECT_TRUE(map.is_own_name(name)) << name;
  }
  for (const char* name : {"example.jp", "x.mx.example.jp", "[192.0.2.2]", "192.0.2.1", "127.0.0.1",
                           "[127.1]", "[0x7f.0.0.1]", "", "[]", "[IPv6:]"}) {
    EXPECT_FALSE(map.is_own_name(name)) << name;
  }
}

TEST(RelayMap, WhoIsWho) {
  const Map map(site());
  EXPECT_EQ(map.standing({.address = ip("203.0.113.9"), .local = true}), Standing::local);
  EXPECT_EQ(map.standing({.address = ip("203.0.113.9"), .login = true}), Standing::login);
  EXPECT_EQ(map.standing(from("192.168.1.10")), Standing::permitted);
  EXPECT_EQ(map.standing(from("192.168.2.10")), Standing::permitted);
  EXPECT_EQ(map.standing(from("127.0.0.1")), Standing::trusted);
  EXPECT_EQ(map.standing(from("198.51.100.25")), Standing::relay_host);
  EXPECT_EQ(map.standing(from("203.0.113.9")), Standing::stranger);
  EXPECT_EQ(map.standing(from("::ffff:192.168.1.10")), Standing::permitted);
  EXPECT_EQ(map.standing({}), Standing::stranger);
}

TEST(RelayMap, ANetworkNeverCoversASharedAddress) {
  MapOptions options = site();
  options.networks = {mail::IpPrefix::parse("192.168.0.0/16").value()};
  EXPECT_EQ(Map(options).standing(from("192.168.1.1")), Standing::stranger);
  EXPECT_EQ(Map(options).standing(from("192.168.1.66")), Standing::trusted);
  options.permits[0].from.push_back("192.168.1.1");
  EXPECT_EQ(Map(options).standing(from("192.168.1.1")), Standing::permitted);
}

TEST(RelayMap, TrustedAreTheNetworksAndThosePermittedAnywhere) {
  const Map map(site());
  EXPECT_TRUE(map.trusted().contains(ip("127.0.0.1")));
  EXPECT_TRUE(map.trusted().contains(ip("192.168.1.10")));
  EXPECT_FALSE(map.trusted().contains(ip("192.168.1.66")));
  EXPECT_FALSE(map.trusted().contains(ip("192.168.1.1")));
  EXPECT_FALSE(map.trusted().contains(ip("192.168.2.10")));
}

// The exclusion of one line does not take away what another line gives.
TEST(RelayMap, AnExclusionConcernsItsOwnLine) {
  MapOptions options = site();
  options.networks.add(mail::PrefixSet::parse_entry("192.168.1.64/26").value());
  const Map map(options);
  EXPECT_TRUE(map.trusted().contains(ip("192.168.1.66")));
  EXPECT_EQ(map.standing(from("192.168.1.66")), Standing::trusted);
  EXPECT_FALSE(map.reach(from("192.168.1.66"), "a@example.com").allowed);
}

TEST(RelayMap, WhoReachesWhat) {
  const Map map(site());
  struct Case {
    const char* client;
    const char* recipient;
    bool allowed;
    const char* by;
  };
  const Case table[] = {
      {"203.0.113.9", "a@example.jp", true, "[[route]] example.jp"},
      {"203.0.113.9", "a@b.example.jp", true, "[[route]] .example.jp"},
      {"203.0.113.9", "a@example.com", false, ""},
      {"203.0.113.9", "a@partner.example", false, ""},
      {"198.51.100.25", "a@example.jp", true, "[[route]] example.jp"},
      {"198.51.100.25", "a@example.com", false, ""},
      {"127.0.0.1", "a@example.com", false, ""},
      {"127.0.0.1", "a@example.jp", true, "[[route]] example.jp"},
      {"192.168.1.10", "a@example.com", true, "[[permit]] 192.168.1.0/24"},
      {"192.168.1.66", "a@example.com", false, ""},
      {"192.168.1.1", "a@example.com", false, ""},
      {"192.168.2.10", "a@partner.example", true, "[[permit]] 192.168.2.0/24"},
      {"192.168.2.10", "a@x.friend.example", true, "[[permit]] 192.168.2.0/24"},
      {"192.168.2.10", "a@friend.example", false, ""},
      {"192.168.2.10", "a@example.com", false, ""},
  };
  for (const Case& each : table) {
    const Reach reach = map.reach(from(each.client), each.recipient);
    EXPECT_EQ(reach.allowed, each.allowed) << each.client << " " << each.recipient;
    EXPECT_EQ(reach.by, each.by) << each.client << " " << each.recipient;
    EXPECT_EQ(reach.why_not.empty(), each.allowed) << each.client << " " << each.recipient;
  }
  EXPECT_EQ(map.reach(a_login(), "a@example.com").by, "a login");
  EXPECT_TRUE(map.reach(a_program(), "a@example.com").allowed);
  EXPECT_FALSE(map.reach({}, "a@example.com").allowed);
}

TEST(RelayMap, ARefusalSaysWhichLineWouldAllowIt) {
  const Map map(site());
  EXPECT_EQ(map.reach(from("203.0.113.9"), "a@Example.com").why_not,
            "[[permit]] from = [\"203.0.113.9\"] to = [\"example.com\"] would allow it");
  EXPECT_NE(map.reach(from("192.168.1.1"), "a@example.com").why_not.find("gateway"),
            std::string::npos);
  EXPECT_NE(map.reach(from("203.0.113.9"), "a@partner.example").why_not.find("`recipients`"),
            std::string::npos);
}

TEST(RelayMap, PostmasterIsReachedWhereverHeMustBe) {
  const Map map(site());
  for (const char* recipient :
       {"postmaster", "PostMaster", "postmaster@example.jp", "postmaster@mx.example.jp",
        "postmaster@[192.0.2.1]", "postmaster@[IPv6:2001:db8::1]", "\"postmaster\"@localhost"}) {
    EXPECT_TRUE(map.reach(from("203.0.113.9"), recipient).allowed) << recipient;
  }
  for (const char* recipient : {"postmaster@example.com", "postmaster@partner.example", "root",
                                "postmaster@[203.0.113.7]"}) {
    EXPECT_FALSE(map.reach(from("203.0.113.9"), recipient).allowed) << recipient;
  }
  MapOptions options = site();
  options.routes.erase(options.routes.begin() + 1);
  const Map without_a_route(options);
  EXPECT_TRUE(without_a_route.reach(from("203.0.113.9"), "postmaster@mx.example.jp").allowed);
  EXPECT_FALSE(without_a_route.reach(from("203.0.113.9"), "root@mx.example.jp").allowed);
}

TEST(RelayMap, PostmasterIsReadAtTheHostnameElseAtOurFirstOpenDomain) {
  MapOptions options = site();
  options.identity_domains = {"closed.example", "example.jp"};
  for (const char* bare : {"postmaster", "postmaster@mx.example.jp", "postmaster@[127.0.0.1]"}) {
    const Reach reach = Map(options).reach(from("203.0.113.9"), bare);
    // ".example.jp" is a route of the hostname.
    EXPECT_EQ(reach.path.raw(), "postmaster@mx.example.jp") << bare;
  }
  options.routes.erase(options.routes.begin() + 1);
  const Map map(options);
  for (const char* bare : {"postmaster", "postmaster@mx.example.jp", "postmaster@[127.0.0.1]"}) {
    const Reach reach = map.reach(from("203.0.113.9"), bare);
    EXPECT_EQ(reach.path.raw(), "postmaster@example.jp") << bare;
    EXPECT_EQ(reach.route, map.find("example.jp")) << bare;
  }
  options.routes.clear();
  const Reach reach = Map(options).reach(from("203.0.113.9"), "postmaster");
  EXPECT_TRUE(reach.allowed && reach.own);
  EXPECT_EQ(reach.path.raw(), "postmaster@mx.example.jp");
  EXPECT_EQ(reach.route, nullptr);
}

TEST(RelayMap, ThePathThatEverythingBehindTheFrontSees) {
  const Map map(site());
  const std::pair<const char*, const char*> table[] = {
      {"a@example.jp", "a@example.jp"},
      {"A.B@Example.JP", "A.B@Example.JP"},
      {"a@example.jp.", "a@example.jp"},
      {"@x.example,@y.example:a@example.jp", "a@example.jp"},
      {"a%b@example.jp", "a%b@example.jp"},
      {"a@localhost", "a@mx.example.jp"},
      {"\"a b\"@[192.0.2.1]", "\"a b\"@mx.example.jp"},
      {"a@[203.0.113.1]", "a@[203.0.113.1]"},
      {"root", "root@mx.example.jp"},
      {"a@b@example.jp", "a@b@example.jp"},
      {"a@", "a@"},
      {"", ""},
  };
  for (const auto& [written, want] : table) EXPECT_EQ(map.canonical(written).raw(), want);
}

// A local part is never a way to somewhere else, and where another server reads it after us, which
// trusts our address, it may not even look like one.
TEST(RelayMap, LocalPartsThatLookLikeRoutes) {
  const Map map(site());
  for (const char* local : {"a%example.com", "example.com!a", "\"a@example.com\"",
                            "\"@example.com:a\"", "a%example.com%example.net", "\"a\\@b\""}) {
    const std::string at_us = std::string(local) + "@example.jp";
    EXPECT_TRUE(map.reach(from("203.0.113.9"), at_us).allowed) << local;
    EXPECT_EQ(map.reach(from("203.0.113.9"), at_us).route, map.find("example.jp")) << local;
    const std::string relayed = std::string(local) + "@b.example.jp";
    EXPECT_FALSE(map.reach(from("203.0.113.9"), relayed).allowed) << local;
    EXPECT_FALSE(map.reach(from("127.0.0.1"), relayed).allowed) << local;
    EXPECT_TRUE(map.reach(from("192.168.1.10"), relayed).allowed) << local;
    EXPECT_TRUE(map.reach(a_login(), relayed).allowed) << local;
  }
}

TEST(RelayMap, TextsThatAreNoAddressReachNothing) {
  const Map map(site());
  for (const char* text : {"",
                           "@",
                           "a@",
                           "@example.jp",
                           "a@b@example.jp",
                           "a@\"b@example.jp",
                           "\"a\"b@example.jp",
                           "\"a@example.jp",
                           "a b@example.jp",
                           "a@example..jp",
                           "a@.example.jp",
                           "a@example.jp..",
                           "a@[127.0.0.1",
                           "a@127.0.0.1",
                           "a@127.1",
                           "a@2130706433",
                           "a@[x]",
                           "a@[IPv6:1]",
                           "a@example.jp(x)",
                           "a@example.jp,b@example.com",
                           "<a@example.jp>",
                           "a@exam ple.jp",
                           "@x:",
                           "@x:@example.jp",
                           "\"a\r\nb\"@example.jp"}) {
    EXPECT_FALSE(map.reach(from("203.0.113.9"), text).allowed) << text;
    EXPECT_FALSE(map.reach(a_login(), text).allowed) << text;
  }
  const std::string long_local(200, 'a');
  EXPECT_TRUE(map.reach(from("203.0.113.9"), long_local + "@example.jp").allowed);
}

TEST(RelayMap, DomainsThatAreNotAsciiHaveTheirALabels) {
  MapOptions options = site();
  options.routes.push_back(route({"xn--r8jz45g.jp"}, "lmtp:unix:/run/lmtp", true));
  const Map map(options);
  for (const char* text : {"a@例え.jp", "a@xn--r8jz45g.jp", "a@XN--R8JZ45G.JP", "a@例え.ＪＰ"}) {
    EXPECT_TRUE(map.reach(from("203.0.113.9"), text).allowed) << text;
  }
}

TEST(RelayMap, EgressIsMergedKeyByKey) {
  MapOptions options = site();
  options.egress.ipv4 = "192.0.2.1";
  options.routes[0].egress.family = Family::ipv6_only;
  const Map map(options);
  EXPECT_EQ(map.egress_of(map.find("example.jp")).family, Family::ipv6_only);
  EXPECT_EQ(map.egress_of(map.find("example.jp")).ipv4, "192.0.2.1");
  EXPECT_EQ(map.egress_of(nullptr).family, Family::prefer_ipv4);
}

// --- Against a model -----------------------------------------------------------------------------
//
// The model knows an address by how it was made, and never takes a text apart.

using Random = std::mt19937;

template <class T>
const T& one_of(const std::vector<T>& all, Random& random) {
  return all[std::uniform_int_distribution<std::size_t>(0, all.size() - 1)(random)];
}

bool one_in(unsigned count, Random& random) {
  return std::uniform_int_distribution<unsigned>(1, count)(random) == 1;
}

const std::vector<std::string> domains{"example.jp",    "a.example.jp",  "b.a.example.jp",
                                       "example.com",   "x.example.com", "other.example",
                                       "mx.example.jp", "relay.example", "xample.jp"};
const std::vector<std::string> patterns{"example.jp",  ".example.jp",   "a.example.jp",
                                        "example.com", ".example.com",  ".other.example",
                                        "*",           "relay.example", "mx.example.jp"};
const std::vector<std::string> vias{"lmtp:unix:/run/lmtp", "smtp:[10.0.0.2]", "mx", "discard",
                                    "maildir:/m/{user}"};

struct Written {
  std::string text;
  std::string domain;  // where it goes; empty: a bare name
  bool own = false;    // localhost or a literal of ours
  bool nonsense = false;
  bool hidden_route = false;
  bool postmaster = false;
};

std::string mixed_case(std::string text, Random& random) {
  for (char& c : text) {
    if (one_in(2, random) && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string spelled(const std::string& domain, Random& random) {
  std::string out = one_in(2, random) ? mixed_case(domain, random) : domain;
  if (one_in(4, random)) out += ".";
  return out;
}

void write_local(Written& out, Random& random) {
  const std::string& other = one_of(domains, random);
  const std::vector<std::pair<std::string, bool>> locals{{"a", false},
                                                         {"a.b", false},
                                                         {"a+x", false},
                                                         {"\"a b\"", false},
                                                         {"a..b", false},
                                                         {"a%" + other, true},
                                                         {other + "!a", true},
                                                         {"\"a@" + other + "\"", true},
                                                         {"\"@" + other + ":a\"", true},
                                                         {"a%b%" + other, true},
                                                         {"a/" + other, false},
                                                         {"\"a\\\\\\@" + other + "\"", true}};
  const auto& [local, hidden] = one_of(locals, random);
  out.text = local;
  out.hidden_route = hidden;
  if (!one_in(6, random)) return;
  out.postmaster = true;
  out.hidden_route = false;
  out.text = one_in(2, random) ? "postmaster" : "\"PostMaster\"";
}

void write_domain(Written& out, Random& random) {
  const std::vector<std::string> ours{"localhost",          "[127.0.0.1]",
                                      "[IPv6:::1]",         "[192.0.2.1]",
                                      "[::ffff:192.0.2.1]", "[ipv6:::FFFF:127.0.0.9]",
                                      "LocalHost."};
  const std::vector<std::string> nonsense{"127.0.0.1",    "[127.1]",      "2130706433",
                                          "example.jp..", ".example.jp",  "example.jp@example.com",
                                          "b@example.jp", "[example.jp]", "example.jp "};
  if (one_in(6, random)) {
    out.own = true;
    out.domain = "localhost";
    out.text += "@" + one_of(ours, random);
  } else if (one_in(8, random)) {
    out.nonsense = true;
    out.text += "@" + one_of(nonsense, random);
  } else if (one_in(10, random)) {
    out.domain = "[203.0.113.77]";
    out.text += "@" + out.domain;
  } else {
    out.domain = one_of(domains, random);
    out.own = out.domain == "mx.example.jp";
    out.text += "@" + spelled(out.domain, random);
  }
}

Written write_address(Random& random) {
  Written out;
  write_local(out, random);
  if (one_in(20, random)) {
    // A bare name with an "@" in quotes is none: nobody needs it, and it could be taken for
    // another.
    out.nonsense = out.text.find('@') != std::string::npos;
    return out;
  }
  write_domain(out, random);
  if (!one_in(6, random)) return out;
  const std::string hop = spelled(one_of(domains, random), random);
  out.text = "@" + hop + (one_in(2, random) ? ",@" + hop : "") + ":" + out.text;
  return out;
}

// The routes of the model: which pattern fits best, by the number of its octets.
const Route* model_route(const MapOptions& options, const std::string& domain, bool own) {
  const Route* best = nullptr;
  std::size_t fits = 0;
  for (const Route& each : options.routes) {
    for (const std::string& pattern : each.domain) {
      std::size_t now = 0;
      if (pattern == domain) now = 1000;
      if (pattern[0] == '.' && ("." + domain).size() > pattern.size() &&
          domain.size() > pattern.size() &&
          domain.compare(domain.size() - pattern.size(), pattern.size(), pattern) == 0) {
        now = 1 + pattern.size();
      }
      if (pattern == "*" && !own) now = 1;
      if (now > fits) {
        fits = now;
        best = &each;
      }
    }
  }
  return best;
}

bool model_allows(const MapOptions& options, const Written& to) {
  if (to.nonsense) return false;
  if (to.postmaster && (to.domain.empty() || to.own)) return true;
  if (to.domain.empty()) return false;
  const Route* way =
      model_route(options, to.own ? std::string("mx.example.jp") : to.domain, to.own);
  if (way == nullptr || !way->recipients) return false;
  const bool local = way->via.kind == Via::Kind::lmtp_unix || way->via.kind == Via::Kind::maildir ||
                     way->via.kind == Via::Kind::discard;
  return local || !to.hidden_route;
}

MapOptions random_site(Random& random) {
  MapOptions out = site();
  out.own_names = {"[192.0.2.1]"};
  out.routes.clear();
  std::set<std::string> used;
  for (int i = 0; i < 5; ++i) {
    const std::string& pattern = one_of(patterns, random);
    if (!used.insert(pattern).second) continue;
    const bool open = pattern != "*" && one_in(2, random);
    out.routes.push_back(route({pattern}, one_of(vias, random).c_str(), open));
  }
  if (one_in(2, random)) out.permits.clear();
  return out;
}

TEST(RelayMapModel, NoStrangerReachesWhatIsNoOpenRoute) {
  Random random(20261130);
  std::size_t allowed = 0;
  constexpr std::size_t sites = 200;
  constexpr std::size_t addresses = 10'000;
  for (std::size_t i = 0; i < sites; ++i) {
    const MapOptions options = random_site(random);
    const Map map(options);
    for (std::size_t j = 0; j < addresses / sites; ++j) {
      const Written to = write_address(random);
      for (const char* client : {"203.0.113.9", "198.51.100.25", "127.0.0.1", "192.168.1.1"}) {
        const Reach reach = map.reach(from(client), to.text);
        ASSERT_EQ(reach.allowed, model_allows(options, to)) << client << " " << to.text;
        allowed += reach.allowed ? 1 : 0;
        if (!reach.allowed || to.postmaster) continue;
        // What is allowed goes by the open route of its own domain, and nowhere else.
        ASSERT_TRUE(reach.route != nullptr && reach.route->open()) << to.text;
        ASSERT_EQ(map.reach(from(client), reach.path).route, reach.route) << to.text;
      }
      ASSERT_EQ(map.reach(a_login(), to.text).allowed, !to.nonsense) << to.text;
    }
  }
  // The generator makes both.
  EXPECT_GT(allowed, addresses / 10);
  EXPECT_LT(allowed, addresses * 3);
}

}  // namespace
}  // namespace sekisho::relay
