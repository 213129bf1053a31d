// Records: everything that led to a decision, written and read again exactly.
#include "record/codec.h"

#include <fstream>
#include <random>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "support/session_gate.h"

namespace sekisho::record {

namespace {

using session::Decided;
using testing::HasSubstr;

// Values of all kinds, from a seed: texts with any octets, enums over their whole range.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::size_t number(std::size_t below) { return random_() % below; }
  bool yes() { return number(2) == 0; }
  std::string text() {
    std::string out(number(4) == 0 ? 0 : number(40), '\0');
    for (char& c : out) c = static_cast<char>(number(256));
    return out;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> out(number(4));
    for (auto& each : out) each = text();
    return out;
  }
  std::vector<mail::Path> paths() {
    std::vector<mail::Path> out(number(4));
    for (auto& each : out) each = text();
    return out;
  }
  mail::DomainName domain() {
    static const std::vector<const char*> names = {"a.example", "xn--r8jz45g.example",
                                                   "_x.b.example", "1.2.3", "localhost"};
    return mail::DomainName::parse(names[number(names.size())]).value();
  }
  mail::IpAddress address() {
    static const std::vector<const char*> all = {"192.0.2.1", "2001:db8::1",
                                                 "::", "::ffff:192.0.2.9"};
    return mail::IpAddress::parse_published(all[number(all.size())]).value();
  }
  template <Worded Enum>
  Enum one_of() {
    return all_values<Enum>()[number(count_of<Enum>)];
  }
  client::DnsKindSet kinds() {
    client::DnsKindSet kinds;
    for (const auto kind : all_values<client::DnsListKind>()) {
      if (yes()) kinds.add(kind);
    }
    return kinds;
  }
  WallTime time() { return WallTime(std::chrono::seconds(number(4'000'000'000U))); }

  spf::Result spf(spf::Scope scope) {
    return {scope, one_of<spf::Code>(), text(), text(), text(), yes()};
  }
  dkim::SignatureResult signature() {
    return {one_of<dkim::Code>(),
            text(),
            text(),
            text(),
            text(),
            text(),
            text(),
            static_cast<unsigned>(number(5000)),
            yes()};
  }
  dmarc::Result dmarc() {
    dmarc::Result result;
    result.code = one_of<dmarc::Code>();
    result.from = text();
    result.policy_domain = text();
    result.org_domain = text();
    result.discovery = one_of<dmarc::Discovery>();
    result.tag = text();
    result.policy = one_of<dmarc::Policy>();
    result.requested = one_of<dmarc::Policy>();
    if (yes()) {
      dmarc::Published published;
      published.p = one_of<dmarc::Policy>();
      if (yes()) published.sp = one_of<dmarc::Policy>();
      if (yes()) published.np = one_of<dmarc::Policy>();
      published.adkim_strict = yes();
      published.aspf_strict = yes();
      published.fo = text();
      published.testing = yes();
      published.psd = one_of<dmarc::Psd>();
      published.rua = texts();
      published.ruf = texts();
      result.published = std::move(published);
    }
    result.author_exists = yes();
    result.aligned_spf = yes();
    result.aligned_dkim = yes();
    result.queries = texts();
    result.reason = text();
    return result;
  }
  policy::AccessMatch match() {
    policy::AccessMatch match;
    match.kind = one_of<policy::IdentityKind>();
    match.entry = text();
    match.place = text();
    match.proof = one_of<policy::Proof>();
    match.proven = yes();
    match.holds = yes();
    match.reason = text();
    match.effect = {kinds(), yes(), yes(), std::nullopt, std::nullopt};
    if (yes()) match.effect.dmarc = one_of<policy::Action>();
    if (yes()) match.effect.spf = one_of<policy::Action>();
    match.deny = one_of<policy::Action>();
    return match;
  }
  policy::Facts facts() {
    policy::Facts facts;
    facts.id = text();
    facts.queue_id = text();
    facts.received = time();
    facts.role = one_of<policy::Role>();
    facts.exemption = one_of<policy::Exemption>();
    facts.released_id = text();
    if (yes()) facts.client.address = address();
    facts.client.name = text();
    facts.client.helo = text();
    facts.client.unix_socket = yes();
    if (yes()) facts.relay = facts.client;
    facts.relay_reason = text();
    facts.refused_recipients = paths();
    facts.mail_from = text();
    facts.recipients = paths();
    facts.header_over_limits = yes();
    facts.author.result = one_of<mail::Author::Result>();
    for (std::size_t n = number(3); n > 0; --n) {
      facts.author.mailboxes.push_back({text(), domain()});
      facts.author.domains.push_back(domain());
    }
    facts.author.reason = text();
    facts.author_is_ours = yes();
    facts.traces = {texts(), yes()};
    facts.iprev = {one_of<client::IprevCode>(), text(), text()};
    facts.spf_helo = spf(spf::Scope::helo);
    facts.spf_mail_from = spf(spf::Scope::mfrom);
    for (std::size_t n = number(3); n > 0; --n) facts.dkim.push_back(signature());
    facts.dmarc = dmarc();
    for (std::size_t n = number(3); n > 0; --n) facts.allowlist.push_back(match());
    for (std::size_t n = number(3); n > 0; --n) facts.denylist.push_back(match());
    facts.rcpt_skips = kinds();
    if (yes()) facts.deferred_for = std::chrono::seconds(number(100'000));
    facts.dns_questions = number(100);
    facts.dns_waited = std::chrono::milliseconds(number(20'000));
    facts.elapsed = std::chrono::milliseconds(number(20'000));
    facts.decided_in = std::chrono::microseconds(number(20'000));
    return facts;
  }
  policy::Decision decision() {
    policy::Decision decision;
    decision.action = one_of<policy::Action>();
    decision.rule = text();
    decision.reason = text();
    if (yes()) decision.reply = mail::SmtpReply(550, "5.7.1", text());
    decision.evidence = texts();
    if (yes()) decision.monitored = one_of<policy::Action>();
    if (yes()) decision.overrides.emplace_back(text(), text());
    return decision;
  }
  dns::AnswerPtr answer() {
    dns::Answer answer;
    answer.outcome = one_of<dns::Outcome>();
    answer.error = text();
    answer.ttl = std::chrono::seconds(number(100'000));
    answer.texts = texts();
    if (yes()) answer.addresses.push_back(address());
    if (yes()) answer.exchanges.push_back({static_cast<std::uint16_t>(number(65536)), text()});
    answer.pointers = texts();
    return std::make_shared<const dns::Answer>(std::move(answer));
  }
  dns::Question question() {
    std::string name = "n" + std::to_string(number(1000)) + ".";
    name += static_cast<char>(128 + number(128));  // SPF macros make such names
    return {dns::Name::from(name).value(), one_of<dns::Type>()};
  }
  Decided decided() {
    Decided decided;
    decided.outcome.facts = facts();
    decided.outcome.verdict.message = decision();
    for (const auto& to : decided.outcome.facts.recipients) {
      decided.outcome.verdict.recipients.push_back({to.raw(), decision()});
    }
    for (const auto& to : decided.outcome.facts.refused_recipients) {
      if (yes()) decided.outcome.verdict.refused.push_back({to.raw(), decision()});
    }
    for (std::size_t n = number(3); n > 0; --n) {
      decided.outcome.verdict.edits.push_back(
          {one_of<policy::Edit::Kind>(), text(), text(), number(10)});
    }
    decided.outcome.authentication_results = text();
    decided.outcome.held = one_of<session::Outcome::Held>();
    decided.outcome.recipients_held = texts();
    decided.outcome.hold_reason = text();
    decided.configuration = text();
    decided.failure = text();
    fill(decided.inputs);
    return decided;
  }

 private:
  void fill(session::Inputs& inputs) {
    inputs.mta_name = text();
    inputs.hostname = text();
    inputs.connected = time();
    inputs.authenticated = yes();
    for (std::size_t n = number(5); n > 0; --n) inputs.header.add({text(), text()});
    inputs.malformed_lines = texts();
    for (std::size_t n = number(5); n > 0; --n) inputs.answers.add(question(), answer());
    if (yes()) inputs.hold_result = session::HoldResult{one_of<session::HoldCode>(), text()};
    if (yes()) inputs.released = text();
    if (yes()) inputs.refusals.push_back({"dkim", question(), answer()});
    for (std::size_t n = number(3); n > 0; --n) {
      dkim::BodyDigest digest;
      digest.wanted.form = one_of<dkim::Canonicalisation>();
      if (yes()) digest.wanted.length = random_();
      digest.found.coverage = one_of<dkim::BodyHash::Coverage>();
      for (char& c : digest.found.digest.octets) c = static_cast<char>(number(256));
      inputs.bodies.push_back(digest);
    }
  }

  std::mt19937 random_;
};

std::string packed(const nlohmann::json& value) {
  const auto raw = nlohmann::json::to_cbor(value);
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 1));
  return out;
}

TEST(Record, OfAnythingComesBackAsItWas) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    test::expect_round_trip(Maker(seed).decided());
  }
}

// That the property above can fail: a member that is not recorded would be missed.
TEST(Record, EveryMemberIsNoticed) {
  const auto first = Maker(1).decided();
  const auto second = Maker(2).decided();
  EXPECT_FALSE(first.outcome.facts == second.outcome.facts);
  EXPECT_NE(Encoder().encode(first), Encoder().encode(second));
}

TEST(Record, IsSmall) {
  test::Gate gate(test::snapshot_on_zone("a.example. TXT \"v=spf1 ip4:192.0.2.10 -all\"\n"));
  gate.judge({});
  EXPECT_LT(Encoder().encode(*gate.recorder().decisions().at(0)).size(), 2048U);
}

TEST(Record, WithADictionaryIsSmaller) {
  const std::string dictionary = make_dictionary();
  test::Gate gate(test::snapshot_on_zone("a.example. TXT \"v=spf1 ip4:192.0.2.10 -all\"\n"));
  gate.judge({});
  const auto& decided = *gate.recorder().decisions().at(0);
  const auto record = Encoder(dictionary).encode(decided);
  EXPECT_LT(4 * record.size(), 3 * Encoder().encode(decided).size());
  for (unsigned seed = 0; seed < 100; ++seed) {
    const auto made = Maker(seed).decided();
    const auto read = decode(Encoder(dictionary).encode(made), dictionary);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_TRUE(read->outcome.facts == made.outcome.facts);
  }
  EXPECT_FALSE(decode(record));
  EXPECT_FALSE(decode(record, dictionary + "x"));
}

// A member that has another name now is missing in the sample, and a word that no enum knows stops
// the daemon.
TEST(Record, TheDictionaryIsARecordWithEveryMember) {
  const std::string dictionary = make_dictionary();
  const std::vector<std::uint8_t> octets(dictionary.begin(), dictionary.end());
  const auto read = decode(packed(nlohmann::json::from_cbor(octets)));
  ASSERT_TRUE(read) << read.error().what;
  const auto& facts = read->outcome.facts;
  EXPECT_EQ(facts.lists.size(), 2U);
  EXPECT_EQ(facts.dkim.size(), 2U);
  EXPECT_TRUE(facts.author.well_formed());
  EXPECT_TRUE(read->inputs.header.first("List-Unsubscribe-Post"));
  EXPECT_EQ(read->inputs.answers.size(), 11U);
}

// Of a version that wrote what had no words (kinds of edits, what was held where, body hashes) as
// numbers.
TEST(Record, WithNumbersForWords) {
  std::ifstream file(std::string(SEKISHO_TEST_DATA) + "/record/with-numbers.b64");
  std::string text;
  ASSERT_TRUE(std::getline(file, text));
  const auto octets = base64_decode(text);
  ASSERT_TRUE(octets);
  const auto read = decode(*octets);
  ASSERT_TRUE(read) << read.error().what;
  using policy::Edit;
  EXPECT_EQ(read->outcome.verdict.edits,
            (std::vector<Edit>{{Edit::Kind::remove, "Authentication-Results", "", 2},
                               {Edit::Kind::insert, "X-Sekisho-Disposition", " tag", 0}}));
  EXPECT_EQ(read->outcome.held, session::Outcome::Held::some);
  ASSERT_TRUE(read->inputs.hold_result);
  EXPECT_EQ(read->inputs.hold_result->code, session::HoldCode::held);
  ASSERT_EQ(read->inputs.bodies.size(), 2U);
  const auto& [part, shorter] = std::tie(read->inputs.bodies[0], read->inputs.bodies[1]);
  EXPECT_EQ(part.wanted, (dkim::WantedHash{dkim::Canonicalisation::relaxed, 7}));
  EXPECT_EQ(part.found.coverage, dkim::BodyHash::Coverage::part);
  EXPECT_EQ(shorter.wanted, (dkim::WantedHash{dkim::Canonicalisation::simple, 900}));
  EXPECT_EQ(shorter.found.coverage, dkim::BodyHash::Coverage::too_short);
  // And what has had words all the time.
  const auto& facts = read->outcome.facts;
  EXPECT_EQ(facts.author.result, mail::Author::Result::multiple_fields);
  EXPECT_EQ(facts.lists.at(0).fault, client::DnsListFault::untested);
  EXPECT_EQ(facts.allowlist.at(0).effect.skip_lists,
            client::DnsKindSet{client::DnsListKind::rhsbl});
  EXPECT_EQ(facts.rcpt_skips, client::DnsKindSet{client::DnsListKind::dnsbl});
}

// A number would be another value once there are more of them.
TEST(Record, HasNoNumberForAValueOfAnEnum) {
  Decided decided;
  decided.outcome.verdict.edits = {{policy::Edit::Kind::remove, "", "", 0}};
  decided.outcome.held = session::Outcome::Held::by_mta;
  decided.inputs.hold_result = session::HoldResult{session::HoldCode::full, ""};
  decided.inputs.bodies.resize(1);
  decided.inputs.bodies[0].wanted.form = dkim::Canonicalisation::relaxed;
  decided.inputs.bodies[0].found.coverage = dkim::BodyHash::Coverage::too_short;
  const std::string packed_record = Encoder().encode(decided);
  std::string raw(ZSTD_getFrameContentSize(packed_record.data(), packed_record.size()), '\0');
  ZSTD_decompress(raw.data(), raw.size(), packed_record.data(), packed_record.size());
  const auto record = nlohmann::json::from_cbor(raw);
  EXPECT_EQ(record.at("/outcome/verdict/edits/0/kind"_json_pointer), "remove");
  EXPECT_EQ(record.at("/outcome/held"_json_pointer), "by-mta");
  EXPECT_EQ(record.at("/inputs/hold_result/code"_json_pointer), "full");
  EXPECT_EQ(record.at("/inputs/bodies/0/wanted/form"_json_pointer), "relaxed");
  EXPECT_EQ(record.at("/inputs/bodies/0/found/coverage"_json_pointer), "too-short");
}

// Of a time when it was not recorded why a recipient was refused.
TEST(Record, WithoutWhyARecipientWasRefused) {
  const auto read = decode(packed(
      {{"v", record_version},
       {"outcome",
        {{"facts", {{"refused_recipients", {"user@example.jp"}}}},
         {"verdict", {{"message", {{"action", "accept"}, {"rule", "dmarc"}, {"reason", ""}}}}}}}}));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->outcome.facts.refused_recipients.size(), 1U);
  EXPECT_TRUE(read->outcome.verdict.refused.empty());
}

TEST(Record, OfANewerVersionSaysSo) {
  const auto read = decode(packed({{"v", record_version + 1}}));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().what,
              HasSubstr("newer sekisho (format " + std::to_string(record_version + 1)));
  EXPECT_TRUE(decode(packed({{"v", record_version}})));
}

TEST(Record, ThatIsDamagedIsAnError) {
  const std::string whole = Encoder().encode(Maker(3).decided());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode(std::string_view(whole).substr(0, size))) << size;
  }
  for (const auto& value : {nlohmann::json(), nlohmann::json(7), nlohmann::json{{"v", "one"}},
                            nlohmann::json{{"v", 1}, {"outcome", 7}},
                            nlohmann::json{{"v", 1}, {"outcome", {{"facts", {{"role", "king"}}}}}},
                            nlohmann::json{{"v", 1}, {"outcome", {{"held", 4}}}},
                            nlohmann::json{{"v", 1}, {"outcome", {{"held", -1}}}}}) {
    EXPECT_FALSE(decode(packed(value))) << value;
  }
  // One octet is another.
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string other = whole;
    other[at] = static_cast<char>(other[at] ^ 0x55);
    EXPECT_FALSE(decode(other)) << at;
  }
  EXPECT_FALSE(decode("no frame at all"));
  // RFC 8878 §3.1.1: a frame that says it has 2^62 octets, and one that does not say.
  EXPECT_FALSE(decode(std::string_view("\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x40\x01\0\0", 16)));
  EXPECT_FALSE(decode(std::string_view("\x28\xb5\x2f\xfd\0\x58\x01\0\0", 9)));
}

}  // namespace

}  // namespace sekisho::record
