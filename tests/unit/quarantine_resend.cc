#include "quarantine/resend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::quarantine {
namespace {

using Kind = policy::Edit::Kind;
using testing::ElementsAre;

policy::Edit removal(const char* name, std::size_t index) {
  return {Kind::remove, name, "", index};
}

TEST(Resend, ExactlyTheForgedFieldsAreTakenOut) {
  const std::string message =
      "A: 1\r\nAuthentication-Results: ours;\r\n\tfolded\r\nAUTHENTICATION-results : other\r\n"
      "Authentication-Results: ours again\r\nX: y\r\n\r\nAuthentication-Results: body\r\n";
  EXPECT_EQ(
      without_fields(message,
                     {removal("Authentication-Results", 3), removal("authentication-results", 1)}),
      "A: 1\r\nAUTHENTICATION-results : other\r\nX: y\r\n\r\nAuthentication-Results: body\r\n");
}

TEST(Resend, AnythingElseIsTheSameOctets) {
  for (const std::string message : {"", "\r\n", "\r\n\r\n", "a", "a: b", "a: b\r\n", "a: b\r\n\r\n",
                                    "a: b\r\n c\r\n\r\n\x80\xff\r", "no colon\r\n\r\nx",
                                    "a: b\n\nx\n", " folded first\r\n\r\n"}) {
    EXPECT_EQ(without_fields(message, {removal("c", 1)}), message);
  }
}

TEST(Resend, ProofResultsAndReceivedOnTop) {
  Release release;
  release.id = "K7Q2-4DMX";
  release.token = "00ff";
  Envelope envelope;
  envelope.received = " from a\r\n\tby b; date";
  envelope.authentication_results = " mx.example.jp; spf=fail";
  EXPECT_EQ(
      resent(release, envelope, "Subject: x\r\n\r\nbody"),
      "X-Sekisho-Release: K7Q2-4DMX 00ff\r\nAuthentication-Results: mx.example.jp; spf=fail\r\n"
      "Received: from a\r\n\tby b; date\r\nSubject: x\r\n\r\nbody");
}

TEST(Resend, TheSenderHearsNothingUnlessAsked) {
  Release release;
  release.held.mail_from = "a@b";
  release.recipients = {"one@example.jp", "copy@example.jp"};
  Envelope envelope;
  envelope.mail_parameters = {"RET=FULL"};
  envelope.recipients = {{"one@example.jp", {"notify=SUCCESS", "ORCPT=rfc822;x"}},
                         {"two@example.jp", {}}};
  const auto quiet = letter_for(release, envelope, false, "");
  ASSERT_EQ(quiet.recipients.size(), 2U);
  EXPECT_THAT(quiet.recipients[0].parameters, ElementsAre("ORCPT=rfc822;x", "NOTIFY=NEVER"));
  EXPECT_THAT(quiet.recipients[1].parameters, ElementsAre("NOTIFY=NEVER"));
  EXPECT_THAT(quiet.mail_parameters, ElementsAre("RET=FULL"));
  const auto loud = letter_for(release, envelope, true, "");
  EXPECT_THAT(loud.recipients[0].parameters, ElementsAre("notify=SUCCESS", "ORCPT=rfc822;x"));
  EXPECT_TRUE(loud.recipients[1].parameters.empty());
}

}  // namespace
}  // namespace sekisho::quarantine
