// Which servers are asked: their addresses, resolv.conf and its changes, those that went silent;
// and the cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/epoll.h>

#include <cstdio>
#include <fstream>

#include "dns/cache.h"
#include "dns/make_resolver.h"
#include "dns/resolv_conf.h"
#include "dns/server_address.h"
#include "dns/server_list.h"

namespace sekisho::dns {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(ServerAddress, IsReadAsTheOptionsWriteIt) {
  struct Case {
    std::string text, want;  // "" is an error
  };
  const std::vector<Case> cases{
      {"127.0.0.1", "127.0.0.1:53"},
      {"127.0.0.1:5353", "127.0.0.1:5353"},
      {"::1", "[::1]:53"},
      {"[::1]:53", "[::1]:53"},
      {"[::1]", "[::1]:53"},
      {"[2001:db8::1]:5353", "[2001:db8::1]:5353"},
      {"fe80::1%lo", "[fe80::1%lo]:53"},
      // One server has one text.
      {"2001:DB8:0:0::53", "[2001:db8::53]:53"},
      // What inet_aton(3) makes of these is not what was meant.
      {"8.8.8", ""},
      {"127.1", ""},
      {"010.0.0.1", ""},
      {"0x7f.0.0.1:53", ""},
      {"1", ""},
      {"", ""},
      {"localhost", ""},
      {"127.0.0.1:", ""},
      {"127.0.0.1:0", ""},
      {"127.0.0.1:65536", ""},
      {"127.0.0.1:53x", ""},
      {"[::1", ""},
      {"[::1]53", ""},
      {"[::1]:", ""},
      {"fe80::1%nonexistent0", ""},
      {std::string("127.0.0.1\0x", 11), ""},
  };
  for (const auto& [text, want] : cases) {
    const auto address = ServerAddress::parse(text);
    if (want == "") {
      EXPECT_FALSE(address) << text;
    } else {
      ASSERT_TRUE(address) << text << ": " << address.error().what;
      EXPECT_EQ(address->text(), want);
    }
  }
}

std::vector<std::string> texts(const std::vector<ServerAddress>& servers) {
  std::vector<std::string> all;
  for (const auto& server : servers) all.push_back(server.text());
  return all;
}

TEST(ResolvConf, GivesThreeServersAndIgnoresTheRest) {
  EXPECT_THAT(texts(parse_resolv_conf(
                  "# a comment\nsearch example.com\nnameserver 192.0.2.1\r\n"
                  "  nameserver\t2001:db8::1  # here\nnameserver nonsense\n; x\n"
                  "options timeout:30 attempts:9\nnameserver fe80::1%lo\nnameserver 192.0.2.4")),
              ElementsAre("192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%lo]:53"));
  EXPECT_THAT(texts(parse_resolv_conf("search example.com\n")), ElementsAre("127.0.0.1:53"));
  EXPECT_THAT(texts(parse_resolv_conf("nameserver")), ElementsAre("127.0.0.1:53"));
}

TEST(ResolvConf, NoticesThatTheFileIsAnother) {
  const std::string path = testing::TempDir() + "sekisho_resolv.conf";
  std::remove(path.c_str());
  ResolvConf conf(path);
  EXPECT_FALSE(conf.changed()) << "there is none";
  std::ofstream(path) << "nameserver 192.0.2.1\n";
  EXPECT_THAT(texts(conf.changed().value()), ElementsAre("192.0.2.1:53"));
  EXPECT_FALSE(conf.changed()) << "the same still";
  // As resolvconf and NetworkManager do it: another file takes the name.
  std::ofstream(path + ".new") << "nameserver 192.0.2.2\n";
  ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
  EXPECT_THAT(texts(conf.changed().value()), ElementsAre("192.0.2.2:53"));
  std::remove(path.c_str());
  EXPECT_FALSE(conf.changed()) << "gone for a moment: the servers stay";
}

// A DHCP client that crashed, a disk that was full: the file is there, and says nothing.
TEST(ResolvConf, OneWithoutServersLeavesThoseOfBefore) {
  const std::string path = testing::TempDir() + "sekisho_resolv_empty.conf";
  const auto write = [&](std::string_view text) {
    std::ofstream(path + ".new") << text;
    ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
  };
  for (const char* broken :
       {"", "\n", "search example.com\n", "nameserver\n", "nameserver nonsense\n",
        "namesever 192.0.2.9\n", "\0\0\0\0", "# nameserver 192.0.2.9\n"}) {
    SCOPED_TRACE(broken);
    std::remove(path.c_str());
    ResolvConf conf(path);
    write("nameserver 192.0.2.1\n");
    EXPECT_THAT(texts(conf.changed().value()), ElementsAre("192.0.2.1:53"));
    EXPECT_EQ(conf.fault(), "");
    write(broken);
    EXPECT_FALSE(conf.changed());
    EXPECT_EQ(conf.fault(), path + " names no server: the servers that it named before are asked");
    EXPECT_FALSE(conf.changed());
    EXPECT_NE(conf.fault(), "") << "as long as the file is so";
    std::remove(path.c_str());
    EXPECT_FALSE(conf.changed());
    EXPECT_EQ(conf.fault(), path + " cannot be read: the servers that it named before are asked");
    write("nameserver 192.0.2.2\n");
    EXPECT_THAT(texts(conf.changed().value()), ElementsAre("192.0.2.2:53"));
    EXPECT_EQ(conf.fault(), "");
  }
  // Nothing is known yet: what libc does.
  write("");
  ResolvConf first(path);
  EXPECT_FALSE(first.changed());
  EXPECT_EQ(first.fault(), path + " names no server: 127.0.0.1 is asked");
}

// A reload that changes a time-out makes a new resolver, which has never read the file in a good
// state.
TEST(ResolvConf, ANewResolverTakesTheLastGoodServersOver) {
  const std::string path = testing::TempDir() + "sekisho_resolv_reload.conf";
  std::ofstream(path) << "# half written\n";
  const auto resolver = make_resolver({}, path, {"192.0.2.7:53"}).value();
  EXPECT_THAT(resolver->status().servers, ElementsAre("192.0.2.7:53"));
  EXPECT_EQ(resolver->status().problem,
            path + " names no server: the servers that it named before are asked");
  const auto first = make_resolver({}, path).value();
  EXPECT_THAT(first->status().servers, ElementsAre("127.0.0.1:53"));
  EXPECT_EQ(first->status().problem, path + " names no server: 127.0.0.1 is asked");
}

class ServerListTest : public testing::Test {
 protected:
  ServerListTest() : epoll_(::epoll_create1(0)), pool_(epoll_.get()) {
    list_.replace(
        {ServerAddress::parse("127.0.0.1:1").value(), ServerAddress::parse("127.0.0.1:2").value()},
        pool_);
    first_ = list_.next({}, now_);
    second_ = list_.next({Trial{first_, 1}}, now_);
  }
  UniqueFd epoll_;
  UdpPool pool_;
  ServerList list_;
  SteadyTime now_ = steady_now();
  ServerPtr first_, second_;
};

TEST_F(ServerListTest, TakesTurnsForOneQuestion) {
  ASSERT_NE(first_, second_);
  EXPECT_EQ(list_.next({Trial{first_, 1}, Trial{second_, 1}}, now_), first_);
  EXPECT_EQ(list_.next({Trial{first_, 2}, Trial{second_, 1}}, now_), second_);
  EXPECT_EQ(list_.next({Trial{first_, 1, true}, Trial{second_, 5}}, now_), second_)
      << "the first has failed";
  EXPECT_EQ(list_.next({Trial{first_, 1, true}, Trial{second_, 1, true}}, now_), nullptr);
}

TEST_F(ServerListTest, PrefersTheLivingAndProbesTheDead) {
  ServerList::lost(*first_, now_, now_);
  EXPECT_EQ(list_.next({}, now_), first_) << "one lost question proves nothing";
  ServerList::lost(*first_, now_, now_);
  EXPECT_EQ(list_.next({}, now_), second_);
  const auto later = now_ + ServerList::probe_every;
  EXPECT_EQ(list_.next({}, later), first_) << "the probe";
  EXPECT_EQ(list_.next({}, later), second_) << "and only one";
  ServerList::heard(*first_, later);
  EXPECT_EQ(list_.next({}, later), first_);
}

TEST_F(ServerListTest, ASlowQuestionDoesNotCondemnAServerThatAnswersOthers) {
  const auto heard = now_ + 100ms;
  ServerList::heard(*first_, heard);
  for (int n = 0; n < 5; ++n) ServerList::lost(*first_, now_, now_ + 400ms);
  EXPECT_EQ(list_.next({}, now_ + 400ms), first_);
}

TEST(EdnsSupport, IsLearntAndTriedAgain) {
  SteadyTime now = steady_now();
  EdnsSupport edns;
  EXPECT_TRUE(edns.take(now));
  EXPECT_FALSE(edns.known_to_work());
  edns.answered();
  EXPECT_TRUE(edns.known_to_work());

  edns.refused(now);
  EXPECT_FALSE(edns.known_to_work());
  EXPECT_FALSE(edns.take(now));
  EXPECT_FALSE(edns.take(now + EdnsSupport::retry_every - 1s));
  now += EdnsSupport::retry_every;
  EXPECT_TRUE(edns.take(now)) << "one question tries";
  EXPECT_FALSE(edns.take(now)) << "and only one";
  edns.unanswered(now);
  EXPECT_FALSE(edns.take(now)) << "in vain";
  now += EdnsSupport::retry_every;
  EXPECT_TRUE(edns.take(now));
  edns.answered();
  for (int n = 0; n < 3; ++n) EXPECT_TRUE(edns.take(now)) << "for good";
}

TEST(EdnsSupport, OneLostDatagramProvesNothing) {
  const SteadyTime now = steady_now();
  EdnsSupport edns;
  for (int n = 0; n < 10; ++n) {
    for (int lost = 1; lost < EdnsSupport::unanswered_until_lacking; ++lost) edns.unanswered(now);
    EXPECT_TRUE(edns.take(now));
    edns.answered();
  }
  for (int lost = 0; lost < EdnsSupport::unanswered_until_lacking; ++lost) edns.unanswered(now);
  EXPECT_FALSE(edns.take(now));
}

TEST(UdpPool, RenewsItsPorts) {
  const UniqueFd epoll(::epoll_create1(0));
  UdpPool pool(epoll.get());
  UdpPool::Slots slots;
  Random random;
  const auto to = ServerAddress::parse("127.0.0.1:9").value();
  std::map<std::uint64_t, std::size_t> uses;
  for (int n = 0; n < 4000; ++n) {
    const auto socket = pool.pick(slots, to, random);
    ASSERT_NE(socket, nullptr);
    const auto id = socket->expect(1, random);
    EXPECT_EQ(socket->expected(id), 1U);
    pool.release(socket, id);
    EXPECT_EQ(socket->expected(id), std::nullopt);
    ++uses[socket->token()];
  }
  EXPECT_GE(uses.size(), 4000 / UdpPool::uses);
  for (const auto& [token, count] : uses) EXPECT_LE(count, UdpPool::uses);
  std::size_t open = 0;
  for (const auto& [token, count] : uses) open += pool.find(token) != nullptr;
  EXPECT_LE(open, UdpPool::width) << "used-up sockets are closed";
  pool.retire(slots);
  for (const auto& [token, count] : uses) EXPECT_EQ(pool.find(token), nullptr);
}

TEST(UdpPool, TakesABoundedNumberOfDescriptors) {
  const UniqueFd epoll(::epoll_create1(0));
  UdpPool pool(epoll.get());
  UdpPool::Slots slots;
  Random random;
  const auto to = ServerAddress::parse("127.0.0.1:9").value();
  std::set<std::uint64_t> tokens;
  for (int n = 0; n < 20'000; ++n) {  // as many as may be in flight, none answered
    const auto socket = pool.pick(slots, to, random);
    ASSERT_NE(socket, nullptr);
    socket->expect(static_cast<std::uint64_t>(n), random);
    tokens.insert(socket->token());
  }
  EXPECT_LE(tokens.size(), UdpPool::max_sockets);
}

AnswerPtr answer_with(std::chrono::seconds ttl, std::size_t octets = 10) {
  Answer answer;
  answer.outcome = Outcome::records;
  answer.ttl = ttl;
  answer.texts = {std::string(octets, 'x')};
  return std::make_shared<const Answer>(std::move(answer));
}

Question numbered(int n) {
  return {Name::from("n" + std::to_string(n) + ".example").value(), Type::txt};
}

TEST(Cache, KeepsAnswersForTheirTime) {
  Cache cache(10, 1 << 20);
  const SteadyTime now = steady_now();
  cache.insert(numbered(1), answer_with(5s), now);
  cache.insert(numbered(2), answer_with(0s), now);
  EXPECT_NE(cache.find(numbered(1), now + 4s), nullptr);
  EXPECT_EQ(cache.find(numbered(1), now + 5s), nullptr);
  EXPECT_EQ(cache.find(numbered(2), now), nullptr);
  EXPECT_EQ(cache.size(), 0U) << "what has expired is gone";
  cache.insert(numbered(1), answer_with(5s), now);
  cache.insert(numbered(1), answer_with(9s), now);
  EXPECT_NE(cache.find(numbered(1), now + 8s), nullptr) << "the later answer counts";
  EXPECT_EQ(cache.size(), 1U);
}

TEST(Cache, ForgetsWhatWasNotUsedForLongest) {
  Cache cache(3, 1 << 20);
  const SteadyTime now = steady_now();
  for (int n = 0; n < 3; ++n) cache.insert(numbered(n), answer_with(60s), now);
  EXPECT_NE(cache.find(numbered(0), now), nullptr);
  cache.insert(numbered(3), answer_with(60s), now);
  EXPECT_EQ(cache.find(numbered(1), now), nullptr);
  for (const int n : {0, 2, 3}) EXPECT_NE(cache.find(numbered(n), now), nullptr) << n;
}

TEST(Cache, IsBoundedInOctetsWhateverASenderPublishes) {
  constexpr std::size_t limit = 1 << 20;
  Cache cache(20'000, limit);
  const SteadyTime now = steady_now();
  for (int n = 0; n < 200; ++n) {
    cache.insert(numbered(n), answer_with(60s, 60'000), now);
    EXPECT_LE(cache.octets(), limit);
  }
  EXPECT_GT(cache.size(), 10U);
  cache.insert(numbered(999), answer_with(60s, 2 * limit), now);
  EXPECT_EQ(cache.find(numbered(999), now), nullptr) << "larger than the cache";
  EXPECT_GT(cache.size(), 10U) << "and it has not thrown the others out";
}

}  // namespace
}  // namespace sekisho::dns
