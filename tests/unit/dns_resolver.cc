// The stub resolver against a name server that lies, delays, dies and comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <set>
#include <thread>

#include "dns/make_resolver.h"
#include "dns/server_list.h"
#include "dns/stub_resolver.h"
#include "support/dns_server.h"
#include "support/dns_waiting.h"

namespace sekisho::dns {
namespace {

using namespace std::chrono_literals;
using test::Asked;
using test::DnsServer;
using test::question;
using testing::ElementsAre;
using Fault = DnsServer::Fault;

constexpr std::string_view zone_text = R"(
$TTL 300
$ORIGIN example.
@        TXT "v=spf1 -all"
         MX 10 mail
mail     A 192.0.2.1
         AAAA 2001:db8::1
mapped   AAAA ::ffff:192.0.2.1
www      CNAME mail
short    1 TXT "soon gone"
nodata   A 192.0.2.9
;!servfail broken
;!timeout dead
1.2.0.192.in-addr.arpa. PTR Mail.Example.
)";

// Short time-outs stand only where one is wanted: a busy machine may stand still for seconds.
struct Lab {
  explicit Lab(std::chrono::milliseconds timeout = 20s, int count = 1) {
    options.timeout = timeout;
    for (int n = 0; n < count; ++n) {
      servers.push_back(std::make_unique<DnsServer>(zone_text));
      options.servers.push_back(servers.back()->address());
    }
    resolver = make_resolver(options).value();
  }
  DnsServer& server(std::size_t n = 0) { return *servers[n]; }
  AnswerPtr ask(std::string_view name, Type type = Type::txt) {
    return Asked(*resolver, question(name, type)).wait();
  }

