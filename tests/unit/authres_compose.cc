#include "authres/compose.h"

#include "support/authres_cases.h"

namespace sekisho::test {
namespace {

struct Everything {
  client::IprevResult iprev{client::IprevCode::pass, "mx.news.test", ""};
  spf::Result helo{spf::Scope::helo, spf::Code::none, "mx.news.test", "no record", ""};
  spf::Result mail_from{spf::Scope::mfrom, spf::Code::pass, "news.test", "mx", ""};
  std::vector<dkim::SignatureResult> dkim;
  dmarc::Result dmarc;

  Everything() {
    dkim::SignatureResult signature;
    signature.code = dkim::Code::pass;
    signature.domain = "news.test";
    signature.selector = "s1";
    signature.algorithm = "rsa-sha256";
    signature.signature_start = "Ab/+1234";
    signature.key_bits = 2048;
    dkim.push_back(signature);
    dmarc.code = dmarc::Code::pass;
    dmarc.from = "news.test";
    dmarc.tag = "p";
    dmarc.policy = dmarc::Policy::reject;
    dmarc.published = dmarc::Published{};
    dmarc.published->p = dmarc::Policy::reject;
  }

  authres::Inputs inputs() const {
    authres::Inputs out;
    out.authserv_id = "mx.shop.test";
    out.decision_id = "K7Q2-4D";
    out.client_address = "192.0.2.1";
    out.iprev = &iprev;
    out.helo = &helo;
    out.mail_from = &mail_from;
    out.mail_from_address = "bounce@news.test";
    out.dkim = &dkim;
    out.dmarc = &dmarc;
    return out;
  }
  std::string written() const { return authres::write(authres::compose(inputs())); }
};

TEST(AuthresCompose, Everything) {
  EXPECT_EQ(Everything().written(),
            " mx.shop.test (id=K7Q2-4D);\r\n"
            "\tiprev=pass (mx.news.test) policy.iprev=192.0.2.1;\r\n"
            "\tspf=none smtp.helo=mx.news.test;\r\n"
            "\tspf=pass smtp.mailfrom=bounce@news.test;\r\n"
            "\tdkim=pass (2048-bit key) header.d=news.test header.s=s1 header.a=rsa-sha256\r\n"
            "\theader.b=\"Ab/+1234\";\r\n"
            "\tdmarc=pass (p=reject) header.from=news.test policy.dmarc=reject");
}

TEST(AuthresCompose, NothingEvaluated) {
  authres::Inputs inputs;
  inputs.authserv_id = "mx.shop.test";
  inputs.decision_id = "K7Q2-4D";
  EXPECT_EQ(authres::write(authres::compose(inputs)), " mx.shop.test (id=K7Q2-4D); none");
}

TEST(AuthresCompose, NoSignaturesIsDkimNone) {
  Everything all;
  all.dkim.clear();
  EXPECT_NE(all.written().find("dkim=none;"), std::string::npos);
}

TEST(AuthresCompose, NullReversePathIsTheHeloDomain) {
  Everything all;
  authres::Inputs inputs = all.inputs();
  inputs.mail_from_address.clear();
  all.mail_from.domain = "mx.news.test";
  EXPECT_NE(authres::write(authres::compose(inputs)).find("smtp.mailfrom=mx.news.test"),
            std::string::npos);
}

TEST(AuthresCompose, MalformedAuthorIsPermerrorWithoutFrom) {
  Everything all;
  authres::Inputs inputs = all.inputs();
  inputs.author_malformed = true;
  const auto field = authres::compose(inputs);
  EXPECT_EQ(field.results.back().method, "dmarc");
  EXPECT_EQ(field.results.back().result, "permerror");
  EXPECT_TRUE(field.results.back().properties.empty());
}

TEST(AuthresCompose, PolicyIsTheOneThatApplies) {
  struct Row {
    std::string tag;
    dmarc::Policy policy;
    bool testing;
    std::string want;
  };
  const Row rows[] = {
      {"p", dmarc::Policy::none, false, "(p=none) header.from=news.test policy.dmarc=none"},
      {"sp", dmarc::Policy::quarantine, false,
       "(sp=quarantine) header.from=news.test policy.dmarc=quarantine"},
      {"np", dmarc::Policy::reject, true,
       "(np=reject t=y) header.from=news.test policy.dmarc=quarantine"},
      {"p", dmarc::Policy::quarantine, true,
       "(p=quarantine t=y) header.from=news.test policy.dmarc=none"},
  };
  for (const Row& row : rows) {
    Everything all;
    all.dmarc.code = dmarc::Code::fail;
    all.dmarc.tag = row.tag;
    all.dmarc.policy = row.policy;
    all.dmarc.published->testing = row.testing;
    std::string text = all.written();
    for (auto fold = text.find("\r\n\t"); fold != std::string::npos; fold = text.find("\r\n\t"))
      text.replace(fold, 3, " ");
    EXPECT_NE(text.find("dmarc=fail " + row.want), std::string::npos) << text;
  }
  Everything all;
  all.dmarc = {};
  all.dmarc.from = "news.test";
  EXPECT_TRUE(all.written().ends_with("\tdmarc=none header.from=news.test"));
}

TEST(AuthresCompose, ReasonsOnlyForErrorsAndPolicy) {
  for (const auto code : {dkim::Code::pass, dkim::Code::fail, dkim::Code::policy,
                          dkim::Code::neutral, dkim::Code::temperror, dkim::Code::permerror}) {
    Everything all;
    all.dkim[0].code = code;
    all.dkim[0].reason = "why it is so";
    const bool wanted = code == dkim::Code::policy || code == dkim::Code::temperror ||
                        code == dkim::Code::permerror;
    EXPECT_EQ(all.written().find("reason=\"why it is so\"") != std::string::npos, wanted)
        << to_string(code);
  }
}

// Attacks, by name.

// d=legit.com'a.attack.com and its kin never reach the field, not even inside a reason.
TEST(AuthresHostile, TextThatDidNotParseStaysOut) {
  for (const std::string bad :
       {"legit.com'a.attack.com", "legit.com(.attack.com", "legit.com\".a"}) {
    Everything all;
    all.dkim[0] = {};
    all.dkim[0].code = dkim::Code::permerror;
    all.dkim[0].reason = "d= is no domain name: " + bad;
    all.mail_from.code = spf::Code::permerror;
    all.mail_from.reason = "unknown mechanism " + bad;
    const std::string text = all.written();
    EXPECT_EQ(text.find("attack"), std::string::npos) << text;
    EXPECT_EQ(text.find("legit"), std::string::npos) << text;
    EXPECT_EQ(text.find("header.d"), std::string::npos) << text;
  }
}

// NUL, CR LF and quotes in what was decoded from i=, s=, d= or a=.
TEST(AuthresHostile, ControlOctetsInDkimTags) {
  Everything all;
  const std::string evil("x\0\r\n;(\" dmarc=pass", 19);
  all.dkim[0].domain = all.dkim[0].selector = all.dkim[0].algorithm = evil;
  all.dkim[0].signature_start = evil;
  const auto field = authres::parse(all.written(), authres::Syntax::strict);
  ASSERT_TRUE(field);
  EXPECT_EQ(field->results.size(), 5U);
  EXPECT_EQ(all.written().find('\0'), std::string::npos);
  EXPECT_EQ(all.written().find("header.b"), std::string::npos) << "no start of any signature";
}

// What is left of nothing but control octets is an empty string, which public readers stumble over.
TEST(AuthresHostile, AValueOfControlOctetsAloneIsLeftOut) {
  Everything all;
  all.dkim[0].selector = "\r\n";
  all.dkim[0].algorithm = "\x7f\t\x01";
  const std::string text = all.written();
  EXPECT_EQ(text.find("header.s"), std::string::npos) << text;
  EXPECT_EQ(text.find("header.a"), std::string::npos) << text;
  EXPECT_EQ(text.find("\"\""), std::string::npos) << text;
}

// MAIL FROM with a parenthesis or a quote in it is a quoted string in smtp.mailfrom.
TEST(AuthresHostile, MailFromTricks) {
  for (const std::string address :
       {"any@legitimate.com(a.attack.com", "any@legitimate.com'@any.attack.com",
        "(any@legitimate.com", "<>\r\n\tdmarc=pass"}) {
    Everything all;
    authres::Inputs inputs = all.inputs();
    inputs.mail_from_address = address;
    const auto field =
        authres::parse(authres::write(authres::compose(inputs)), authres::Syntax::strict);
    ASSERT_TRUE(field) << address;
    EXPECT_EQ(field->results.size(), 5U);
    EXPECT_EQ(field->results[2].result, "pass");
  }
}

}  // namespace
}  // namespace sekisho::test
