// Whole messages against an allowlist, with real signatures and a zone: list mail that its own
// proof lets through, and the ways to forge it.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "record/json.h"
#include "support/allow_lists.h"
#include "support/dkim_signer.h"
#include "support/session_gate.h"

namespace sekisho::session {

namespace {

using test::Gate;
using test::Letter;
using test::SignatureTags;
using test::SigningKey;

// bank.example says p=reject; the list and the partner prove themselves, attack.example proves
// itself too.
std::string zone_with(const SigningKey& key) {
  return R"(
bank.example.                     TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.bank.example.              TXT "v=DMARC1; p=reject"
lists.example.                    TXT "v=spf1 ip4:192.0.2.20 ?ip4:192.0.2.21 ~all"
soft.example.                     TXT "v=spf1 ~all"
;!servfail broken.example
attack.example.                   TXT "v=spf1 ip4:203.0.113.66 -all"
66.113.0.203.in-addr.arpa.        PTR mx.lists.example.
mx.lists.example.                 A   192.0.2.20
20.2.0.192.in-addr.arpa.          PTR mx.lists.example.
)" + [&] {
    std::string records;
    for (const char* name : {"sel._domainkey.lists.example.", "sel._domainkey.attack.example.",
                             "sel._domainkey.sub.lists.example."}) {
      records += std::string(name) + " TXT \"" + key.record() + "\"\n";
    }
    return records;
  }();
}

const char* const entries = R"(
from:bank.example       skip=dnsbl,rhsbl
from:bank.example       proof=spf  dmarc=accept
from:bank.example       proof=dkim dmarc=accept
mfrom:lists.example     dmarc=accept
mfrom:soft.example      dmarc=accept
mfrom:broken.example    dmarc=accept
mfrom:none.example      dmarc=accept
dkim:lists.example      dmarc=accept
ptr:mx.lists.example    dmarc=accept
ptr:.lists.example      dmarc=accept
ip:192.0.2.20           dmarc=accept
)";

class AllowlistGate : public testing::Test {
 protected:
  AllowlistGate() {
    auto snapshot = test::snapshot_on_zone(zone_with(key_));
    snapshot.rules.allowlist = test::allowlist_of(entries);
    gate_ = std::make_unique<Gate>(std::move(snapshot));
  }

  // From a host of the attacker's, in the name of the bank.
  Letter attack() const {
    Letter letter;
    letter.client = "203.0.113.66";
    letter.helo = "mx.lists.example";
    letter.mail_from = "eve@attack.example";
    letter.fields = {{"From", " Ann <ann@bank.example>"},
                     {"To", " net@lists.example"},
                     {"Subject", " x"},
                     {"List-Id", " <net.lists.example>"}};
    return letter;
  }

  void sign(Letter& letter, const SignatureTags& tags) const {
    mail::Header header;
    for (const auto& field : letter.fields) header.add(field);
    letter.fields.insert(letter.fields.begin(), test::sign(key_, tags, header, letter.body));
  }

  static SignatureTags tags_of(std::string domain, std::string more = "") {
    SignatureTags tags;
    tags.domain = std::move(domain);
    tags.more = std::move(more);
    return tags;
  }

  SigningKey key_ = SigningKey::ed25519();  // its record fits into one string
  std::unique_ptr<Gate> gate_;
};

TEST_F(AllowlistGate, TheListsOwnSignatureLetsItThrough) {
  Letter letter = attack();
  sign(letter, tags_of("lists.example"));
  const auto outcome = gate_->judge(letter);
  EXPECT_EQ(outcome.verdict.message.action, policy::Action::accept);
  EXPECT_EQ(outcome.verdict.message.rule, "allowlist");
  ASSERT_EQ(outcome.verdict.message.overrides.size(), 1U);
  EXPECT_EQ(outcome.verdict.message.overrides[0].first, "mailing_list");
  // What DMARC came to is told as it is.
  EXPECT_NE(outcome.authentication_results.find("dmarc=fail"), std::string::npos);
  EXPECT_NE(gate_->recorder().lines().back().find(" allow=dkim:lists.example(proven) action=accept "
                                                  "rule=allowlist "),
            std::string::npos)
      << gate_->recorder().lines().back();
}

TEST_F(AllowlistGate, SoDoItsSpfAndItsAddress) {
  Letter letter = attack();
  letter.client = "192.0.2.20";
  letter.mail_from = "net-bounces@lists.example";
  const auto outcome = gate_->judge(letter);
  EXPECT_EQ(outcome.verdict.message.rule, "allowlist");
  std::string holding;
  for (const auto& match : outcome.facts.allowlist) {
    if (match.holds) holding += match.entry + " ";
  }
  EXPECT_EQ(holding, "ip:192.0.2.20 ptr:mx.lists.example mfrom:lists.example ");
}

