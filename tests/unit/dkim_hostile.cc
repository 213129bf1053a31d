// Attacks on DKIM verifiers, each by its name, and what they must come to here.
#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/ascii.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "dkim/verify.h"
#include "mail/author.h"
#include "support/dkim_signer.h"
#include "support/fake_dns.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEKISHO_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEKISHO_SANITIZED 1
#endif
#endif

namespace sekisho::dkim {
namespace {

using test::FakeDns;
using test::SignatureTags;
using test::SigningKey;

constexpr std::string_view key_name = "sel._domainkey.a.example";
constexpr std::string_view body = "Hello,\r\n\r\nthis is a test.\r\n";

// Processor time is what an attack costs; instrumented code is not the code to be measured.
#ifdef SEKISHO_SANITIZED
constexpr double slower = 20;
#else
constexpr double slower = 1;
#endif

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

const SigningKey& rsa_key() {
  static const SigningKey key = SigningKey::rsa(2048);
  return key;
}

mail::Header plain_header() {
  mail::Header header;
  header.add({"From", " Alice <alice@a.example>"});
  header.add({"To", " bob@b.example"});
  header.add({"Subject", " A  subject"});
  return header;
}

mail::Header with_signatures(const std::vector<mail::HeaderField>& signatures,
                             const mail::Header& rest) {
  mail::Header header;
  for (const auto& signature : signatures) header.add(signature);
  for (const auto& field : rest.fields()) header.add(field);
  return header;
}

std::vector<SignatureResult> verify(const mail::Header& header, std::string_view text, FakeDns& dns,
                                    const Options& options = {}) {
  Verification verification(options);
  verification.start(header);
  verification.body(text);
  verification.end_of_body();
  crypto::KeyCache keys;
  return test::run_to_end(
      [&](const dns::Answers& answers) {
        return verification.evaluate(answers, WallTime(std::chrono::seconds(1795255200)), keys);
      },
      dns);
}

SignatureResult verify_one(const mail::HeaderField& signature, const std::string& record,
                           std::string_view text = body) {
  FakeDns dns;
  dns.txt(key_name, record);
  const auto header = with_signatures({signature}, plain_header());
  return verify(header, text, dns).at(0);
}

mail::HeaderField sign(const SignatureTags& tags) {
  return test::sign(rsa_key(), tags, plain_header(), body);
}

// A whole signature with one tag replaced, which is not verified because parsing already refuses
// it.
mail::HeaderField with_tag(const std::string& tag, const std::string& value) {
  std::string tags = " v=1; c=relaxed/relaxed; h=from; bh=" + base64_encode(std::string(32, 'h')) +
                     "; b=AAAAAAAAAAAA;";
  for (const std::string name : {"a", "d", "s", "i"}) {
    const std::string usual = name == "a"   ? "rsa-sha256"
                              : name == "d" ? "a.example"
                              : name == "s" ? "sel"
                                            : "@a.example";
    tags += " " + name + "=" + (name == tag ? value : usual) + ";";
  }
  return {"DKIM-Signature", tags};
}

// Whoever signed besides, in whatever number and place: those that could speak for the author are
// verified first.
TEST(DkimHostile, TheAuthorsSignaturesAreVerifiedBeforeForeignOnes) {
  const auto of = [](const std::string& domain, std::size_t n) {
    auto field = with_tag("d", domain);
    field.value += " i=@" + domain + "; x" + std::to_string(n) + "=1;";
    const auto old = field.value.find(" i=@a.example;");
    field.value.erase(old, std::string(" i=@a.example;").size());
    return field;
  };
  for (const std::size_t place : {0U, 5U, 60U}) {
    std::vector<mail::HeaderField> signatures;
    for (std::size_t n = 0; n < 60; ++n) signatures.push_back(of("list.test", n));
    signatures.insert(signatures.begin() + static_cast<std::ptrdiff_t>(place),
                      {of("news.a.example", 100), of("a.example", 101)});
    const auto header = with_signatures(signatures, plain_header());
    Options options;
    options.max_signatures = 3;
    Verification verification(options);
    const auto author = mail::DomainName::parse("a.example").value();
    verification.start(header, &author);
    std::vector<std::string> chosen;
    for (const auto& domain : verification.domains()) chosen.push_back(domain.text());
    std::sort(chosen.begin(), chosen.end());
    EXPECT_EQ(chosen, (std::vector<std::string>{"a.example", "list.test", "news.a.example"}));
    verification.body(body);
    verification.end_of_body();
    FakeDns dns;
    crypto::KeyCache keys;
    const auto results = test::run_to_end(
        [&](const dns::Answers& answers) {
          return verification.evaluate(answers, WallTime(std::chrono::seconds(1795255200)), keys);
        },
        dns);
    ASSERT_EQ(results.size(), 62U);
    EXPECT_EQ(results[place].domain, "news.a.example") << "each in the place of its field";
    EXPECT_EQ(results[place + 1].domain, "a.example");
    EXPECT_EQ(std::count_if(results.begin(), results.end(),
                            [](const auto& each) { return each.code == Code::policy; }),
              59);
    EXPECT_EQ(dns.asked.size(), 3U);
  }
}

// A key that was not asked for says nothing of the signature, and nothing that could be better
// later.
TEST(DkimHostile, AKeyThatIsNotAskedForIsPolicy) {
  const auto header = with_signatures({sign({})}, plain_header());
  Verification verification(Options{});
  verification.start(header);
  verification.body(body);
  verification.end_of_body();
  dns::Answer refused;
  refused.outcome = dns::Outcome::refused;
  refused.error = "query budget";
  dns::Answers answers;
  answers.add(verification.questions().at(0), std::make_shared<const dns::Answer>(refused));
  crypto::KeyCache keys;
  const auto results =
      verification.evaluate(answers, WallTime(std::chrono::seconds(1795255200)), keys);
  EXPECT_EQ(results.result->at(0).code, Code::policy);
}

TEST(DkimHostile, SignedHeaderListOfAnyLengthFollowsTheRfc) {
  const std::vector<std::string> names = {"from", "Reply-To", "subject", "X-!#$%&'*+-^_`{|}~",
                                          "to"};
  for (std::size_t count = 1; count <= 64; ++count) {
    std::string list = "from";
    for (std::size_t i = 1; i < count; ++i) list += ":" + names[i % names.size()];
    SignatureTags tags;
    tags.fields = list;
    EXPECT_EQ(verify_one(sign(tags), rsa_key().record()).code, Code::pass) << list;
  }
}

TEST(DkimHostile, EncodedIdentityWithEveryBadEnding) {
  for (const std::string ending : {"=", "=4", "=4G", "=G4", "==", "=\r\n 4", "=-1", "=4="}) {
    for (const std::string& text : {"a@a.example" + ending, ending, "a" + ending + "@a.example"}) {
      const auto result = verify_one(with_tag("i", text), rsa_key().record());
      EXPECT_EQ(result.code, Code::permerror) << text;
      EXPECT_EQ(result.identity, "") << text;
    }
  }
}

TEST(DkimHostile, InjectedOctetsAreRefusedAndNeverRepeated) {
  const std::vector<std::string> octets = {
      std::string(1, '\0'), "\r", "\n", "\r\n", "\x1b", "\x7f", "(", "\"", "\\", "<", ">", "\x01"};
  for (const auto& octet : octets) {
    for (const std::string tag : {"a", "d", "s", "i"}) {
      const std::string start = tag == "i" ? "x" : "a";
      FakeDns dns;
      const auto header = with_signatures(
          {with_tag(tag, start + octet + (tag == "i" ? "@a.example" : "b"))}, plain_header());
      const auto result = verify(header, body, dns).at(0);
      EXPECT_EQ(result.code, Code::permerror) << tag << testing::PrintToString(octet);
      EXPECT_TRUE(dns.asked.empty());
      const std::string repeated =
          result.domain + result.selector + result.algorithm + result.identity + result.reason;
      EXPECT_EQ(repeated.find(octet), std::string::npos) << tag << testing::PrintToString(octet);
    }
  }
  for (const std::string code : {"=00", "=0D", "=0A", "=0D=0AX-Evil:_1", "=3B", "=28", "=22", "=1B",
                                 "=7F", "=80", "=C0=AF", "=E2=80"}) {
    const auto result = verify_one(with_tag("i", "x" + code + "@a.example"), rsa_key().record());
    EXPECT_EQ(result.code, Code::permerror) << code;
    EXPECT_EQ(result.identity, "") << code;
  }
}

TEST(DkimHostile, Cve202012272DomainWithQuotesAndComments) {
  for (const std::string domain :
       {"legit.example'a.attack.example", "legit.example(.attack.example", "legit.example\".a",
        "legit.example,attack.example", "legit.example attack.example",
        "legit.example=00.attack.example", "legit.example@attack.example", ".legit.example",
        "legit..example", "[192.0.2.1]", "legit.example\xe2\x80\xae.attack.example"}) {
    FakeDns dns;
    const auto header = with_signatures({with_tag("d", domain)}, plain_header());
    const auto result = verify(header, body, dns).at(0);
    EXPECT_EQ(result.code, Code::permerror) << domain;
    EXPECT_EQ(result.domain, "") << domain;
    EXPECT_EQ(result.reason.find("legit"), std::string::npos) << domain;
    EXPECT_TRUE(dns.asked.empty()) << domain;
  }
}

TEST(DkimHostile, EspooferA3NulInTheSelectorAsksNothing) {
  const std::string attack = "sel._domainkey.attack.example.";
  for (const std::string& end : {std::string("\0", 1), std::string("\\0"), std::string("\0.any", 5),
                                 std::string("\\0.any"), std::string("\r\n.any")}) {
    FakeDns dns;
    const auto header = with_signatures({with_tag("s", attack + end)}, plain_header());
    Verification verification{Options{}};
    verification.start(header);
    EXPECT_TRUE(verification.questions().empty());
    EXPECT_FALSE(Verification(Options{}).key_question(header.fields()[0].value));
    const auto result = verify(header, body, dns).at(0);
    EXPECT_EQ(result.code, Code::permerror);
    EXPECT_EQ(result.selector, "");
    EXPECT_TRUE(dns.asked.empty());
  }
}

TEST(DkimHostile, OpenDkim434KeyRecordOf16Kb) {
  for (const std::string& record :
       {std::string(16384, 'A'), "v=DKIM1; p=" + std::string(16384, 'A'), std::string(16384, ';'),
        std::string(16384, '='), "p=" + std::string(16384, ' '),
        "v=DKIM1; h=" + std::string(16384, ':') + "; p=AAAA"}) {
    EXPECT_EQ(verify_one(sign({}), record).code, Code::permerror) << record.substr(0, 20);
  }
  // A true key in a record that is only long.
  EXPECT_EQ(verify_one(sign({}), rsa_key().record() + "; n=" + std::string(16384, 'n')).code,
            Code::pass);
}

TEST(DkimHostile, OpenDkim433CopiedFieldsOf64KbAreIgnored) {
  SignatureTags tags;
  tags.more = "z=" + std::string(65536, 'z') + "|" + std::string(1000, ':') + ";";
  EXPECT_EQ(verify_one(sign(tags), rsa_key().record()).code, Code::pass);
}

TEST(DkimHostile, HundredSignaturesOverTwentyMegabytes) {
  std::string text;
  while (text.size() < 20'000'000)
    text += "An ordinary line of text, again and again and again.\r\n";
  std::vector<mail::HeaderField> signatures;
  for (std::size_t i = 0; i < 100; ++i) {
    SignatureTags tags;
    tags.relaxed_body = i % 2 == 0;
    if (i % 3 == 0) tags.length = text.size() / 2 + i;
    // The hashes of the first ten must be right, so that each is verified to its end.
    signatures.push_back(i < 10 ? test::sign(rsa_key(), tags, plain_header(), text) : sign(tags));
  }
  const auto header = with_signatures(signatures, plain_header());
  FakeDns dns;
  dns.txt(key_name, rsa_key().record());
  const double start = cpu_seconds();
  const auto results = verify(header, text, dns);
  EXPECT_LT(cpu_seconds() - start, 0.5 * slower);
  ASSERT_EQ(results.size(), 100U);
  EXPECT_EQ(dns.asked.size(), 1U);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Code wanted = i < 10 && i % 3 != 0 ? Code::pass : Code::policy;
    EXPECT_EQ(results[i].code, wanted) << i << ": " << results[i].reason;
    EXPECT_EQ(results[i].reason == "only 10 signatures are verified", i >= 10);
  }
}

TEST(DkimHostile, Rspamd413HashesSignaturesAndKeysOfOtherSizes) {
  const SigningKey ed25519 = SigningKey::ed25519();
  const auto good = test::sign(ed25519, {}, plain_header(), body);
  ASSERT_EQ(verify_one(good, ed25519.record()).code, Code::pass);
  const auto replaced = [&](const std::string& tag, std::size_t size) {
    auto field = good;
    const auto start = field.value.find(tag + "=") + tag.size() + 1;
    field.value.replace(start, std::min(field.value.find(';', start), field.value.size()) - start,
                        base64_encode(std::string(size, 'x')));
    return field;
  };
  for (const std::size_t size : {0U, 1U, 31U, 33U, 4096U}) {
    EXPECT_EQ(verify_one(replaced("bh", size), ed25519.record()).code, Code::permerror) << size;
  }
  for (const std::size_t size : {0U, 1U, 63U, 65U, 4096U}) {
    EXPECT_EQ(verify_one(replaced(" b", size), ed25519.record()).code, Code::permerror) << size;
  }
  for (const std::size_t size : {1U, 31U, 33U, 4096U}) {
    const std::string record = "k=ed25519; p=" + base64_encode(std::string(size, 'x'));
    EXPECT_EQ(verify_one(good, record).code, Code::permerror) << size;
  }
}

TEST(DkimHostile, Rspamd2999RecordPastedTwice) {
  const std::string record = rsa_key().record();
  EXPECT_EQ(verify_one(sign({}), record + record).code, Code::permerror);
  EXPECT_EQ(verify_one(sign({}), record + "; " + record).code, Code::permerror);
  EXPECT_EQ(verify_one(sign({}), record + " " + record).code, Code::permerror);
}

TEST(DkimHostile, Rspamd5181KeyOfTheOtherType) {
  const SigningKey ed25519 = SigningKey::ed25519();
  const std::string as_rsa = "k=rsa; p=" + base64_encode(ed25519.public_octets());
  EXPECT_EQ(verify_one(sign({}), as_rsa).code, Code::permerror);
  const std::string as_ed25519 = "k=ed25519; p=" + base64_encode(rsa_key().public_octets());
  EXPECT_EQ(verify_one(test::sign(ed25519, {}, plain_header(), body), as_ed25519).code,
            Code::permerror);
}

TEST(DkimHostile, VeryLongRsaKeysAreNotUsed) {
  const auto message = sign({});  // makes our own key: not part of what is measured
  for (const unsigned bits : {8192U, 16384U}) {
    // A modulus of that length, odd; nobody needs its factors to publish it.
    const std::string modulus = std::string(1, '\0') + std::string(bits / 8, '\xff');
    const auto der = [](char tag, const std::string& content) {
      return std::string{tag, '\x82', static_cast<char>(content.size() >> 8),
                         static_cast<char>(content.size())} +
             content;
    };
    const std::string key =
        der('\x30', der('\x02', modulus) + std::string("\x02\x03\x01\x00\x01", 5));
    const double start = cpu_seconds();
    const auto result = verify_one(message, "p=" + base64_encode(key));
    EXPECT_LT(cpu_seconds() - start, 0.005 * slower) << bits;
    EXPECT_EQ(result.code, Code::permerror) << bits;
    EXPECT_EQ(result.key_bits, bits);
  }
}

// Bleichenbacher's forgery of 2006 needs e=3 and a verifier that does not look at all of the
// padding. The blocks here are made with the private key, so that nothing but the padding is wrong.
TEST(DkimHostile, Bleichenbacher2006GarbageInThePadding) {
  const SigningKey key = SigningKey::rsa(2048, 3);
  const auto good = test::sign(key, {}, plain_header(), body);
  ASSERT_EQ(verify_one(good, key.record()).code, Code::pass);
  // The digest that was signed, out of the signature itself: s^e with e=3 is not needed, for the
  // same data is signed again with another padding.
  const auto start = good.value.rfind(" b=") + 3;
  mail::HeaderField unsigned_field{good.name, good.value.substr(0, start)};
  std::string data;
  const mail::Header plain = plain_header();
  for (const auto& field : plain.fields()) {
    data += ascii::lower(field.name) + ":" +
            (field.is("Subject") ? "A subject" : field.unfolded()) + "\r\n";
  }
  std::string last = unsigned_field.unfolded();
  for (auto at = last.find('\t'); at != std::string::npos; at = last.find('\t')) last[at] = ' ';
  for (auto at = last.find("  "); at != std::string::npos; at = last.find("  ")) last.erase(at, 1);
  data += "dkim-signature:" + last;
  const std::string info(
      "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19);
  const std::string digest(crypto::sha256(data).view());
  const auto block = [&](std::size_t fill, const std::string& after_zero) {
    std::string out = std::string("\0\1", 2) + std::string(fill, '\xff') + std::string(1, '\0');
    out += after_zero;
    out.resize(256, '\x5a');
    return out;
  };
  const auto result_of = [&](const std::string& padded) {
    mail::HeaderField forged = unsigned_field;
    forged.value += base64_encode(key.sign_block(padded));
    return verify_one(forged, key.record()).code;
  };
  // With the whole padding it is the signature: the test signs what the verifier hashes.
  EXPECT_EQ(result_of(block(256 - 3 - 51, info + digest)), Code::pass);
  EXPECT_EQ(result_of(block(8, info + digest)), Code::fail);
  EXPECT_EQ(result_of(block(256 - 3 - 52, info + digest)), Code::fail);
  EXPECT_EQ(result_of(block(256 - 3 - 32, digest)), Code::fail);
}

TEST(DkimHostile, BodyExtendedBeyondItsLengthDoesNotPass) {
  SignatureTags tags;
  tags.length = body.size();
  const auto field = sign(tags);
  EXPECT_EQ(verify_one(field, rsa_key().record()).code, Code::pass);
  const std::string extended = std::string(body) + "<script>\r\n";
  EXPECT_EQ(verify_one(field, rsa_key().record(), extended).code, Code::policy);
  tags.length = 0;
  EXPECT_EQ(verify_one(sign(tags), rsa_key().record(), "anything\r\n").code, Code::policy);
  tags.length = body.size() + 1;
  EXPECT_EQ(verify_one(sign(tags), rsa_key().record()).code, Code::permerror);
}

TEST(DkimHostile, FromThatIsNotSignedOrAddedLater) {
  SignatureTags tags;
  tags.fields = "to:subject";
  EXPECT_EQ(verify_one(sign(tags), rsa_key().record()).code, Code::permerror);
  // Above a signature that signs From once, another From leaves the signature valid; the author is
  // then malformed, so that nobody takes the one for the other.
  tags.fields = "from:to";
  auto header = with_signatures({sign(tags), {"From", " eve@e.example"}}, plain_header());
  FakeDns dns;
  dns.txt(key_name, rsa_key().record());
  EXPECT_EQ(verify(header, body, dns).at(0).code, Code::pass);
  EXPECT_FALSE(mail::find_author(header).well_formed());
  tags.fields = "from:from:to";
  header = with_signatures({sign(tags), {"From", " eve@e.example"}}, plain_header());
  EXPECT_EQ(verify(header, body, dns).at(0).code, Code::fail);
}

TEST(DkimHostile, TenThousandFieldsAndTenLongLists) {
  mail::Header header;
  std::string list = "from";
  for (int i = 0; i < 9000; ++i) list += ":x";
  SignatureTags tags;
  tags.fields = list;
  for (int i = 0; i < 10; ++i) header.add(sign(tags));
  const mail::Header plain = plain_header();
  for (const auto& field : plain.fields()) header.add(field);
  while (header.add({"x", ""}) == mail::Header::Added::yes) {
  }
  FakeDns dns;
  dns.txt(key_name, rsa_key().record());
  const double start = cpu_seconds();
  const auto results = verify(header, body, dns);
  EXPECT_LT(cpu_seconds() - start, 0.1 * slower);
  EXPECT_EQ(results.at(0).code, Code::fail);
}

TEST(DkimHostile, BodyOfNothingButLineEndsOrBlanks) {
  for (const std::string part : {"\r\n", " ", " \r\n", "\r", "\t\r"}) {
    std::string text;
    while (text.size() < 4'000'000) text += part;
    SignatureTags tags;
    const auto field = test::sign(rsa_key(), tags, plain_header(), text);
    const double start = cpu_seconds();
    EXPECT_EQ(verify_one(field, rsa_key().record(), text).code, Code::pass);
    EXPECT_EQ(verify_one(field, rsa_key().record(), text + "x").code, Code::fail);
    EXPECT_LT(cpu_seconds() - start, 0.2 * slower) << testing::PrintToString(part);
  }
}

}  // namespace
}  // namespace sekisho::dkim
