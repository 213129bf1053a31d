// What the allowlist could still say at RCPT, and what it costs to ask a large one.
#include <functional>

#include <gtest/gtest.h>

#include "policy/access_list.h"
#include "support/allow_facts.h"
#include "support/allow_lists.h"

namespace sekisho::policy {

namespace {

using test::allowlist_of;
using test::author_is;
using test::sender_is;
using test::signed_by;
using test::stranger;

using Change = std::function<void(Facts&)>;

std::string text_of(const DnsListProspects& prospects) {
  const auto one = [](DnsListProspect prospect) {
    switch (prospect) {
      case DnsListProspect::none:
        return "none";
      case DnsListProspect::lookups:
        return "lookups";
      case DnsListProspect::header:
        return "header";
      case DnsListProspect::skipped:
        return "skipped";
    }
    return "";
  };
  return std::string(one(prospects[client::DnsListKind::dnsbl])) + " " +
         one(prospects[client::DnsListKind::rhsbl]);
}

// At RCPT: no header yet.
Facts at_rcpt() {
  Facts facts = stranger();
  facts.author = {};
  facts.iprev = {};
  facts.spf_mail_from = {};
  facts.mail_from = "x@partner.example";
  return facts;
}

TEST(AtRcpt, TellsWhetherAListMayRefuse) {
  struct Prospect {
    const char* list;
    Change change;
    KnownSoFar known;
    const char* says;
  };
  const auto nothing = [](Facts&) {};
  const auto spf_passed = [](Facts& f) {
    sender_is(f, "x@partner.example", "partner.example", spf::Code::pass);
  };
  const auto everybody_passes = [&](Facts& f) {
    spf_passed(f);
    f.spf_mail_from.overbroad = true;
  };
  const Prospect cases[] = {
      {"", nothing, {}, "none none"},
      {"dkim:a.example dmarc=accept", nothing, {}, "none none"},
      {"dkim:a.example skip=dnsbl", nothing, {true, true}, "header none"},
      {"from:a.example skip=rhsbl", nothing, {true, true}, "none header"},
      {"from:a.example skip=rhsbl until=2026-11-20", nothing, {}, "none none"},
      {"mfrom:partner.example skip=dnsbl,rhsbl", nothing, {true, false}, "lookups lookups"},
      {"mfrom:partner.example skip=dnsbl,rhsbl", nothing, {true, true}, "none none"},
      {"mfrom:partner.example skip=dnsbl", spf_passed, {true, true}, "skipped none"},
      {"mfrom:partner.example skip=dnsbl", everybody_passes, {true, true}, "none none"},
      {"mfrom:other.example skip=dnsbl", nothing, {}, "none none"},
      {"mfrom:partner.example proof=none skip=dnsbl", nothing, {}, "skipped none"},
      {"ptr:mx.a.example skip=dnsbl", nothing, {false, true}, "lookups none"},
      {"ptr:mx.a.example skip=dnsbl", nothing, {true, false}, "none none"},
      {"ip:198.51.100.66 skip=dnsbl", nothing, {}, "skipped none"},
      {"ip:198.51.100.66 skip=dnsbl\ndkim:a.example skip=all", nothing, {}, "skipped header"},
      {"ip:192.0.2.1 skip=all", nothing, {}, "none none"},
  };
  for (const auto& c : cases) {
    Facts facts = at_rcpt();
    c.change(facts);
    EXPECT_EQ(text_of(could_still_skip_dns_lists(*allowlist_of(c.list), facts, c.known)), c.says)
        << c.list;
  }
}

// 100,000 entries: a message looks at a few of them only. Compared with a list of ten, so that the
// machine's speed does not matter; a list that is searched would take thousands of times as long.
TEST(AccessList, AHundredThousandEntriesCostNothing) {
  const auto list_with = [](int entries) {
    std::string text;
    for (int i = 0; i < entries / 4; ++i) {
      const auto n = std::to_string(i);
      text += "from:d" + n + ".example skip=dnsbl\ndkim:.d" + n + ".example dmarc=accept\nmfrom:u" +
              n + "@d.example skip=rhsbl\nip:10." + std::to_string(i / 256 % 256) + "." +
              std::to_string(i % 256) + ".0/24 skip=all\n";
    }
    return allowlist_of(text);
  };
  Facts facts = stranger();
  author_is(facts, "bob@d24999.example");
  sender_is(facts, "u24999@d.example", "d.example", spf::Code::pass);
  facts.client.address = mail::IpAddress::parse("10.97.167.1").value();
  for (int i = 0; i < 10; ++i) signed_by(facts, "a.b.c.d24999.example");
  const auto time_of = [&](const AccessList& list) {
    auto best = std::chrono::steady_clock::duration::max();
    for (int round = 0; round < 20; ++round) {
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < 100; ++i) match_allowlist(list, facts);
      best = std::min(best, std::chrono::steady_clock::now() - start);
    }
    return std::chrono::duration<double, std::micro>(best).count() / 100;
  };
  const auto large = list_with(100'000);
  ASSERT_EQ(large->size(), 100'000U);
  EXPECT_EQ(match_allowlist(*large, facts).size(), 4U);
  const auto small = list_with(12);
  const double of_large = time_of(*large);
  const double of_small = time_of(*small);
  RecordProperty("microseconds", std::to_string(of_large));
  // The large one has matches to write down and its memory is not in the cache.
  EXPECT_LT(of_large, 20 * of_small + 50);
}

}  // namespace

}  // namespace sekisho::policy