TEST_F(AllowlistGate, NothingForgedIsLetThrough) {
  struct Spoof {
    const char* name;
    std::function<void(Letter&)> change;
  };
  const auto sender = [](const char* mail_from) {
    return [mail_from](Letter& letter) { letter.mail_from = mail_from; };
  };
  const auto signature = [this](const SignatureTags& tags, auto damage) {
    return [this, tags, damage](Letter& letter) {
      sign(letter, tags);
      damage(letter);
    };
  };
  const auto nothing = [](Letter&) {};
  SignatureTags shorter = tags_of("lists.example");
  shorter.length = 3;
  const Spoof spoofs[] = {
      {"forged From", nothing},
      {"a display name",
       [](Letter& l) { l.fields[0].value = " \"list <net@lists.example>\" <ann@bank.example>"; }},
      {"MAIL FROM, SPF softfail", sender("x@lists.example")},
      {"MAIL FROM, SPF neutral",
       [](Letter& l) {
         l.client = "192.0.2.21";
         l.mail_from = "x@lists.example";
       }},
      {"MAIL FROM, SPF none", sender("x@none.example")},
      {"MAIL FROM, SPF softfail for all", sender("x@soft.example")},
      {"MAIL FROM, SPF temperror", sender("x@broken.example")},
      {"MAIL FROM below the entry", sender("x@sub.lists.example")},
      {"MAIL FROM with a route", sender("@lists.example:x@attack.example")},
      {"MAIL FROM with a quote", sender("\"x@lists.example\"@attack.example")},
      {"MAIL FROM with two @", sender("x@lists.example@attack.example")},
      {"MAIL FROM with a NUL",
       [](Letter& l) { l.mail_from = std::string("x@lists.example\0@attack.example", 31); }},
      {"the null reverse-path", sender("")},
      {"a signature of the attacker's", signature(tags_of("attack.example"), nothing)},
      {"a signature below the entry", signature(tags_of("sub.lists.example"), nothing)},
      {"a signature without a key", signature(tags_of("x.lists.example"), nothing)},
      {"an identity of the list's",
       signature(tags_of("attack.example", "i=@lists.example;"), nothing)},
      {"a body that was changed",
       signature(tags_of("lists.example"), [](Letter& l) { l.body += "Pay here\r\n"; })},
      {"a body that goes on beyond l=",
       signature(shorter, [](Letter& l) { l.body += "Pay here\r\n"; })},
      {"a From that was changed",
       signature(tags_of("lists.example"),
                 [](Letter& l) { l.fields[1].value = " ceo@bank.example"; })},
      {"an expired signature", signature(tags_of("lists.example", "t=1; x=2;"), nothing)},
      {"d= with a NUL", signature(tags_of("lists.example"),
                                  [](Letter& l) {
                                    auto& value = l.fields[0].value;
                                    const auto at = value.find("d=lists.example");
                                    value.insert(at + 15, std::string("\0.attack.example", 16));
                                  })},
      {"d= with a quote", signature(tags_of("attack.example"),
                                    [](Letter& l) {
                                      auto& value = l.fields[0].value;
                                      value.insert(value.find("d=attack") + 2, "lists.example'a.");
                                    })},
      {"a PTR that does not lead back", [](Letter& l) { l.helo = "mx.lists.example"; }},
      {"an address in HELO", [](Letter& l) { l.helo = "[192.0.2.20]"; }},
      {"the address inside an IPv6 one", [](Letter& l) { l.client = "64:ff9b::192.0.2.20"; }},
      {"an Authentication-Results field",
       [](Letter& l) {
         l.fields.insert(l.fields.begin(), {"Authentication-Results",
                                            " mx.example.jp; dkim=pass header.d=lists.example; "
                                            "dmarc=pass header.from=bank.example"});
       }},
      {"two From fields",
       [](Letter& l) {
         l.fields.push_back({"From", " net@lists.example"});
       }},
      {"two authors",
       [](Letter& l) { l.fields[0].value = " net@lists.example, ann@bank.example"; }},
      {"a Sender field",
       [](Letter& l) {
         l.fields.push_back({"Sender", " net@lists.example"});
       }},
      {"a trailing dot", [](Letter& l) { l.fields[0].value = " ann@bank.example."; }},
      {"capitals", [](Letter& l) { l.fields[0].value = " Ann <ann@BANK.Example>"; }},
      {"a NUL in From",
       [](Letter& l) {
         l.fields[0].value = std::string(" ann@bank.example\0@attack.example", 33);
       }},
  };
  for (const auto& spoof : spoofs) {
    Letter letter = attack();
    spoof.change(letter);
    const auto outcome = gate_->judge(letter);
    EXPECT_NE(outcome.verdict.message.rule, "allowlist") << spoof.name;
    EXPECT_GE(outcome.verdict.message.action, policy::Action::quarantine) << spoof.name;
    EXPECT_TRUE(effect_of(outcome.facts.allowlist).nothing()) << spoof.name;
  }
  EXPECT_GE(std::size(spoofs), 20U);
}

