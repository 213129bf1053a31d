// AUTH SCRAM-SHA-256 in a conversation: whoever guesses meets the same block and delay as with
// PLAIN, and learns nothing from the server's proof. And whose name a login may put into From.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accounts/password.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "smtp/limits.h"
#include "support/smtp_house.h"

namespace sekisho::smtp {
namespace {

using test::SmtpHouse;
using test::SmtpTalk;
using testing::ElementsAre;
using testing::StartsWith;

constexpr unsigned iterations = 4096;

class SmtpScram : public testing::Test {
 protected:
  SmtpScram() {
    house_.authenticator().scram =
        accounts::scram_keys_of("sesame", "sixteen octets!!", iterations);
  }
  std::unique_ptr<SmtpTalk> talk(const std::string& address = "192.0.2.10") {
    auto made = std::make_unique<SmtpTalk>(house_, Profile::submissions, address);
    made->tls();
    made->say("EHLO phone\r\n");
    return made;
  }
  static std::string begin(SmtpTalk& talk, const std::string& login) {
    return talk.line("AUTH SCRAM-SHA-256 " + base64_encode("n,,n=" + login + ",r=abc"));
  }
  // The client's proof for this challenge, "334 BASE64".
  static std::string proof(const std::string& challenge, const std::string& login,
                           const std::string& password) {
    const auto first = *base64_decode(challenge.substr(4, challenge.find('\n') - 4));
    const auto nonce = first.substr(2, first.find(',') - 2);
    const std::string plain = "c=biws,r=" + nonce;
    const auto salted = crypto::pbkdf2_sha256(password, "sixteen octets!!", iterations);
    std::string key(crypto::hmac_sha256(salted, "Client Key").view());
    const std::string text = "n=" + login + ",r=abc," + first + "," + plain;
    const auto signature = crypto::hmac_sha256(crypto::sha256(key).view(), text);
    for (std::size_t i = 0; i < key.size(); ++i) {
      key[i] = static_cast<char>(key[i] ^ signature.view()[i]);
    }
    return base64_encode(plain + ",p=" + base64_encode(key));
  }
  // "535": the reply to the proof; or the reply to the name, if that was the end.
  std::string attempt(const std::string& login, const std::string& password,
                      const std::string& address = "192.0.2.10") {
    auto one = talk(address);
    const auto challenge = begin(*one, login);
    waits_ = one->waits();
    if (!challenge.starts_with("334")) return challenge.substr(0, 9);
    const auto answer = one->line(proof(challenge, login, password));
    waits_ = one->waits();
    if (!answer.starts_with("334")) return answer.substr(0, 9);
    const auto last = one->line("");
    waits_ = one->waits();
    return last.substr(0, 9);
  }

  SmtpHouse house_;
  std::vector<std::chrono::milliseconds> waits_;
};

TEST_F(SmtpScram, TheRightPassword) {
  EXPECT_EQ(attempt("alice", "sesame"), "235 2.7.0");
  EXPECT_EQ(attempt("alice", "wrong"), "535 5.7.8");
  EXPECT_THAT(waits_, ElementsAre());
}

TEST_F(SmtpScram, TooManyFailuresAreRefusedBeforeAnythingIsSaidOfThePassword) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(attempt("alice", "wrong"), "535 5.7.8");
  auto one = talk();
  EXPECT_THAT(begin(*one, "alice"), StartsWith("454 4.7.0"));
  EXPECT_EQ(attempt("alice", "sesame"), "454 4.7.0");
  EXPECT_EQ(attempt("alice", "sesame", "192.0.2.11"), "235 2.7.0") << "from elsewhere she comes in";
}

TEST_F(SmtpScram, AGuesserIsAnsweredLateAndOnce) {
  for (int i = 0; i < 10; ++i) attempt("guess" + std::to_string(i), "wrong");
  EXPECT_EQ(attempt("alice", "wrong"), "535 5.7.8");
  EXPECT_THAT(waits_, ElementsAre(LoginFailures::slow_by));
  EXPECT_EQ(attempt("alice", "sesame"), "235 2.7.0");
  EXPECT_THAT(waits_, ElementsAre(LoginFailures::slow_by));
  EXPECT_EQ(attempt("alice", "sesame"), "235 2.7.0");
  EXPECT_THAT(waits_, ElementsAre()) << "she has been here before";
}

// --- From ----------------------------------------------------------------------------------------

class SmtpAuthors : public testing::Test {
 protected:
  // The answer to a message of alice's with these lines above its From field.
  std::string answer(const std::string& lines) {
    SmtpTalk talk(house_, Profile::submissions);
    talk.tls();
    talk.say("EHLO phone\r\n");
    const std::string plain = std::string("\0alice@example.jp\0sesame", 24);
    talk.line("AUTH PLAIN " + base64_encode(plain));
    talk.say("MAIL FROM:<alice@example.jp>\r\nRCPT TO:<bob@example.jp>\r\nDATA\r\n");
    return talk.say(lines + "From: alice@example.jp\r\n\r\nx\r\n.\r\n").substr(0, 9);
  }
  SmtpHouse house_;
};

TEST_F(SmtpAuthors, ASecondOneIsNotHiddenInAnotherField) {
  EXPECT_EQ(answer(""), "250 2.0.0");
  EXPECT_EQ(answer("X-A: x\r\n folded\r\n\tFrom: is a word here\r\n"), "250 2.0.0");
  EXPECT_EQ(answer("X-A: x\fFrom: boss@other.example\r\n"), "550 5.7.1");
  EXPECT_EQ(answer("X-A: x\vFrom: boss@example.jp\r\n"), "550 5.7.1");
}

TEST_F(SmtpAuthors, ASecondOneIsNotHiddenBehindManyLines) {
  std::string lines = "Subject: x\r\n";
  for (int i = 0; i < 100; ++i) lines += "this is no field\r\n";
  EXPECT_EQ(answer(lines), "250 2.0.0");
  EXPECT_EQ(answer(lines + "\xe2\x80\x8b"
                           "From boss@other.example\r\n"),
            "550 5.7.1");
}

}  // namespace
}  // namespace sekisho::smtp
