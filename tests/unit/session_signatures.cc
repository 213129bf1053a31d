// Signatures that are good although a hasty reader refuses them: an identity in quotes, a key that
// names its hash by the whole algorithm, an expiry that passed while the message waited at our own
// backup MX, a header whose blanks the MTA ate. Each with the forgery beside it that must not pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "authres/authentication_results.h"
#include "base/ascii.h"
#include "support/cpu_time.h"
#include "support/dkim_signer.h"
#include "support/session_gate.h"

namespace sekisho::session {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class Signatures : public testing::Test {
 protected:
  static const test::SigningKey& rsa() {
    static const auto key = test::SigningKey::rsa(2048);
    return key;
  }
  static const test::SigningKey& ed25519() {
    static const auto key = test::SigningKey::ed25519();
    return key;
  }
  // The strings of a key record of two kilobits are two.
  static std::string record(const test::SigningKey& key, const std::string& tags) {
    std::string text = key.record();
    text.insert(text.find("k="), tags);
    return "\"" + text.substr(0, 200) + "\" \"" + text.substr(200) + "\"";
  }
  static std::string zone(const std::string& key_tags = "") {
    return "sel._domainkey.a.example. TXT " + record(rsa(), key_tags) +
           "\ned._domainkey.a.example. TXT \"" + ed25519().record() +
           "\"\n_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\na.example. TXT \"v=spf1 -all\"\n";
  }
  static test::SignatureTags tags(const std::string& more = "", bool simple = false) {
    test::SignatureTags all;
    all.more = more;
    all.relaxed_header = !simple;
    return all;
  }
  static void sign(test::Letter& letter, const test::SignatureTags& tags,
                   const test::SigningKey& key = rsa()) {
    mail::Header header;
    for (const auto& field : letter.fields) header.add(field);
    letter.fields.insert(letter.fields.begin(), test::sign(key, tags, header, letter.body));
  }
};

TEST_F(Signatures, AnIdentityMayBeAQuotedString) {
  test::Gate gate(test::snapshot_on_zone(zone()));
  const std::pair<const char*, const char*> cases[] = {
      {"=22a=3Bb=22@a.example", "\"a;b\"@a.example"},
      {"=22a=22@a.example", "a@a.example"},
      {"=22a=20b=22@x.a.example", "\"a b\"@x.a.example"},
      {"=22=5C=22)=3B=20dmarc=3Dpass=20(=5C=5C=22@a.example",
       "\"\\\"); dmarc=pass (\\\\\"@a.example"},
      {"\"a.b,c:d<e>\"@a.example", "\"a.b,c:d<e>\"@a.example"},
  };
  for (const auto& [written, identity] : cases) {
    test::Letter letter;
    sign(letter, tags("i=" + std::string(written) + ";"));
    const auto outcome = gate.judge(letter);
    ASSERT_EQ(outcome.facts.dkim.size(), 1U);
    EXPECT_EQ(outcome.facts.dkim[0].code, dkim::Code::pass) << outcome.facts.dkim[0].reason;
    EXPECT_EQ(outcome.facts.dkim[0].identity, identity);
    const auto field =
        authres::parse(outcome.authentication_results, authres::Syntax::strict).value();
    EXPECT_EQ(field.results.size(), 5U) << outcome.authentication_results;
    EXPECT_EQ(field.results.back().result, "pass");
  }
}

TEST_F(Signatures, AnIdentityOutsideItsDomainIsRefusedInQuotesToo) {
  test::Gate gate(test::snapshot_on_zone(zone()));
  for (const char* written : {"=22x@a.example=22@b.example", "=22a=0Ab=22@a.example",
                              "=22a=22=22b=22@a.example", "=22a@a.example"}) {
    test::Letter letter;
    sign(letter, tags("i=" + std::string(written) + ";"));
    const auto outcome = gate.judge(letter);
    EXPECT_EQ(outcome.facts.dkim[0].code, dkim::Code::permerror) << written;
    EXPECT_EQ(outcome.facts.dmarc.code, dmarc::Code::fail) << written;
  }
}

TEST_F(Signatures, AKeyMayNameItsHashByTheWholeAlgorithm) {
  const std::pair<const char*, dkim::Code> cases[] = {
      {"h=rsa-sha256; ", dkim::Code::pass},      {"h=RSA-SHA256; ", dkim::Code::pass},
      {"h=sha1:rsa-sha256; ", dkim::Code::pass}, {"h=ed25519-sha256; ", dkim::Code::pass},
      {"h=sha256; ", dkim::Code::pass},          {"h=sha1; ", dkim::Code::permerror},
      {"h=rsa-sha1; ", dkim::Code::permerror},   {"h=rsa-sha2567; ", dkim::Code::permerror},
      {"h=rsa; ", dkim::Code::permerror},        {"h=; ", dkim::Code::permerror},
  };
  for (const auto& [key_tags, code] : cases) {
    test::Gate gate(test::snapshot_on_zone(zone(key_tags)));
    test::Letter letter;
    sign(letter, tags());
    EXPECT_EQ(gate.judge(letter).facts.dkim[0].code, code) << key_tags;
  }
}

// --- first received by our own backup MX ---------------------------------------------------------

class ExpiredOnTheWay : public Signatures {
 protected:
  static constexpr std::chrono::hours waited{48};