// Newsletters of parcel.example go out through a bulk mailer, which signs all that its customers
// send with its own name.
class BulkMailer : public testing::Test {
 protected:
  void allow(const std::string& entry) {
    auto snapshot = test::snapshot_on_zone(R"(
_dmarc.parcel.example.              TXT "v=DMARC1; p=reject"
_dmarc.example.jp.                  TXT "v=DMARC1; p=reject"
_dmarc.third.example.               TXT "v=DMARC1; p=reject"
bounces.mailer.example.             TXT "v=spf1 ip4:192.0.2.30 -all"
sel._domainkey.mailer.example.      TXT ")" +
                                           key_.record() + R"("
sel._domainkey.eve.mailer.example.  TXT ")" +
                                           key_.record() + "\"\n");
    snapshot.options.identity.domains = {mail::DomainName::parse("example.jp").value()};
    snapshot.rules.allowlist = test::allowlist_of(entry);
    gate_ = std::make_unique<Gate>(std::move(snapshot));
  }
  // As all customers' mail: the mailer's own MAIL FROM, address and signature.
  policy::Action sent(const std::string& author, const std::string& signer = "mailer.example",
                      const std::string& client = "192.0.2.30") {
    Letter letter;
    letter.client = client;
    letter.helo = "out.mailer.example";
    letter.mail_from = "b-17@bounces.mailer.example";
    letter.fields = {{"From", " " + author},
                     {"To", " user@example.jp"},
                     {"Subject", " News"},
                     {"List-Unsubscribe", " <https://mailer.example/u/17>"}};
    if (!signer.empty()) {
      SignatureTags tags;
      tags.domain = signer;
      mail::Header header;
      for (const auto& field : letter.fields) header.add(field);
      letter.fields.insert(letter.fields.begin(), test::sign(key_, tags, header, letter.body));
    }
    return gate_->judge(letter).verdict.message.action;
  }

  SigningKey key_ = SigningKey::ed25519();
  std::unique_ptr<Gate> gate_;
};

TEST_F(BulkMailer, AnEntryForAnAuthorIsNoneForItsOtherCustomers) {
  using policy::Action;
  for (const char* entry : {"from:parcel.example proof=dkim:mailer.example dmarc=accept",
                            "from:parcel.example proof=spf:bounces.mailer.example dmarc=accept",
                            "from:parcel.example proof=ip:192.0.2.30 dmarc=accept"}) {
    allow(entry);
    EXPECT_EQ(sent("news@parcel.example"), Action::accept) << entry;
    EXPECT_NE(sent("news@third.example"), Action::accept) << entry;
    EXPECT_NE(sent("ceo@example.jp"), Action::accept) << entry;
    EXPECT_NE(sent("ceo@mail.example.jp"), Action::accept) << entry;
    EXPECT_NE(sent("news@parcel.example", "", "203.0.113.9"), Action::accept) << entry;
  }
  // A name stands for itself, not for what a customer has below it.
  allow("from:parcel.example proof=dkim:mailer.example dmarc=accept");
  EXPECT_NE(sent("news@parcel.example", "eve.mailer.example"), Action::accept);
}

TEST_F(BulkMailer, WhoeverVouchesForOthersDoesNotVouchForUs) {
  using policy::Action;
  for (const char* entry :
       {"dkim:mailer.example dmarc=accept", "mfrom:bounces.mailer.example dmarc=accept",
        "ip:192.0.2.0/24 skip=all", "mfrom:bounces.mailer.example proof=none dmarc=accept"}) {
    allow(entry);
    EXPECT_EQ(sent("news@third.example"), Action::accept) << entry;
    EXPECT_NE(sent("ceo@example.jp"), Action::accept) << entry;
    EXPECT_NE(sent("ceo@mail.example.jp"), Action::accept) << entry;
  }
  const auto line = gate_->recorder().lines().back();
  EXPECT_NE(line.find("unproven(mfrom:bounces.mailer.example)"), std::string::npos) << line;
}

TEST_F(BulkMailer, AnEntryThatNamesUsCoversUs) {
  using policy::Action;
  for (const char* proof : {"dkim:mailer.example", "spf:bounces.mailer.example", "ip:192.0.2.30"}) {
    allow("from:example.jp proof=" + std::string(proof) + " dmarc=accept");
    EXPECT_EQ(sent("news@example.jp"), Action::accept) << proof;
    EXPECT_NE(sent("news@third.example"), Action::accept) << proof;
    EXPECT_NE(sent("news@example.jp", "", "203.0.113.9"), Action::accept) << proof;
  }
}