  Options options;
  std::vector<std::unique_ptr<DnsServer>> servers;
  std::unique_ptr<Resolver> resolver;
};

// Waits until a condition holds, for what another thread is about to do.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds time = 20s) {
  const auto end = steady_now() + time;
  while (!condition()) {
    if (steady_now() > end) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

TEST(StubResolver, AnswersEveryTypeWeAskFor) {
  Lab lab;
  EXPECT_THAT(lab.ask("example")->texts, ElementsAre("v=spf1 -all"));
  const auto mx = lab.ask("example", Type::mx);
  ASSERT_EQ(mx->exchanges.size(), 1U);
  EXPECT_EQ(mx->exchanges[0].exchange, "mail.example");
  EXPECT_EQ(mx->exchanges[0].preference, 10);
  EXPECT_EQ(lab.ask("mail.example", Type::a)->addresses.at(0).text(), "192.0.2.1");
  EXPECT_EQ(lab.ask("mail.example", Type::aaaa)->addresses.at(0).text(), "2001:db8::1");
  EXPECT_EQ(lab.ask("mapped.example", Type::aaaa)->addresses.at(0).text(), "::ffff:192.0.2.1");
  EXPECT_THAT(lab.ask("1.2.0.192.in-addr.arpa", Type::ptr)->pointers, ElementsAre("mail.example"));
  EXPECT_EQ(lab.ask("www.example", Type::a)->addresses.size(), 1U);
  EXPECT_EQ(lab.ask("nodata.example")->outcome, Outcome::nodata);
  EXPECT_EQ(lab.ask("nowhere.example")->outcome, Outcome::nxdomain);
  EXPECT_EQ(lab.ask("broken.example")->error, "servfail");
  EXPECT_EQ(lab.ask(std::string("a\0b \xff.example", 13))->outcome, Outcome::nxdomain)
      << "any octet may be asked";
  const auto status = lab.resolver->status();
  EXPECT_EQ(status.questions, 11U);
  EXPECT_EQ(status.sent, 11U);
  EXPECT_EQ(status.answered, 10U);
  EXPECT_EQ(status.failures, 1U);
  EXPECT_THAT(status.servers, ElementsAre(lab.server().address()));
}

// What a hostile or broken server gets: an answer or an error, soon, and never a crash.
TEST(StubResolver, GivesAVerdictOnEveryFault) {
  struct Case {
    Fault fault;
    std::string want;  // the error; "" when the honest answer comes through
    Type type = Type::txt;
  };
  const std::vector<Case> cases{
      {Fault::none, ""},
      {Fault::drop, "timeout"},
      {Fault::servfail, "servfail"},
      {Fault::refused, "refused"},
      {Fault::notimp, "notimp"},
      {Fault::formerr, "formerr"},
      {Fault::formerr_bare, "formerr"},
      {Fault::formerr_to_edns, ""},
      {Fault::notimp_to_edns, ""},
      {Fault::servfail_to_edns, ""},
      {Fault::drop_edns, ""},
      {Fault::truncate, ""},
      {Fault::truncate_dead_tcp, "truncated, and no answer over TCP"},
      {Fault::wrong_id, "timeout"},
      {Fault::wrong_question, "timeout"},
      {Fault::wrong_case, ""},
      {Fault::forged_first, ""},
      {Fault::two_questions, "timeout"},
      {Fault::not_a_response, "timeout"},
      {Fault::garbage, "timeout"},
      {Fault::empty_packet, "timeout"},
      {Fault::label_overrun, "malformed answer"},
      {Fault::compression_loop, "malformed answer"},
      {Fault::forward_pointer, "malformed answer"},
      {Fault::long_label, "malformed answer"},
      {Fault::rdata_overrun, "malformed answer"},
      {Fault::string_overrun, "malformed answer"},
      {Fault::short_address, "malformed answer", Type::a},
      {Fault::count_lie, "malformed answer", Type::a},
      {Fault::cname_loop, "cname loop"},
      {Fault::cname_to_itself, "cname loop"},
      {Fault::referral, "referral"},
  };
  for (const auto& [fault, want, type] : cases) {
    Lab lab(want == "timeout" ? 600ms : 20s);
    lab.server().fail_with(fault);
    Asked asked(*lab.resolver, question("example", type));
    const auto answer = asked.wait();
    ASSERT_NE(answer, nullptr) << DnsServer::name(fault);
    EXPECT_EQ(answer->error, want) << DnsServer::name(fault);
    EXPECT_EQ(answer->is_error(), !want.empty()) << DnsServer::name(fault);
    if (want.empty()) {
      EXPECT_THAT(answer->texts, ElementsAre("v=spf1 -all")) << DnsServer::name(fault);
    }
    EXPECT_LT(asked.took, 15s) << DnsServer::name(fault);
    // And it is well when the server is.
    lab.server().fail_with(Fault::none);
    EXPECT_TRUE(eventually([&] { return !lab.ask("mail.example", Type::a)->is_error(); }))
        << DnsServer::name(fault);
  }
}

TEST(StubResolver, UsesAHundredOfThousandsOfRecords) {
  Lab lab;
  lab.server().fail_with(Fault::many_records);
  const auto answer = lab.ask("mail.example", Type::a);
  EXPECT_EQ(answer->outcome, Outcome::records);
  EXPECT_EQ(answer->addresses.size(), max_records);
  EXPECT_EQ(lab.server().tcp_queries(), 1U);
}

TEST(StubResolver, TakesLongAnswersOverTcp) {
  Lab lab;
  lab.server().replace_zone("long.example. TXT " + std::string(200, 'a') + " " +
                            std::string(250, 'b') + " " + std::string(250, 'c') + " " +
                            std::string(250, 'd') + " " + std::string(250, 'e') + " " +
                            std::string(250, 'f'));
  EXPECT_EQ(lab.ask("long.example")->texts.at(0).size(), 1450U);
  EXPECT_EQ(lab.server().tcp_queries(), 1U);
}

TEST(StubResolver, AMuteTcpServerIsLeftForAnother) {
  Lab lab(20s, 2);
  lab.server(0).fail_with(Fault::truncate_mute_tcp);
  Asked asked(*lab.resolver, question("example", Type::txt));
  EXPECT_THAT(asked.wait()->texts, ElementsAre("v=spf1 -all"));
  EXPECT_LT(asked.took, 15s);
}

TEST(StubResolver, RepeatsWhatWasLost) {
  Lab lab(5s);
  lab.server().fail_with(Fault::drop);
  Asked asked(*lab.resolver, question("example", Type::txt));
  ASSERT_TRUE(eventually([&] { return lab.server().udp_queries() > 0; }));
  lab.server().fail_with(Fault::none);
  EXPECT_THAT(asked.wait()->texts, ElementsAre("v=spf1 -all"));
  EXPECT_LT(asked.took, 4s);
}

TEST(StubResolver, ASlowServerIsWaitedFor) {
  Lab lab(5s);
  lab.server().delay(900ms);
  Asked asked(*lab.resolver, question("example", Type::txt));
  ASSERT_TRUE(eventually([&] { return lab.server().udp_queries() > 0; }));
  lab.server().fail_with(Fault::drop);
  const auto answer = asked.wait();
  EXPECT_THAT(answer->texts, ElementsAre("v=spf1 -all"))
      << answer->error << ": the reply to the first datagram still counts after others were sent";
}

TEST(StubResolver, TheTimeoutBoundsEverything) {
  Lab lab(1s, 2);
  for (auto& server : lab.servers) server->fail_with(Fault::drop);
  auto least = std::chrono::milliseconds::max();
  for (int n = 0; n < 3; ++n) {
    Asked asked(*lab.resolver, question("example", Type::txt));
    EXPECT_EQ(asked.wait()->error, "timeout");
    EXPECT_GE(asked.took, 1s);
    least = std::min(least, asked.took);
    EXPECT_EQ(lab.resolver->at_hand(question("example", Type::txt)), nullptr)
        << "a time-out is not kept";
  }
  EXPECT_LT(least, 1500ms);
  EXPECT_EQ(lab.resolver->status().timeouts, 3U);
}

TEST(StubResolver, ADeadFirstServerCostsLittleAndSoonNothing) {
  Lab lab(5s, 2);
  lab.server(0).fail_with(Fault::drop);
  const auto least = [&](int from, int to) {
    auto took = std::chrono::milliseconds::max();
    for (int n = from; n < to; ++n) {
      Asked asked(*lab.resolver, question("n" + std::to_string(n) + ".example", Type::txt));
      EXPECT_EQ(asked.wait()->outcome, Outcome::nxdomain);
      took = std::min(took, asked.took);
    }
    return took;
  };
  EXPECT_LT(least(0, 2), 1500ms);
  EXPECT_LT(least(2, 7), 300ms) << "less than before the first repetition";
}

TEST(StubResolver, AClosedPortIsNoticedAtOnce) {
  auto least = std::chrono::milliseconds::max();
  for (int n = 0; n < 5; ++n) {
    Lab lab(5s, 2);
    lab.server(0).stop();
    Asked asked(*lab.resolver, question("example", Type::txt));
    EXPECT_EQ(asked.wait()->outcome, Outcome::records);
    least = std::min(least, asked.took);
  }
  EXPECT_LT(least, 300ms) << "before the first repetition";
}

TEST(StubResolver, RecoversWithinFiveSecondsWhenTheServerIsBack) {
  Lab lab(1s);
  lab.server().stop();
  EXPECT_EQ(lab.ask("example")->error, "server unreachable");
  lab.server().start();
  const auto back = steady_now();
  while (lab.ask("example")->is_error()) ASSERT_LT(steady_now() - back, 5s);
  EXPECT_LT(steady_now() - back, 5s);
}

TEST(StubResolver, AFlappingServerNeverHangsAQuestion) {
  Lab lab(800ms);
  std::atomic<bool> done{false};
  std::thread flapping([&] {
    while (!done) {
      lab.server().stop();
      std::this_thread::sleep_for(60ms);
      lab.server().start();
      std::this_thread::sleep_for(60ms);
    }
  });
  int answered = 0;
  for (int n = 0; n < 30; ++n) {
    Asked asked(*lab.resolver, question("f" + std::to_string(n) + ".example", Type::txt));
    const auto answer = asked.wait();
    EXPECT_LT(asked.took, 10s);
    if (answer != nullptr) answered += !answer->is_error();
  }
  done = true;
  flapping.join();
  EXPECT_GT(answered, 15);
}

TEST(StubResolver, AnotherServerIsAskedWhenOneCannotSay) {
  for (const Fault fault :
       {Fault::servfail, Fault::refused, Fault::label_overrun, Fault::truncate_dead_tcp}) {
    Lab lab(5s, 2);
    lab.server(0).fail_with(fault);
    Asked asked(*lab.resolver, question("example", Type::txt));
    EXPECT_THAT(asked.wait()->texts, ElementsAre("v=spf1 -all")) << DnsServer::name(fault);
    EXPECT_LT(asked.took, 4s) << DnsServer::name(fault);
  }
}

// Old servers, firewalls and home routers that take a question only without an OPT record (RFC 6891
// §7).
TEST(StubResolver, AServerThatRefusesEdnsIsAskedWithoutAndThatIsRemembered) {
  for (const Fault fault :
       {Fault::formerr_to_edns, Fault::notimp_to_edns, Fault::servfail_to_edns}) {
    Lab lab;
    lab.server().fail_with(fault);
    for (int n = 0; n < 5; ++n) {
      Asked asked(*lab.resolver, question("n" + std::to_string(n) + ".example", Type::txt));
      EXPECT_EQ(asked.wait()->outcome, Outcome::nxdomain) << DnsServer::name(fault);
    }
    EXPECT_EQ(lab.server().edns_queries(), 1U) << DnsServer::name(fault);
    EXPECT_EQ(lab.server().udp_queries(), 6U) << DnsServer::name(fault);
    EXPECT_EQ(lab.ask("broken.example")->error, "servfail") << DnsServer::name(fault);
    EXPECT_EQ(lab.server().udp_queries(), 7U) << DnsServer::name(fault);
  }
}

TEST(StubResolver, AServerThatDropsEdnsCostsOneRepetitionAFewTimes) {
  Lab lab(5s);
  lab.server().fail_with(Fault::drop_edns);
  const auto took = [&](int n) {
    Asked asked(*lab.resolver, question("n" + std::to_string(n) + ".example", Type::txt));
    EXPECT_EQ(asked.wait()->outcome, Outcome::nxdomain);
    return asked.took;
  };
  int n = 0;
  for (; n < EdnsSupport::unanswered_until_lacking; ++n) EXPECT_LT(took(n), 4s);
  const auto with_edns = lab.server().edns_queries();
  auto least = std::chrono::milliseconds::max();
  for (; n < 10; ++n) least = std::min(least, took(n));
  EXPECT_LT(least, 300ms) << "before the first repetition";
  EXPECT_EQ(lab.server().edns_queries(), with_edns);
}

TEST(StubResolver, AServFailOfAServerThatSpeaksEdnsIsOne) {
  // With an OPT record in it: it was understood. Without one: the server was seen to answer such
  // questions.
  Lab lab;
  EXPECT_EQ(lab.ask("broken.example")->error, "servfail");
  EXPECT_EQ(lab.server().udp_queries(), 1U);
  EXPECT_EQ(lab.ask("example")->outcome, Outcome::records);
  lab.server().fail_with(Fault::servfail);
  EXPECT_EQ(lab.ask("mail.example", Type::a)->error, "servfail");
  EXPECT_EQ(lab.server().udp_queries(), 3U);
  EXPECT_EQ(lab.server().edns_queries(), 3U);
}

TEST(StubResolver, AnotherServerIsAskedWhenOneDoesNotKnowEdnsAndFails) {
  Lab lab(5s, 2);
  lab.server(0).fail_with(Fault::servfail);
  EXPECT_THAT(lab.ask("example")->texts, ElementsAre("v=spf1 -all"));
  EXPECT_EQ(lab.server(0).udp_queries(), 2U) << "with and without";
}

TEST(StubResolver, LongAnswersOfAServerWithoutEdnsComeOverTcp) {
  Lab lab;
  lab.server().fail_with(Fault::notimp_to_edns);
  lab.server().replace_zone("long.example. TXT " + std::string(250, 'a') + " " +
                            std::string(250, 'b') + " " + std::string(250, 'c'));
  EXPECT_EQ(lab.ask("long.example")->texts.at(0).size(), 750U);
  EXPECT_EQ(lab.server().tcp_queries(), 1U);
  EXPECT_EQ(lab.server().edns_queries(), 1U) << "not over TCP either";
}

TEST(StubResolver, FailuresAreKeptForAFewSeconds) {
  Lab lab;
  EXPECT_EQ(lab.ask("broken.example")->error, "servfail");
  EXPECT_EQ(lab.ask("broken.example")->error, "servfail");
  EXPECT_EQ(lab.server().udp_queries(), 1U);
}

TEST(StubResolver, KeepsAnswersForTheirTtl) {
  Lab lab;
  for (int n = 0; n < 3; ++n) EXPECT_EQ(lab.ask("example")->ttl, 300s);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(lab.ask("nowhere.example")->outcome, Outcome::nxdomain);
  EXPECT_EQ(lab.server().udp_queries(), 2U);
  EXPECT_EQ(lab.resolver->status().cache_hits, 4U);
  EXPECT_NE(lab.resolver->at_hand(question("example", Type::txt)), nullptr);
  EXPECT_EQ(lab.resolver->at_hand(question("example", Type::a)), nullptr);
  lab.ask("short.example");
  std::this_thread::sleep_for(1050ms);
  EXPECT_EQ(lab.resolver->at_hand(question("short.example", Type::txt)), nullptr);
}

TEST(StubResolver, EqualQuestionsInFlightAreAskedOnce) {
  Lab lab;
  lab.server().fail_with(Fault::drop);
  std::vector<std::unique_ptr<Asked>> asked;
  for (int n = 0; n < 50; ++n)
    asked.push_back(std::make_unique<Asked>(*lab.resolver, question("example", Type::txt)));
  lab.server().fail_with(Fault::none);
  for (auto& one : asked) EXPECT_EQ(one->wait()->outcome, Outcome::records);
  EXPECT_EQ(lab.resolver->status().coalesced, 49U);
}

TEST(StubResolver, ACancelledQuestionIsNotAnsweredAndTheOthersAre) {
  Lab lab;
  lab.server().fail_with(Fault::drop);
  Asked first(*lab.resolver, question("example", Type::txt));
  Asked second(*lab.resolver, question("example", Type::txt));
  lab.resolver->cancel(first.ticket);
  lab.server().fail_with(Fault::none);
  EXPECT_EQ(second.wait()->outcome, Outcome::records);
  EXPECT_EQ(first.wait(50ms), nullptr);
  lab.resolver->cancel(second.ticket);  // too late: nothing happens
  lab.resolver->cancel(12345);
}

TEST(StubResolver, ACancelledQuestionIsNotRepeated) {
  Lab lab(5s);
  lab.server().fail_with(Fault::drop);
  Asked asked(*lab.resolver, question("example", Type::txt));
  lab.resolver->cancel(asked.ticket);
  EXPECT_TRUE(eventually([&] { return lab.resolver->status().in_flight == 0; }));
  EXPECT_LE(lab.server().udp_queries(), 1U);
}

TEST(StubResolver, TheDestructorEndsWhatIsOpen) {
  Lab lab(5s);
  lab.server().fail_with(Fault::drop);
  Asked asked(*lab.resolver, question("example", Type::txt));
  const auto begin = steady_now();
  lab.resolver.reset();
  EXPECT_LT(steady_now() - begin, 4s) << "and not the five of a time-out";
  EXPECT_EQ(asked.wait(0ms)->error, "shutting down");
}

TEST(StubResolver, ACallbackMayAsk) {
  Lab lab;
  std::promise<AnswerPtr> promise;
  lab.resolver->ask(question("example", Type::mx), [&](AnswerPtr mx) {
    const auto next = question(mx->exchanges.at(0).exchange, Type::a);
    lab.resolver->ask(next, [&](AnswerPtr answer) { promise.set_value(std::move(answer)); });
  });
  auto future = promise.get_future();
  ASSERT_EQ(future.wait_for(20s), std::future_status::ready);
  EXPECT_EQ(future.get()->addresses.size(), 1U);
}

TEST(StubResolver, RefusesMoreThanItCanHold) {
  Lab lab(60s);  // none may end before the last one is asked, on however slow a machine
  lab.server().fail_with(Fault::drop);
  std::atomic<std::size_t> busy{0};
  for (std::size_t n = 0; n < InFlight::max_waiting + 10; ++n) {
    lab.resolver->ask(question("b" + std::to_string(n) + ".example", Type::txt),
                      [&](const AnswerPtr& answer) {
                        if (answer->error == "resolver busy") ++busy;
                      });
  }
  EXPECT_EQ(busy, 10U);
  lab.resolver.reset();
}

TEST(StubResolver, FollowsResolvConf) {
  const std::string path = testing::TempDir() + "sekisho_follow.conf";
  DnsServer server(zone_text);
  std::ofstream(path) << "search example\nnameserver 192.0.2.1\n";
  StubResolver resolver(Options{}, {}, path);
  EXPECT_THAT(resolver.status().servers, ElementsAre("192.0.2.1:53"));
  std::ofstream(path) << "nameserver 127.0.0.2\nnameserver 127.0.0.3\n";
  EXPECT_TRUE(eventually(
      [&] {
        return resolver.status().servers ==
               std::vector<std::string>{"127.0.0.2:53", "127.0.0.3:53"};
      },
      30s));
  std::remove(path.c_str());
}

TEST(StubResolver, WithoutResolvConfThereIsLoopback) {
  StubResolver resolver(Options{}, {}, "/nonexistent/resolv.conf");
  EXPECT_THAT(resolver.status().servers, ElementsAre("127.0.0.1:53"));
}

// A chain of which each server's packet shows one link: the rest is asked for, eight links in all.
TEST(StubResolver, FollowsAChainThatLeavesThePacket) {
  Lab lab;
  std::string links;
  for (int n = 0; n < 10; ++n) {
    links += "c" + std::to_string(n) + ".example. CNAME c" + std::to_string(n + 1) + ".example.\n";
  }
  lab.server().replace_zone(links + "c10.example. TXT end\n");
  lab.server().one_link_at_a_time();
  EXPECT_THAT(lab.ask("c2.example")->texts, ElementsAre("end"));
  EXPECT_EQ(lab.server().udp_queries(), 9U);
  EXPECT_EQ(lab.ask("c1.example")->error, "cname loop");
}

// The race detector's test: threads that ask, cancel, coalesce and look, while the server comes and
// goes.
TEST(StubResolver, ManyThreadsAskAndCancel) {
  Lab lab(700ms, 2);
  std::atomic<std::size_t> called{0}, kept{0}, cancelled{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned n = 0; n < 200; ++n) {
        const auto q = question("t" + std::to_string((t * 7 + n) % 300) + ".example",
                                n % 2 == 0 ? Type::txt : Type::a);
        const auto ticket = lab.resolver->ask(q, [&](const AnswerPtr&) { ++called; });
        if (n % 5 == 0) {
          lab.resolver->cancel(ticket);
          ++cancelled;
        } else {
          ++kept;
        }
        if (n % 50 == 0) lab.resolver->status();
      }
    });
  }
  std::thread flapping([&] {
    for (int n = 0; n < 5; ++n) {
      lab.server(0).fail_with(n % 2 == 0 ? Fault::drop : Fault::truncate);
      std::this_thread::sleep_for(20ms);
    }
    lab.server(0).fail_with(Fault::none);
  });
  for (auto& thread : threads) thread.join();
  flapping.join();
  EXPECT_TRUE(eventually([&] { return called >= kept; })) << called << " of " << kept;
  lab.resolver.reset();
  EXPECT_LE(called, kept + cancelled);
  EXPECT_GE(called, kept) << "every question that was not cancelled is answered, once";
}

}  // namespace
}  // namespace sekisho::dns