  ExpiredOnTheWay() : now_(wall_now()) {
    auto snapshot = test::snapshot_on_zone(zone());
    snapshot.options.trust.relays = {mail::IpPrefix::parse("192.0.2.25/32").value()};
    gate_.emplace(std::move(snapshot));
  }
  std::string seconds(std::chrono::seconds from_now) const {
    return std::to_string((now_ + from_now).time_since_epoch().count());
  }
  // As Postfix on the relay wrote it, that long ago.
  std::string received(const std::string& client, std::chrono::seconds ago) const {
    return " from mx (n [" + client + "]) by mx2.example.jp (Postfix) with ESMTP id A; " +
           to_rfc5322(now_ - ago);
  }
  dkim::SignatureResult judge(const std::string& more, const std::vector<std::string>& stamps,
                              const std::string& client = "192.0.2.25") {
    test::Letter letter;
    letter.client = client;
    sign(letter, tags(more));
    for (auto each = stamps.rbegin(); each != stamps.rend(); ++each) {
      letter.fields.insert(letter.fields.begin(), {"Received", *each});
    }
    return gate_->judge(letter).facts.dkim.at(0);
  }

  WallTime now_;
  std::optional<test::Gate> gate_;
};

TEST_F(ExpiredOnTheWay, IsJudgedByTheTimeOfFirstReceipt) {
  const std::string expired = "t=" + seconds(-waited - 1h) + "; x=" + seconds(-24h) + ";";
  const auto good = judge(expired, {received("198.51.100.7", waited)});
  EXPECT_EQ(good.code, dkim::Code::pass) << good.reason;
  // Over two relays of ours, the first receipt counts.
  const auto over_two =
      judge(expired, {received("192.0.2.25", 1h), received("198.51.100.7", waited)});
  EXPECT_EQ(over_two.code, dkim::Code::pass) << over_two.reason;
}

TEST_F(ExpiredOnTheWay, WhatHadExpiredBeforeIsExpired) {
  const std::string expired = "x=" + seconds(-24h) + ";";
  const std::vector<std::string> later[] = {
      {received("198.51.100.7", 1h)},
      {},
      {" gibberish"},
      {" from mx (n [198.51.100.7]) by mx2.example.jp (Postfix); never"},
      // Written by others: below the first of ours, or from a client that is none of ours.
      {received("198.51.100.7", 1h), received("198.51.100.7", waited)},
      {received("198.51.100.7", 1h), received("192.0.2.25", waited)},
      // Of the future: the relay's clock is wrong.
      {received("198.51.100.7", -waited)},
  };
  for (const auto& stamps : later) {
    const auto result = judge(expired, stamps);
    EXPECT_EQ(result.code, dkim::Code::permerror) << testing::PrintToString(stamps);
    EXPECT_EQ(result.reason, "expired");
  }
  const auto stranger = judge(expired, {received("198.51.100.7", waited)}, "198.51.100.9");
  EXPECT_EQ(stranger.reason, "expired");
}

// Else the wrong clock of a relay would let good signatures expire.
TEST_F(ExpiredOnTheWay, AReceiptInTheFutureLetsNothingExpire) {
  const auto result = judge("x=" + seconds(24h) + ";", {received("198.51.100.7", -waited)});
  EXPECT_EQ(result.code, dkim::Code::pass) << result.reason;
}

TEST_F(ExpiredOnTheWay, SignedAfterTheFirstReceiptIsNotOfTheFuture) {
  const auto by_the_relay = judge("t=" + seconds(-1h) + ";", {received("198.51.100.7", waited)});
  EXPECT_EQ(by_the_relay.code, dkim::Code::pass) << by_the_relay.reason;
  const auto future = judge("t=" + seconds(24h) + ";", {received("198.51.100.7", waited)});
  EXPECT_EQ(future.reason, "signed in the future");
}

// --- an MTA that eats a blank --------------------------------------------------------------------

class LostBlanks : public Signatures {
 protected:
  // As an MTA of an old protocol hands it over, and the front mends it: one space is eaten, one is
  // put back.
  static void lose_blanks(test::Letter& letter) {
    for (auto& field : letter.fields) {
      if (field.value.starts_with(' ')) field.value.erase(0, 1);
      field.value.insert(0, 1, ' ');
    }
  }
  dkim::Code judge(const test::Letter& letter, bool told = true) {
    const auto session = gate_.session();
    if (told) session->blanks_lost();
    test::greet(*session, letter);
    return gate_.judge(*session, letter).facts.dkim.at(0).code;
  }
  static test::Letter letter_of(const std::vector<std::string>& blanks) {
    test::Letter letter;
    letter.fields = {{"From", blanks.at(0) + "bob@a.example"},
                     {"Subject", blanks.at(1) + "x"},
                     {"To", blanks.at(2) + "user@example.jp"},
                     {"Date", blanks.at(3)}};
    return letter;
  }
  static test::SignatureTags simple() {
    auto all = tags("", true);
    all.fields = "from:subject:to:date:cc";
    return all;
  }
  test::Gate gate_{test::snapshot_on_zone(zone())};
};

TEST_F(LostBlanks, BothSpellingsOfSimpleAreTried) {
  const std::vector<std::string> cases[] = {
      {" ", " ", " ", " "},      {"", "", "", ""},        {" ", "", " ", " "},
      {"", " ", " ", " "},       {" ", "", "", " "},      {" ", " ", " ", ""},
      {" ", "\t", " ", " "},     {"  ", " \t", "", "\t"}, {" ", "\r\n ", " ", ""},
      {"\t", "\r\n\t", " ", ""},
  };
  for (const auto& blanks : cases) {
    for (const auto* key : {&rsa(), &ed25519()}) {
      auto letter = letter_of(blanks);
      auto how = simple();
      if (!key->is_rsa()) how.selector = "ed";
      sign(letter, how, *key);
      lose_blanks(letter);
      EXPECT_EQ(judge(letter), dkim::Code::pass) << testing::PrintToString(blanks);
    }
  }
  auto letter = letter_of({" ", "", " ", " "});
  sign(letter, simple());
  lose_blanks(letter);
  EXPECT_EQ(judge(letter, false), dkim::Code::fail) << "where the MTA loses none, none is tried";
}

TEST_F(LostBlanks, WhatElseWasChangedFails) {
  const auto damage = [&](const auto& change) {
    auto letter = letter_of({" ", "", " ", ""});
    sign(letter, simple());
    lose_blanks(letter);
    change(letter);
    return judge(letter);
  };
  EXPECT_EQ(damage([](auto&) {}), dkim::Code::pass);
  EXPECT_EQ(damage([](auto& l) { l.fields[1].value = " mallory@a.example"; }), dkim::Code::fail);
  EXPECT_EQ(damage([](auto& l) { l.fields[2].value = "  x"; }), dkim::Code::fail);
  EXPECT_EQ(damage([](auto& l) { l.fields[2].value = " X"; }), dkim::Code::fail);
  EXPECT_EQ(damage([](auto& l) { l.fields[2].name = "subject"; }), dkim::Code::fail);
  EXPECT_EQ(damage([](auto& l) {
              l.fields.insert(l.fields.begin() + 1, {"From", " x@b.example"});
            }),
            dkim::Code::pass)
      << "a From above is not the one that was signed; the author rule meets the second";
  EXPECT_EQ(damage([](auto& l) { l.fields.push_back({"Cc", " x"}); }), dkim::Code::fail);
  EXPECT_EQ(damage([](auto& l) { l.body += "more\r\n"; }), dkim::Code::fail);
}

TEST_F(LostBlanks, ManyFieldsCostABoundedNumberOfAttempts) {
  auto letter = letter_of({" ", "", " ", " "});
  auto how = simple();
  for (int n = 0; n < 200; ++n) {
    const std::string name = "X-" + std::to_string(n);
    letter.fields.push_back({name, n % 2 == 0 ? "" : " v"});
    how.fields += ":" + name;
  }
  sign(letter, how);
  lose_blanks(letter);
  const auto before = cpu_time();
  EXPECT_EQ(judge(letter), dkim::Code::fail) << "a hundred odd ones are not found";
  EXPECT_LT(cpu_time() - before, std::chrono::seconds(5));
}

}  // namespace
}  // namespace sekisho::session
