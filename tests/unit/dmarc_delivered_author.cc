// What sendmail makes of an Author Domain that is an alias. Each row was seen with sendmail 8.17.1.
#include "dmarc/delivered_author.h"

#include "support/fake_dns.h"

namespace sekisho::dmarc {

namespace {

struct Case {
  std::string author;
  std::string delivered;
  bool fails = false;
};

test::FakeDns zone() {
  test::FakeDns dns;
  dns.mx("victim.example", 10, "mx.victim.example");
  dns.a("address.example", "192.0.2.1").a("six.example", "2001:db8::1");
  dns.txt("text.example", "x");
  dns.mx("plain.example", 10, "mx.plain.example");
  dns.cname("to-mx.example", "victim.example").cname("to-address.example", "address.example");
  dns.cname("to-six.example", "six.example").cname("to-text.example", "text.example");
  dns.cname("to-nothing.example", "nothing.example");
  dns.cname("one.example", "two.example").cname("two.example", "to-mx.example");
  dns.cname("round.example", "about.example").cname("about.example", "round.example");
  dns.error("down.example").cname("to-down.example", "down.example");
  dns.a("half.example", "192.0.2.1").error("half.example", dns::Type::aaaa);
  dns.error("bare.example", dns::Type::aaaa);
  dns.mx("no-mx.example", 10, "x.example").error("no-mx.example", dns::Type::a);
  return dns;
}

std::string describe(const DeliveredAuthor& author) {
  return author.domain.text() + (author.failure.empty() ? "" : ", " + author.failure);
}

}  // namespace

class DeliveredAuthorOf : public testing::TestWithParam<Case> {};

TEST_P(DeliveredAuthorOf, IsWhatSendmailWrites) {
  const auto& [text, delivered, fails] = GetParam();
  const auto author = mail::DomainName::parse(text).value();
  auto dns = zone();
  const auto found = test::run_to_end(
      [&](const dns::Answers& answers) { return delivered_author(author, answers); }, dns);
  EXPECT_EQ(found.domain.text(), delivered) << describe(found);
  EXPECT_EQ(!found.failure.empty(), fails) << describe(found);
}

INSTANTIATE_TEST_SUITE_P(
    All, DeliveredAuthorOf,
    testing::Values(
        Case{"plain.example", "plain.example"}, Case{"missing.example", "missing.example"},
        Case{"text.example", "text.example"}, Case{"to-mx.example", "victim.example"},
        Case{"to-address.example", "address.example"}, Case{"to-six.example", "six.example"},
        Case{"to-text.example", "to-text.example"},
        Case{"to-nothing.example", "to-nothing.example"}, Case{"one.example", "victim.example"},
        Case{"round.example", "round.example", true}, Case{"down.example", "down.example", true},
        Case{"to-down.example", "to-down.example", true}, Case{"half.example", "half.example"},
        Case{"bare.example", "bare.example", true}, Case{"no-mx.example", "no-mx.example"}));

// A server may tell each type of question something else; sendmail begins anew at each target.
TEST(DeliveredAuthor, IsFollowedThroughServersThatTellEachTypeSomethingElse) {
  const auto author = mail::DomainName::parse("liar.example").value();
  const auto name = [](const char* text) { return mail::DomainName::parse(text).value(); };
  dns::Answers answers;
  const auto add = [&](const char* owner, dns::Type type, dns::Outcome outcome,
                       std::string canonical) {
    dns::Answer answer;
    answer.outcome = outcome;
    answer.canonical = std::move(canonical);
    answers.add({name(owner), type}, std::make_shared<const dns::Answer>(std::move(answer)));
  };
  using enum dns::Outcome;
  add("liar.example", dns::Type::aaaa, nodata, "own.example");
  add("liar.example", dns::Type::a, records, "");
  add("liar.example", dns::Type::mx, nodata, "");
  auto open = delivered_author(author, answers);
  ASSERT_FALSE(open.done());
  EXPECT_EQ(open.needed.size(), 3U);
  EXPECT_EQ(to_string(open.needed.front()), "own.example AAAA");
  add("own.example", dns::Type::aaaa, nodata, "");
  add("own.example", dns::Type::a, nodata, "");
  add("own.example", dns::Type::mx, records, "victim.example");
  const auto found = delivered_author(author, answers);
  ASSERT_TRUE(found.done());
  EXPECT_EQ(found.result->domain.text(), "victim.example");
}

TEST(DeliveredAuthor, IsNotKnownWhenWeAskedTooOften) {
  const auto author = mail::DomainName::parse("liar.example").value();
  dns::Answers answers;
  for (const auto type : {dns::Type::aaaa, dns::Type::a, dns::Type::mx}) {
    dns::Answer answer;
    answer.outcome = dns::Outcome::refused;
    answer.error = "query budget";
    answers.add({author, type}, std::make_shared<const dns::Answer>(std::move(answer)));
  }
  const auto found = delivered_author(author, answers);
  ASSERT_TRUE(found.done());
  EXPECT_NE(found.result->failure, "");
}

TEST(DeliveredAuthor, IsAskedInOneRoundTripWhereThereIsNoAlias) {
  auto dns = zone();
  int rounds = 0;
  const auto author = mail::DomainName::parse("plain.example").value();
  test::run_to_end([&](const dns::Answers& answers) { return delivered_author(author, answers); },
                   dns, true, &rounds);
  EXPECT_EQ(rounds, 1);
  EXPECT_EQ(dns.asked.size(), 3U);
}

}  // namespace sekisho::dmarc
