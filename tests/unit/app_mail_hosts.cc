// Whether a client belongs to the hosts of a domain, from the DNS: at once, late, and when it
// fails.
#include "app/mail_hosts.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/fake_dns.h"

namespace sekisho::app {
namespace {

// Answers within ask(), or when the test says so.
class SlowDns final : public dns::Resolver {
 public:
  explicit SlowDns(test::FakeDns zone) : zone_(std::move(zone)) {}
  dns::AnswerPtr at_hand(const dns::Question&) override { return nullptr; }
  Ticket ask(const dns::Question& question, Callback done) override {
    ++asked;
    auto answer = [done = std::move(done), found = zone_.answer(question)] { done(found); };
    if (late) {
      waiting_.push_back(std::move(answer));
    } else {
      answer();
    }
    return asked;
  }
  void cancel(Ticket) override {}
  dns::ResolverStatus status() const override { return {}; }
  void answer_all() {
    while (!waiting_.empty()) {
      auto all = std::exchange(waiting_, {});
      for (const auto& each : all) each();
    }
  }

  bool late = false;
  std::size_t asked = 0;

 private:
  test::FakeDns zone_;
  std::vector<std::function<void()>> waiting_;
};

test::FakeDns zone() {
  test::FakeDns dns;
  dns.a("a.example", "192.0.2.1")
      .mx("a.example", 10, "mx.a.example")
      .mx("a.example", 20, "gone.example");
  dns.a("mx.a.example", "192.0.2.2").a("mx.a.example", "2001:db8::2");
  dns.error("broken.example");
  return dns;
}

// How often `done` was called, and with what.
std::pair<int, bool> ask(SlowDns& dns, const std::string& domain, const std::string& client) {
  int calls = 0;
  bool said = false;
  ask_mail_hosts(dns, domain, *mail::IpAddress::parse(client), [&](bool found) {
    ++calls;
    said = found;
  });
  dns.answer_all();
  return {calls, said};
}

TEST(MailHosts, AreTheAddressesOfTheDomainAndOfItsMx) {
  struct Case {
    std::string domain;
    std::string client;
    bool want;
  };
  const Case table[] = {
      {"a.example", "192.0.2.1", true},       {"a.example", "192.0.2.2", true},
      {"a.example", "2001:db8::2", true},     {"a.example", "192.0.2.3", false},
      {"a.example", "2001:db8::1", false},    {"broken.example", "192.0.2.1", false},
      {"nobody.example", "192.0.2.1", false}, {"not a name", "192.0.2.1", false},
  };
  for (const bool late : {false, true}) {
    for (const auto& each : table) {
      SlowDns dns(zone());
      dns.late = late;
      EXPECT_EQ(ask(dns, each.domain, each.client), std::pair(1, each.want))
          << each.domain << " " << each.client << " " << late;
    }
  }
}

TEST(MailHosts, NoDomainHasItAskForMoreThanTen) {
  test::FakeDns many;
  for (int i = 0; i < 50; ++i) many.mx("m.example", 10, "h" + std::to_string(i) + ".example");
  SlowDns dns(many);
  EXPECT_EQ(ask(dns, "m.example", "192.0.2.1"), std::pair(1, false));
  EXPECT_EQ(dns.asked, 2 + most_mail_hosts);
}

}  // namespace
}  // namespace sekisho::app
