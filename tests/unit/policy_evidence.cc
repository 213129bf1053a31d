// The words of evidence, and those of relays, as docs/explain.md and docs/relays.md have them: what
// the code can say stands there, and what suffices for a corroborated reject is what suffices.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "client/origin.h"
#include "policy/decide.h"
#include "support/fake_dns.h"

namespace sekisho::policy {
namespace {

const std::string repository = std::string(SEKISHO_TEST_DATA) + "/../..";

std::string document(const std::string& name) {
  return test::read_file(repository + "/docs/" + name);
}

// Every literal that is put among the evidence of a decision, without what is set behind its colon.
std::set<std::string> words_of_the_code() {
  std::set<std::string> words;
  const std::regex put(R"(evidence\.(?:emplace_back|push_back)\(\s*"([^":]+))");
  for (const auto& file : std::filesystem::directory_iterator(repository + "/src/policy")) {
    const auto text = test::read_file(file.path().string());
    for (std::sregex_iterator at(text.begin(), text.end(), put), end; at != end; ++at)
      words.insert((*at)[1]);
  }
  return words;
}

// First column → the second, of all rows whose first column is one word.
std::map<std::string, std::string> rows(const std::string& text) {
  std::map<std::string, std::string> out;
  const std::regex row(R"(\n\| `([a-z-]+)(?::[A-Z]+)?` \| ([^|]*) \|)");
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at)
    out.emplace((*at)[1], (*at)[2]);
  return out;
}

TEST(Evidence, EveryWordStandsInTheDocument) {
  const auto words = words_of_the_code();
  EXPECT_GE(words.size(), 7U) << "the code says them in another way now: look there";
  const auto told = rows(document("explain.md"));
  for (const auto& word : words) EXPECT_TRUE(told.contains(word)) << word;
}

TEST(Evidence, EveryWordOfARelayStandsInTheDocument) {
  const auto relays = document("relays.md");
  std::size_t words = 0;
  for (int i = 0; i < 64; ++i) {
    const auto word = to_string(static_cast<client::Origin::Stop>(i));
    if (word.empty()) continue;
    ++words;
    EXPECT_NE(relays.find("`" + std::string(word) + "`"), std::string::npos) << word;
  }
  EXPECT_GE(words, 7U);
}

// A forgery of a.example, which publishes p=reject, and against which nothing else speaks.
Facts forgery() {
  Facts facts;
  facts.id = "AAAA-BBBB";
  facts.mail_from = "bob@b.example";
  facts.recipients = {"user@example.jp"};
  facts.author.result = mail::Author::Result::one;
  facts.author.domains = {mail::DomainName::parse("a.example").value()};
  facts.spf_mail_from.domain = "b.example";
  facts.dmarc.code = dmarc::Code::fail;
  facts.dmarc.from = facts.dmarc.org_domain = "a.example";
  facts.dmarc.author_exists = true;
  facts.dmarc.tag = "p";
  facts.dmarc.policy = facts.dmarc.requested = dmarc::Policy::reject;
  facts.dmarc.published = dmarc::Published{};
  facts.dmarc.published->p = dmarc::Policy::reject;
  return facts;
}

TEST(Evidence, WhatSufficesIsWhatTheDocumentSays) {
  const std::map<std::string, std::function<void(Facts&, RuleSet&)>> cases = {
      {"list",
       [](Facts& facts, RuleSet& rules) {
         rules.defaults.lists.threshold = 2;  // one hit is below it
         rules.defaults.lists.rules.push_back({});
         rules.defaults.lists.rules.back().name = "zen";
         client::DnsListResult hit;
         hit.name = "zen";
         hit.code = client::DnsListCode::listed;
         facts.lists.push_back(hit);
       }},
      {"author-domain-does-not-exist",
       [](Facts& facts, RuleSet&) {
         facts.dmarc.tag = "np";
         facts.dmarc.author_exists = false;
       }},
      {"own-domain-from-outside", [](Facts& facts, RuleSet&) { facts.author_is_ours = true; }},
      {"spf-fail-aligned",
       [](Facts& facts, RuleSet&) {
         facts.spf_mail_from.code = spf::Code::fail;
         facts.spf_mail_from.domain = "a.example";
       }},
  };
  const auto told = rows(document("explain.md"));
  std::set<std::string> judged;
  for (const auto& [word, answer] : told) {
    if (answer == "yes" || answer == "no") judged.insert(word);
  }
  for (const auto& [word, change] : cases) {
    judged.erase(word);
    Facts facts = forgery();
    RuleSet rules;
    EXPECT_EQ(decide(facts, rules).message.action, Action::quarantine);
    change(facts, rules);
    const auto decision = decide(facts, rules).message;
    ASSERT_EQ(decision.evidence.size(), 1U) << word;
    EXPECT_TRUE(decision.evidence.front().starts_with(word)) << decision.evidence.front();
    ASSERT_TRUE(told.contains(word)) << word;
    EXPECT_EQ(told.at(word), decision.action == Action::reject ? "yes" : "no") << word;
  }
  EXPECT_TRUE(judged.empty()) << *judged.begin() << " has no case here";
}

}  // namespace
}  // namespace sekisho::policy
