// Our own fields in a message that returns: their proof, and forgeries of them.
#include "session/seal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/session_gate.h"

namespace sekisho::session {
namespace {

using policy::Edit;
using Own = policy::OwnFields;

const WallTime now{std::chrono::seconds(1'796'000'000)};

mail::Header header(const std::vector<mail::HeaderField>& fields) {
  mail::Header out;
  for (const auto& field : fields) out.add(field);
  return out;
}

const std::vector<mail::HeaderField> message = {{"From", " Bob <bob@a.example>"},
                                                {"Date", " Mon, 30 Nov 2026 09:00:00 +0000"},
                                                {"Message-ID", " <1@a.example>"},
                                                {"Subject", " x"}};

TEST(Seal, ProvesTheseFieldsInThisMessage) {
  const Seal seal("secret");
  const OwnFields fields{" mx.example.jp (id=A);\r\n\tdmarc=pass", " tag; rule=dmarc"};
  const auto value = seal.write("A", now, header(message), fields);
  EXPECT_TRUE(seal.proves(value, header(message), fields, now));
  // As an MTA folds anew, and a content filter tags the subject and adds what it found.
  auto altered = message;
  altered[0].value = "  Bob\r\n\t<bob@a.example>";
  altered[3].value = " ***SPAM*** x";
  altered.push_back({"X-Virus-Scanned", " yes"});
  EXPECT_TRUE(seal.proves(value, header(altered),
                          {"mx.example.jp (id=A); dmarc=pass", "tag;\r\n rule=dmarc"}, now));

  EXPECT_FALSE(Seal("another").proves(value, header(message), fields, now));
  EXPECT_FALSE(seal.proves(value, header(message),
                           {" mx.example.jp (id=A); dmarc=fail", fields.disposition}, now));
  EXPECT_FALSE(seal.proves(value, header(message), {fields.authentication_results, ""}, now));
  EXPECT_FALSE(seal.proves(value, header(message), {"", ""}, now));
  for (std::size_t i = 0; i < 3; ++i) {
    auto other = message;
    other[i].value += i == 0 ? ", <ceo@victim.example>" : "0";
    EXPECT_FALSE(seal.proves(value, header(other), fields, now)) << other[i].name;
    other = message;
    other.push_back({message[i].name, i == 0 ? " ceo@victim.example" : " x"});
    EXPECT_FALSE(seal.proves(value, header(other), fields, now)) << "two of " << other[i].name;
    other = message;
    other.erase(other.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(seal.proves(value, header(other), fields, now)) << "without " << message[i].name;
  }
}

TEST(Seal, EveryOctetOfItCounts) {
  const Seal seal("secret");
  const OwnFields fields{" mx.example.jp; dmarc=pass", ""};
  const std::string value = seal.write("A", now, header(message), fields);
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto other = value;  // blanks only part its words
    if (other[i] == ' ' || other[i] == '\r' || other[i] == '\n' || other[i] == '\t') continue;
    other[i] = other[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(seal.proves(other, header(message), fields, now)) << other;
    EXPECT_FALSE(seal.proves(value.substr(0, i), header(message), fields, now)) << i;
  }
  for (const char* odd :
       {"", ";", "id=", "id=A; t=-1; h=; mac=", "id=A; t=99999999999999999999; h=; mac=x",
        "id=A; t=253402300800; h=; mac=x", "mac=x; h=; t=1; id=A"}) {
    EXPECT_FALSE(seal.proves(odd, header(message), fields, now)) << odd;
  }
}

TEST(Seal, IsGoodForAMonth) {
  const Seal seal("secret");
  const auto value = seal.write("A", now, header(message), {"a", ""});
  EXPECT_TRUE(seal.proves(value, header(message), {"a", ""}, now + Seal::good_for));
  EXPECT_FALSE(seal.proves(value, header(message), {"a", ""},
                           now + Seal::good_for + std::chrono::seconds(1)));
  EXPECT_TRUE(seal.proves(value, header(message), {"a", ""}, now - std::chrono::hours(1)));
  EXPECT_FALSE(seal.proves(value, header(message), {"a", ""}, now - std::chrono::hours(48)));
}

// An MTA supplies what was missing after us.
TEST(Seal, WhatIsSuppliedLaterIsNotBound) {
  const Seal seal("secret");
  const std::vector<mail::HeaderField> bare = {{"From", " bob@a.example"}};
  const auto value = seal.write("A", now, header(bare), {"a", ""});
  auto supplied = bare;
  supplied.push_back({"Date", " now"});
  EXPECT_TRUE(seal.proves(value, header(supplied), {"a", ""}, now));
}

// --- through the session -------------------------------------------------------------------------

constexpr const char* zone = R"(
a.example.               TXT "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.        TXT "v=DMARC1; p=quarantine"
mx.a.example.            A   192.0.2.10
)";

class SecondPass : public testing::Test {
 protected:
  static Snapshot junk() {
    auto snapshot = test::snapshot_on_zone(zone);
    snapshot.options.quarantine.where = QuarantineWhere::junk;
    snapshot.options.trust.networks = {*mail::IpPrefix::parse("127.0.0.0/8")};
    return snapshot;
  }
  SecondPass() : gate_(junk()) {
    gate_.engine().seal_with(std::make_shared<const Seal>(std::string(32, 's')));
  }
  static test::Letter letter(const std::string& client) {
    test::Letter out;
    out.client = client;
    out.fields = message;
    return out;
  }
  // What is delivered of it.
  static test::Letter after(test::Letter letter, const Outcome& outcome) {
    for (const auto& edit : outcome.verdict.edits) {
      if (edit.kind == Edit::Kind::insert) {
        letter.fields.insert(letter.fields.begin(), {edit.name, edit.value});
        continue;
      }
      std::size_t seen = 0;
      std::erase_if(letter.fields,
                    [&](const auto& field) { return field.is(edit.name) && ++seen == edit.index; });
    }
    return letter;
  }
  static std::vector<std::string> values(const test::Letter& letter, std::string_view name) {
    std::vector<std::string> out;
    for (const auto& field : letter.fields) {
      if (field.is(name)) out.push_back(field.unfolded());
    }
    return out;
  }
  test::Letter pass(const test::Letter& letter) {
    outcome_ = gate_.judge(letter);
    return after(letter, outcome_);
  }
  Own own() const { return outcome_.facts.own_fields; }
  // A forgery that is held, as it leaves us the first time.
  test::Letter marked() { return pass(letter("203.0.113.66")); }

  test::Gate gate_;
  Outcome outcome_;
};

constexpr const char* results = "Authentication-Results";
constexpr const char* disposition = "X-Sekisho-Disposition";

TEST_F(SecondPass, KeepsWhatWeWrote) {
  auto first = marked();
  ASSERT_EQ(values(first, disposition), std::vector<std::string>{"quarantine; rule=dmarc"});
  ASSERT_EQ(values(first, results).size(), 1U);
  ASSERT_EQ(values(first, "X-Sekisho-Seal").size(), 1U);
  first.client = "127.0.0.1";
  first.body = "altered by a content filter\r\n";
  const auto second = pass(first);
  EXPECT_EQ(own(), Own::kept);
  EXPECT_EQ(second.fields, first.fields) << "nothing is removed and nothing added";
  EXPECT_EQ(pass(second).fields, first.fields) << "nor by a second content filter";
}

TEST_F(SecondPass, KeepsGoodResultsToo) {
  auto first = pass(letter("192.0.2.10"));
  ASSERT_EQ(values(first, disposition).size(), 0U);
  first.client = "127.0.0.1";
  EXPECT_EQ(pass(first).fields, first.fields);
  EXPECT_EQ(own(), Own::kept);
}

TEST_F(SecondPass, AStrangerKeepsNothing) {
  auto first = pass(letter("192.0.2.10"));
  first.client = "203.0.113.66";
  const auto second = pass(first);
  EXPECT_EQ(own(), Own::none);
  ASSERT_EQ(values(second, results).size(), 1U);
  EXPECT_EQ(values(second, results).front().find("dmarc=pass"), std::string::npos) << "a new one";
  EXPECT_EQ(values(second, "X-Sekisho-Seal").size(), 1U);
  EXPECT_NE(values(second, "X-Sekisho-Seal"), values(first, "X-Sekisho-Seal"));
}

// A login identifies a user, but does not make the client one of our hosts: the user may have got
// the message by mail.
TEST_F(SecondPass, ALoginKeepsNothing) {
  auto first = pass(letter("192.0.2.10"));
  first.authenticated = true;
  const auto second = pass(first);
  EXPECT_TRUE(values(second, results).empty());
  EXPECT_TRUE(values(second, "X-Sekisho-Seal").empty());
}

TEST_F(SecondPass, FieldsOnAnotherMessageAreRemoved) {
  const auto good = pass(letter("192.0.2.10"));
  for (std::size_t i = 0; i < message.size() - 1; ++i) {
    auto replayed = good;
    replayed.client = "127.0.0.1";
    for (auto& field : replayed.fields) {
      if (field.is(message[i].name)) field.value = i == 0 ? " ceo@victim.example" : " another";
    }
    const auto second = pass(replayed);
    EXPECT_EQ(own(), Own::removed) << message[i].name;
    EXPECT_TRUE(values(second, results).empty());
    EXPECT_TRUE(values(second, "X-Sekisho-Seal").empty());
  }
}

// The seal of a good message with the results of another.
TEST_F(SecondPass, PiecesDoNotFitTogether) {
  const auto good = pass(letter("192.0.2.10"));
  auto bad = marked();
  bad.client = "127.0.0.1";
  for (auto& field : bad.fields) {
    if (field.is(results)) field.value = " " + values(good, results).front();
  }
  const auto second = pass(bad);
  EXPECT_EQ(own(), Own::removed);
  EXPECT_TRUE(values(second, results).empty());
  EXPECT_EQ(values(second, disposition).size(), 1U) << "what makes it look worse stays";
}

TEST_F(SecondPass, OneProofKeepsOneField) {
  auto first = marked();
  first.client = "127.0.0.1";
  for (int i = 0; i < 40; ++i)
    first.fields.push_back({results, " mx.example.jp; dmarc=pass header.from=victim.example"});
  first.fields.push_back({disposition, " accept"});
  const auto second = pass(first);
  ASSERT_EQ(values(second, results).size(), 1U);
  EXPECT_NE(values(second, results).front().find("dmarc=fail"), std::string::npos);
  EXPECT_EQ(values(second, disposition), std::vector<std::string>{"quarantine; rule=dmarc"});
}

// The most that a client of ours can do to a message: mark it. Never that it looks better.
TEST_F(SecondPass, WithoutAProofOnlyAMarkStays) {
  auto forged = letter("127.0.0.1");
  forged.fields.push_back({results, " mx.example.jp; dmarc=pass"});
  for (const char* word :
       {" quarantine; rule=dmarc", " TAG", " accept", " none; quarantine", " quarantined"})
    forged.fields.push_back({disposition, word});
  const auto second = pass(forged);
  EXPECT_EQ(own(), Own::removed);
  EXPECT_TRUE(values(second, results).empty());
  EXPECT_EQ(values(second, disposition),
            (std::vector<std::string>{"quarantine; rule=dmarc", "TAG"}));
}

TEST_F(SecondPass, WithoutASecretNothingIsProven) {
  auto first = marked();
  first.client = "127.0.0.1";
  gate_.engine().seal_with(nullptr);
  const auto second = pass(first);
  EXPECT_EQ(own(), Own::removed);
  EXPECT_TRUE(values(second, results).empty());
  EXPECT_EQ(values(second, disposition), std::vector<std::string>{"quarantine; rule=dmarc"});
}

TEST_F(SecondPass, MailThatSaysNothingInOurNameIsNothingToTell) {
  auto plain = letter("127.0.0.1");
  plain.fields.push_back({results, " other.example; dmarc=pass"});
  EXPECT_EQ(pass(plain).fields, plain.fields);
  EXPECT_EQ(own(), Own::none);
}

}  // namespace
}  // namespace sekisho::session
