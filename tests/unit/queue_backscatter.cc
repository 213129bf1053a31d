// To whom a bounce may go: nobody who has not proved to be the sender.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "queue/backscatter.h"

namespace sekisho::queue {

namespace {

using Origin = session::Arrival::Origin;

policy::Facts facts(const std::string& sender = "alice@mail.sender.example") {
  policy::Facts facts;
  facts.mail_from = mail::Path(sender);
  facts.client.address = mail::IpAddress::parse("192.0.2.7").value();
  facts.spf_mail_from.code = spf::Code::fail;
  return facts;
}

Bouncing of(const policy::Facts& facts) { return may_bounce(facts, Origin::stranger); }

policy::Facts signed_by(const std::string& domain, dkim::Code code = dkim::Code::pass) {
  auto all = facts();
  dkim::SignatureResult signature;
  signature.code = code;
  signature.domain = domain;
  all.dkim = {signature};
  return all;
}

}  // namespace

TEST(QueueBackscatter, WhoIsKnownIsTold) {
  for (const auto origin : {Origin::trusted, Origin::permitted, Origin::login, Origin::local})
    EXPECT_EQ(may_bounce(facts(), origin), Bouncing::allowed);
  for (const auto origin : {Origin::stranger, Origin::relay_host})
    EXPECT_EQ(may_bounce(facts(), origin), Bouncing::refused);
}

TEST(QueueBackscatter, SpfOfTheSenderProves) {
  auto all = facts();
  all.spf_mail_from.code = spf::Code::pass;
  EXPECT_EQ(of(all), Bouncing::allowed);
  all.spf_mail_from.overbroad = true;
  EXPECT_EQ(of(all), Bouncing::refused);
}

TEST(QueueBackscatter, SpfOfHeloProvesNothing) {
  auto all = facts();
  all.spf_helo.code = spf::Code::pass;
  EXPECT_EQ(of(all), Bouncing::refused);
}

TEST(QueueBackscatter, ASignatureOfTheSendersDomainOrAboveItProves) {
  EXPECT_EQ(of(signed_by("mail.sender.example")), Bouncing::allowed);
  EXPECT_EQ(of(signed_by("sender.example")), Bouncing::allowed);
  // Whoever has a name below another's domain is not that domain.
  EXPECT_EQ(of(signed_by("x.mail.sender.example")), Bouncing::refused);
  EXPECT_EQ(of(signed_by("example")), Bouncing::refused);
  EXPECT_EQ(of(signed_by("other.example")), Bouncing::refused);
  EXPECT_EQ(of(signed_by("mail.sender.example", dkim::Code::fail)), Bouncing::refused);
  auto testing_only = signed_by("mail.sender.example");
  testing_only.dkim[0].testing = true;
  EXPECT_EQ(of(testing_only), Bouncing::refused);
}

TEST(QueueBackscatter, WithoutARecordTheDnsIsAsked) {
  auto all = facts();
  all.spf_mail_from.code = spf::Code::none;
  EXPECT_EQ(of(all), Bouncing::ask_dns);
  all.client.address.reset();
  EXPECT_EQ(of(all), Bouncing::refused);
  for (const auto code : {spf::Code::fail, spf::Code::softfail, spf::Code::neutral,
                          spf::Code::temperror, spf::Code::permerror}) {
    auto other = facts();
    other.spf_mail_from.code = code;
    EXPECT_EQ(of(other), Bouncing::refused) << to_string(code);
  }
}

TEST(QueueBackscatter, NobodyIsToldOfMailFromNobody) {
  auto all = facts("");
  all.spf_mail_from.code = spf::Code::pass;
  EXPECT_EQ(of(all), Bouncing::refused);
}

}  // namespace sekisho::queue