TEST_F(AllowlistGate, AnUnprovenMatchIsLogged) {
  Letter letter = attack();
  letter.mail_from = "x@lists.example";
  gate_->judge(letter);
  EXPECT_NE(gate_->recorder().lines().back().find(" allow=unproven(mfrom:lists.example,"),
            std::string::npos)
      << gate_->recorder().lines().back();
}

// Malformed authors are tagged here; that must not save a denied one, however it is hidden, nor
// help one who is allowed.
TEST(DenylistGate, ReadsAMalformedAuthorAsLenientlyAsAnybody) {
  auto snapshot = test::snapshot_on_zone("ok.example. TXT \"v=spf1 -all\"\n");
  snapshot.rules.defaults.author.malformed = policy::OnMalformedAuthor::tag;
  snapshot.rules.denylist = test::denylist_of("from:bad.example\nfrom:eve@mixed.example\n");
  snapshot.rules.allowlist = test::allowlist_of(
      "from:bad.example proof=none skip=all\nfrom:only.example proof=none skip=all\n");
  Gate gate(std::move(snapshot));
  const auto judged = [&](const std::vector<std::string>& froms) {
    Letter letter;
    letter.fields.clear();
    for (const auto& from : froms) letter.fields.push_back({"From", " " + from});
    return gate.judge(letter);
  };
  const std::vector<std::string> denied[] = {
      {"a@ok.example", "x@bad.example"},
      {"x@bad.example", "a@ok.example"},
      {"a@ok.example, x@bad.example"},
      {"<<>> x@bad.example y ((("},
      {"x@bad.example <a@ok.example>"},
      {"=?utf-8?q?x=40bad.example?="},
      {"=?utf-8?b?eEBiYWQuZXhhbXBsZQ==?= <a@ok.example@>"},
      {"nobody", "x@bad.example"},
      {"a@ok.example, b@other.example, Eve@mixed.example"},
      {"a@ok.example@eve@mixed.example"},
  };
  for (const auto& froms : denied) {
    const auto outcome = judged(froms);
    EXPECT_FALSE(outcome.facts.author.well_formed()) << froms[0];
    EXPECT_EQ(outcome.verdict.message.rule, "denylist") << froms[0];
    EXPECT_EQ(outcome.verdict.message.action, policy::Action::reject) << froms[0];
    EXPECT_TRUE(effect_of(outcome.facts.allowlist).nothing()) << froms[0];
  }
  const std::vector<std::string> tagged[] = {
      {"<<>> x@only.example y ((("},
      {"a@ok.example, x@only.example"},
      {"<<>> ann@mixed.example y"},
      {"nobody"},
  };
  for (const auto& froms : tagged) {
    const auto outcome = judged(froms);
    EXPECT_EQ(outcome.verdict.message.rule, "author") << froms[0];
    EXPECT_TRUE(outcome.facts.denylist.empty()) << froms[0];
    EXPECT_TRUE(effect_of(outcome.facts.allowlist).nothing()) << froms[0];
  }
  // A sloppy field in which everybody reads the one who is denied.
  const auto sloppy = judged({"Bad, Eve <x@bad.example>"});
  EXPECT_EQ(sloppy.verdict.message.rule, "denylist");
  EXPECT_EQ(sloppy.verdict.message.action, policy::Action::reject);
  // A display name of a well-formed author does not count as an author.
  EXPECT_TRUE(judged({"\"x@bad.example\" <a@ok.example>"}).facts.denylist.empty());
}

TEST_F(AllowlistGate, WhoIsExemptMatchesNothing) {
  Letter letter = attack();
  letter.client = "127.0.0.1";
  const auto outcome = gate_->judge(letter);
  EXPECT_TRUE(outcome.facts.allowlist.empty());
}

TEST_F(AllowlistGate, TheRecordNamesWhatMatched) {
  Letter letter = attack();
  sign(letter, tags_of("lists.example"));
  const auto outcome = gate_->judge(letter);
  const auto record = record::to_json(outcome);
  bool found = false;
  for (const auto& match : record["allowlist"]) {
    if (match["entry"] != "dkim:lists.example") continue;
    found = true;
    EXPECT_EQ(match["result"], "proven");
    EXPECT_EQ(match["reason"], "dkim=pass");
    EXPECT_EQ(match["allows"], "dmarc=accept");
    EXPECT_EQ(match["place"], "allow:9");
  }
  EXPECT_TRUE(found);
  EXPECT_TRUE(record["denylist"].empty());
}

}  // namespace

}  // namespace sekisho::session
