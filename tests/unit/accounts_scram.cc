// SCRAM-SHA-256 as a server: the example of the RFC, a client of our own, and clients that cheat.
#include "accounts/scram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accounts/password.h"
#include "base/encoding.h"
#include "crypto/hmac.h"

namespace sekisho::accounts {

namespace {

using Kind = ScramServer::Step::Kind;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* password = "pencil";

std::optional<ScramKeys> keys_of(const std::string& login) {
  if (login != "user" && login != "a,b=c") return std::nullopt;
  return scram_keys_of(password, *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
}

ScramServer server(const std::string& nonce = "") { return {keys_of, "secret of a test", nonce}; }

// What a client answers to the server's first message.
struct Client {
  std::string header = "n,,";
  std::string bare;
  std::string with_password = password;
  std::string extension{};

  std::string first() const { return header + bare; }
  std::string final_for(const std::string& server_first) const {
    const auto nonce = server_first.substr(2, server_first.find(',') - 2);
    const auto salt_at = server_first.find(",s=") + 3;
    const auto salt = server_first.substr(salt_at, server_first.find(",i=") - salt_at);
    const std::string without_proof = "c=" + base64_encode(header) + ",r=" + nonce + extension;
    const auto salted = crypto::pbkdf2_sha256(with_password, *base64_decode(salt), 4096);
    std::string key(crypto::hmac_sha256(salted, "Client Key").view());
    const std::string text = bare + "," + server_first + "," + without_proof;
    const auto signature = crypto::hmac_sha256(crypto::sha256(key).view(), text);
    for (std::size_t i = 0; i < key.size(); ++i)
      key[i] = static_cast<char>(key[i] ^ signature.view()[i]);
    return without_proof + ",p=" + base64_encode(key);
  }
};

Kind outcome(const Client& client) {
  auto scram = server();
  const auto challenge = scram.step(client.first());
  if (challenge.kind != Kind::challenge) return challenge.kind;
  const auto proof = scram.step(client.final_for(challenge.text));
  if (proof.kind != Kind::challenge) return proof.kind;
  EXPECT_THAT(proof.text, StartsWith("v="));
  return scram.step("").kind;
}

TEST(AccountsScram, TheExampleOfTheRfc) {
  auto scram = server("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  auto step = scram.step("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(
      step.text,
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  step = scram.step(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_EQ(step.kind, Kind::challenge);
  EXPECT_EQ(step.text, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  EXPECT_EQ(scram.step("").kind, Kind::accepted);
  EXPECT_EQ(scram.login(), "user");
  EXPECT_EQ(scram.step("").kind, Kind::malformed);
}

TEST(AccountsScram, OnlyTheRightPasswordIsAccepted) {
  EXPECT_EQ(outcome({.bare = "n=user,r=abc"}), Kind::accepted);
  EXPECT_EQ(outcome({.header = "y,,", .bare = "n=user,r=abc"}), Kind::accepted);
  EXPECT_EQ(outcome({.header = "n,a=user,", .bare = "n=user,r=abc"}), Kind::accepted);
  EXPECT_EQ(outcome({.bare = "n=a=2Cb=3Dc,r=abc"}), Kind::accepted);
  EXPECT_EQ(outcome({.bare = "n=user,r=abc,x=new", .extension = ",y=new"}), Kind::accepted);
  EXPECT_EQ(outcome({.bare = "n=user,r=abc", .with_password = "pencils"}), Kind::wrong);
  EXPECT_EQ(outcome({.header = "n,a=root,", .bare = "n=user,r=abc"}), Kind::wrong);
}

TEST(AccountsScram, ALoginThatDoesNotExistLooksLikeOne) {
  const auto challenge = [](const std::string& login) {
    return server("nonce").step("n,,n=" + login + ",r=abc").text;
  };
  EXPECT_EQ(challenge("nobody"), challenge("nobody"));
  EXPECT_NE(challenge("nobody"), challenge("somebody"));
  EXPECT_EQ(challenge("nobody").size(), challenge("user").size());
  EXPECT_EQ(outcome({.bare = "n=nobody,r=abc"}), Kind::wrong);
}

// The logins that exist are found in any case, and have one salt.
TEST(AccountsScram, CaseTellsNobodyApart) {
  const auto salt_of = [](const std::string& login) {
    const auto first = server("x").step("n,,n=" + login + ",r=abc").text;
    return first.substr(first.find(",s="));
  };
  EXPECT_EQ(salt_of("nobody"), salt_of("NoBody"));
  EXPECT_NE(salt_of("nobody"), salt_of("nobody2"));
}

TEST(AccountsScram, NobodyIsAcceptedByTheKeysThatAreMadeUp) {
  // Whoever knew the secret could make the stored key of such a login, but it has no password.
  auto scram = server();
  const auto challenge = scram.step("n,,n=nobody,r=abc");
  Client client{.bare = "n=nobody,r=abc", .with_password = ""};
  EXPECT_EQ(scram.step(client.final_for(challenge.text)).kind, Kind::wrong);
  EXPECT_EQ(scram.step("").kind, Kind::malformed);
}

TEST(AccountsScram, MalformedFirstMessagesEndIt) {
  for (const std::string message : {"",
                                    "n",
                                    "n,",
                                    "n,,",
                                    "n,,n=user",
                                    "n,,n=user,r=",
                                    "n,,n=,r=abc",
                                    "n,,r=abc,n=user",
                                    "n,,n=us=er,r=abc",
                                    "n,,n=user=,r=abc",
                                    "n,,n=user,r=a c",
                                    "n,,n=user,r=abc,m=x",
                                    "n,,m=x,n=user,r=abc",
                                    "n,,n=user,r=abc,1=x",
                                    "n,,n=user,r=abc,x",
                                    "x,,n=user,r=abc",
                                    "n,b=x,n=user,r=abc",
                                    "n,a=x=y,n=user,r=abc",
                                    "n,a=user",
                                    "nn,n=user,r=abc"}) {
    EXPECT_EQ(server().step(message).kind, Kind::malformed) << message;
  }
  EXPECT_EQ(server().step(std::string("n,,n=us\0er,r=abc", 16)).kind, Kind::malformed);
  EXPECT_EQ(server().step("n,,n=user,r=" + std::string(5000, 'a')).kind, Kind::malformed);
  const auto bound = server().step("p=tls-unique,,n=user,r=abc");
  EXPECT_EQ(bound.kind, Kind::malformed);
  EXPECT_THAT(bound.reason, HasSubstr("channel binding"));
}

// The second message after a change; the first is as it should be.
Kind after(const std::function<void(std::string&)>& change) {
  auto scram = server("server");
  const Client client{.bare = "n=user,r=client"};
  std::string message = client.final_for(scram.step(client.first()).text);
  change(message);
  return scram.step(message).kind;
}

TEST(AccountsScram, ChangedSecondMessagesAreRefused) {
  const auto replaced = [](const std::string& what, const std::string& with) {
    return after([&](std::string& message) {
      const auto at = message.find(what);
      ASSERT_NE(at, std::string::npos) << what;
      message.replace(at, what.size(), with);
    });
  };
  EXPECT_EQ(replaced("biws", "biws"), Kind::challenge);
  EXPECT_EQ(replaced("biws", "eSws"), Kind::malformed);  // "y,,"
  EXPECT_EQ(replaced("biws", "****"), Kind::malformed);
  EXPECT_EQ(replaced("clientserver", "client"), Kind::malformed);
  EXPECT_EQ(replaced("clientserver", "clientservers"), Kind::malformed);
  EXPECT_EQ(replaced("clientserver", "Clientserver"), Kind::malformed);
  EXPECT_EQ(replaced(",p=", ",p=AAAA"), Kind::malformed);
  EXPECT_EQ(replaced(",p=", ",q="), Kind::malformed);
  EXPECT_EQ(replaced(",p=", ",m=x,p="), Kind::malformed);
  // An extension that was added on the way is part of what is signed.
  EXPECT_EQ(replaced(",p=", ",x=y,p="), Kind::wrong);
  EXPECT_EQ(after([](std::string& message) { message.clear(); }), Kind::malformed);
  EXPECT_EQ(after([](std::string& message) {
              const auto at = message.find(",p=") + 3;
              message[at] = message[at] == 'A' ? 'B' : 'A';
            }),
            Kind::wrong);
}

TEST(AccountsScram, TextAfterTheServersProofEndsIt) {
  auto scram = server();
  const Client client{.bare = "n=user,r=abc"};
  const auto proof = scram.step(client.final_for(scram.step(client.first()).text));
  ASSERT_EQ(proof.kind, Kind::challenge);
  EXPECT_EQ(scram.step("more").kind, Kind::malformed);
}

TEST(AccountsScram, NoncesAreNew) {
  const auto first = server().step("n,,n=user,r=abc").text;
  EXPECT_NE(first, server().step("n,,n=user,r=abc").text);
  EXPECT_GT(first.find(",s="), 20U);
}

}  // namespace

}  // namespace sekisho::accounts
