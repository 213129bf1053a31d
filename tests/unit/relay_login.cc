// AUTH as a client: each mechanism against another implementation of its server's side, the files
// of secrets, and logins at a real server over TLS.
#include "relay/login.h"

#include <cstdlib>
#include <fstream>

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gsasl.h>

#include "base/encoding.h"
#include "relay/conversation.h"
#include "relay/secret_file.h"
#include "relay/secret_watch.h"
#include "support/certificates.h"
#include "support/relay_test.h"
#include "support/smtp_party.h"
#include "support/temporary_folder.h"

namespace sekisho::relay {
namespace {

using Code = Result::Code;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Credentials alice(std::string password = "secret") { return {"alice", std::move(password), false}; }

std::string decoded(const std::string& text) { return base64_decode(text).value_or("?"); }

TEST(RelayLogin, TheStrongestFirstAndEachOnce) {
  Login login(alice());
  const std::vector<std::string> offered = {"LOGIN", "PLAIN", "XOAUTH2", "SCRAM-SHA-256"};
  std::vector<std::string> tried;
  while (login.next(offered)) tried.push_back(login.mechanism());
  EXPECT_THAT(tried, ElementsAre("SCRAM-SHA-256", "PLAIN", "LOGIN"));
  EXPECT_FALSE(Login(alice()).next({"GSSAPI", "NTLM"}));
}

TEST(RelayLogin, Plain) {
  Login login(alice());
  ASSERT_TRUE(login.next({"PLAIN"}));
  EXPECT_EQ(*login.command(), "AUTH PLAIN " + base64_encode(std::string("\0alice\0secret", 13)));
  EXPECT_TRUE(login.complete());
}

TEST(RelayLogin, OldLogin) {
  Login login(alice());
  ASSERT_TRUE(login.next({"LOGIN"}));
  EXPECT_EQ(*login.command(), "AUTH LOGIN");
  EXPECT_EQ(decoded(*login.respond(base64_encode("Username:"))), "alice");
  EXPECT_EQ(decoded(*login.respond(base64_encode("Password:"))), "secret");
}

// RFC 2195 §2.
TEST(RelayLogin, CramMd5) {
  Login login({"tim", "tanstaaftanstaaf", false});
  ASSERT_TRUE(login.next({"CRAM-MD5"}));
  EXPECT_EQ(*login.command(), "AUTH CRAM-MD5");
  const auto answer = login.respond(base64_encode("<1896.697170952@postoffice.reston.mci.net>"));
  EXPECT_EQ(decoded(*answer), "tim b913a602c7eda7a495b4e6e7334d3890");
}

TEST(RelayLogin, Token) {
  Login login({"a@example.com", "ya29.x", true});
  EXPECT_FALSE(login.next({"PLAIN"}));
  ASSERT_TRUE(login.next({"PLAIN", "XOAUTH2"}));
  const std::string command = *login.command();
  ASSERT_TRUE(command.starts_with("AUTH XOAUTH2 "));
  EXPECT_EQ(decoded(command.substr(13)), "user=a@example.com\1auth=Bearer ya29.x\1\1");
  // The server says why not, and waits for an empty line.
  EXPECT_EQ(*login.respond(base64_encode("{\"status\":\"401\"}")), "");
}

// The server's side of SCRAM, with a password of its own.
class ScramServer {
 public:
  explicit ScramServer(const char* password) {
    gsasl_init(&library_);
    gsasl_server_start(library_, "SCRAM-SHA-256", &session_);
    gsasl_property_set(session_, GSASL_PASSWORD, password);
    gsasl_property_set(session_, GSASL_SCRAM_ITER, "4096");
    gsasl_property_set(session_, GSASL_SCRAM_SALT, "c2FsdA==");
  }
  ~ScramServer() {
    gsasl_finish(session_);
    gsasl_done(library_);
  }
  // What it says next; empty: it refuses.
  std::string say(const std::string& text) {
    char* out = nullptr;
    const int code = gsasl_step64(session_, text.c_str(), &out);
    std::string said = out == nullptr ? "" : out;
    gsasl_free(out);
    return code == GSASL_OK || code == GSASL_NEEDS_MORE ? said : "";
  }

 private:
  Gsasl* library_ = nullptr;
  Gsasl_session* session_ = nullptr;
};

TEST(RelayLogin, ScramProvesBothSides) {
  Login login(alice());
  ASSERT_TRUE(login.next({"SCRAM-SHA-256"}));
  ScramServer server("secret");
  const std::string first = server.say(login.command()->substr(19));
  const std::string last = server.say(*login.respond(first));
  ASSERT_NE(last, "");
  EXPECT_FALSE(login.complete());
  EXPECT_TRUE(login.respond(last).has_value());
  EXPECT_TRUE(login.complete());
}

TEST(RelayLogin, ScramWithAnotherPassword) {
  Login login(alice());
  login.next({"SCRAM-SHA-256"});
  ScramServer server("other");
  EXPECT_EQ(server.say(*login.respond(server.say(login.command()->substr(19)))), "");
}

// A server that does not know the password cannot say that it does.
TEST(RelayLogin, ScramOfAnImpostor) {
  Login login(alice());
  login.next({"SCRAM-SHA-256"});
  ScramServer server("secret");
  login.respond(server.say(login.command()->substr(19)));
  EXPECT_FALSE(login.respond(base64_encode("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")));
  EXPECT_FALSE(login.complete());
}

TEST(RelayLogin, ScramMayNotCostSeconds) {
  Login login(alice());
  login.next({"SCRAM-SHA-256"});
  const std::string first = decoded(login.command()->substr(19));
  const std::string nonce = first.substr(first.find("r=") + 2);
  for (const char* iterations : {"100001", "4294967295", "99999999999999999999", "x"}) {
    const auto answer =
        login.respond(base64_encode("r=" + nonce + "more,s=c2FsdA==,i=" + iterations));
    ASSERT_FALSE(answer.has_value()) << iterations;
    EXPECT_THAT(answer.error(), HasSubstr("100000 iterations"));
  }
}

TEST(RelayLogin, AChallengeThatIsNone) {
  Login login(alice());
  login.next({"CRAM-MD5"});
  EXPECT_THAT(login.respond("!!").error(), HasSubstr("not base64"));
}

// --- Files

// What the client says to each of these, by TLS that is verified.
std::vector<std::string> answers_to(Conversation& conversation,
                                    const std::vector<std::string>& replies) {
  std::vector<std::string> out;
  for (const auto& reply : replies) {
    conversation.receive(reply);
    out.push_back(conversation.take_output());
  }
  return out;
}

// A mechanism that we give up leaves the next one its chance.
TEST(RelayLogin, AfterACancelledMechanismTheNextCounts) {
  Conversation conversation({false, "me.example", RouteTls::verified, false},
                            std::make_unique<Login>(alice()));
  Transaction transaction;
  transaction.sender = "a@example.com";
  transaction.recipients.push_back({"b@example.jp", {}});
  conversation.begin(transaction);
  answers_to(conversation, {"220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n"});
  conversation.tls_established({"TLS", true, ""});
  conversation.take_output();
  const std::string first =
      answers_to(conversation, {"250-mx\r\n250 AUTH SCRAM-SHA-256 PLAIN\r\n"}).front();
  const std::string said = "AUTH SCRAM-SHA-256 ";
  ASSERT_TRUE(first.starts_with(said)) << first;
  const std::string message = decoded(first.substr(said.size(), first.size() - said.size() - 2));
  const std::string nonce = message.substr(message.find("r=") + 2);
  const std::string costly = base64_encode("r=" + nonce + "more,s=c2FsdA==,i=120000");
  const auto plain = "AUTH PLAIN " + base64_encode(std::string("\0alice\0secret", 13)) + "\r\n";
  EXPECT_THAT(
      answers_to(conversation, {"334 " + costly + "\r\n", "501 cancelled\r\n", "235 welcome\r\n"}),
      ElementsAre("*\r\n", plain, "MAIL FROM:<a@example.com>\r\n"));
}

// But one that we have given up cannot succeed.
TEST(RelayLogin, ACancelledMechanismThatIsAcceptedIsNoProof) {
  Conversation conversation({false, "me.example", RouteTls::verified, true},
                            std::make_unique<Login>(alice()));
  Transaction transaction;
  transaction.sender = "a@example.com";
  transaction.recipients.push_back({"b@example.jp", {}});
  conversation.begin(transaction);
  conversation.tls_established({"TLS", true, ""});
  answers_to(conversation, {"220 mx\r\n", "250-mx\r\n250 AUTH SCRAM-SHA-256\r\n"});
  EXPECT_THAT(answers_to(conversation, {"334 !!\r\n", "235 welcome\r\n"}),
              ElementsAre("*\r\n", "QUIT\r\n"));
  EXPECT_EQ(conversation.take_outcome()->trouble, Trouble::login);
}

class RelaySecretFile : public testing::Test {
 protected:
  std::string file(const std::string& text, mode_t mode = 0600) const {
    const std::string path = folder_.file("password");
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  test::TemporaryFolder folder_;
};

TEST_F(RelaySecretFile, ItsFirstLine) {
  EXPECT_EQ(*read_secret(file("secret word\r\nsecond\n")), "secret word");
  EXPECT_EQ(*read_secret(file("no end")), "no end");
}

TEST_F(RelaySecretFile, OthersMayNotReadIt) {
  for (const mode_t mode : {0640, 0604, 0660, 0644})
    EXPECT_THAT(read_secret(file("secret", mode)).error(), HasSubstr("chmod 600")) << mode;
}

TEST_F(RelaySecretFile, NothingInIt) {
  EXPECT_THAT(read_secret(file("\nsecret")).error(), HasSubstr("empty"));
  EXPECT_THAT(read_secret(file(std::string("a\0b", 3))).error(), HasSubstr("no text"));
  EXPECT_THAT(read_secret(folder_.file("absent")).error(), HasSubstr("No such file"));
  EXPECT_THAT(read_secret("/dev/null").error(), HasSubstr("not a regular file"));
}

TEST_F(RelaySecretFile, ACredentialOfSystemd) {
  file("from systemd\n", 0440);
  ::setenv("CREDENTIALS_DIRECTORY", folder_.file("").substr(0, folder_.file("").size() - 1).c_str(),
           1);
  EXPECT_EQ(*read_secret("password"), "from systemd");
  EXPECT_EQ(*read_secret(folder_.file("password")), "from systemd");
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

// --- At a real server

class RelayLoginAtServer : public test::RelayTest {
 protected:
  RelayLoginAtServer() : RelayTest("", some_trust(authority_file())) {
    const auto pair = authority().issue("127.0.0.1");
    write(folder_.file("cert"), pair.certificate);
    write(folder_.file("key"), pair.key);
    write(folder_.file("password"), "secret\n");
  }

  static const test::CertificateAuthority& authority() {
    static const test::CertificateAuthority one;
    return one;
  }
  static std::string authority_file() {
    static const test::TemporaryFolder folder;
    write(folder.file("ca"), authority().certificate());
    return folder.file("ca");
  }
  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0600);
  }
  std::vector<std::string> with_tls(std::vector<std::string> options = {}) const {
    options.insert(options.end(),
                   {"--certificate", folder_.file("cert"), "--key", folder_.file("key")});
    return options;
  }
  Route route(std::uint16_t port, const std::string& login = "alice") const {
    Route one = route_to_port(port);
    one.login = login;
    one.password_file = folder_.file("password");
    return one;
  }

  test::TemporaryFolder folder_;
};

TEST_F(RelayLoginAtServer, OverVerifiedTls) {
  test::SmtpParty party(with_tls({"--login", "alice:secret"}));
  const auto done = deliver(map_of({route(party.port())}));
  EXPECT_EQ(done.results[0].code, Code::sent) << done.results[0].why;
  EXPECT_THAT(done.tls, HasSubstr(" verified"));
  EXPECT_EQ(party.next()["right"], true);
  const auto message = party.next();
  EXPECT_EQ(message["login"], "alice");
  EXPECT_EQ(message["tls"], true);
  for (const auto& line : done.dialogue) {
    EXPECT_THAT(line.text, Not(HasSubstr(base64_encode("secret"))));
    EXPECT_THAT(line.text, Not(HasSubstr(base64_encode(std::string("\0alice\0secret", 13)))));
  }
}

TEST_F(RelayLoginAtServer, WithTlsFirst) {
  test::SmtpParty party(with_tls({"--login", "alice:secret", "--tls-first"}));
  auto one = route(party.port());
  one.via.kind = Via::Kind::smtps_host;
  const auto done = deliver(map_of({one}));
  EXPECT_EQ(done.results[0].code, Code::sent) << done.results[0].why;
  EXPECT_EQ(party.next()["right"], true);
}

TEST_F(RelayLoginAtServer, ByLoginAlone) {
  test::SmtpParty party(with_tls({"--login", "alice:secret", "--without", "PLAIN"}));
  EXPECT_EQ(deliver_one(map_of({route(party.port())})).code, Code::sent);
  EXPECT_EQ(party.next()["mechanism"], "LOGIN");
}

// Each mechanism once, then the route pauses; another password ends the pause at once.
TEST_F(RelayLoginAtServer, AWrongPassword) {
  test::SmtpParty party(with_tls({"--login", "alice:other"}));
  const auto map = map_of({route(party.port())});
  const auto first = deliver_one(map);
  EXPECT_EQ(first.code, Code::own_fault);
  EXPECT_EQ(first.fault, "route:alice at [127.0.0.1]:" + std::to_string(party.port()));
  EXPECT_THAT(first.why, HasSubstr("AUTH as alice: 535"));
  EXPECT_EQ(party.next()["mechanism"], "PLAIN");
  EXPECT_EQ(party.next()["mechanism"], "LOGIN");
  const auto second = deliver_one(map);
  EXPECT_EQ(second.code, Code::own_fault);
  EXPECT_EQ(second.fault, first.fault);

  write(folder_.file("password"), "other\n");
  EXPECT_EQ(deliver_one(map).code, Code::sent);
  EXPECT_EQ(party.next()["right"], true) << "nothing was tried while the route was paused";
}

// Each of three logins is refused by itself, and not for what another has got. The transport of the
// test has two lanes, so two of them share one.
TEST_F(RelayLoginAtServer, OnlyTheLoginThatIsRefusedPauses) {
  test::SmtpParty party(with_tls({"--login", "alice:other"}));
  for (const std::string name : {"alice", "bob", "carol"}) {
    const auto result = deliver_one(map_of({route(party.port(), name)}));
    EXPECT_EQ(result.code, Code::own_fault);
    EXPECT_THAT(result.why, HasSubstr("AUTH as " + name + ":"));
    EXPECT_EQ(result.fault, "route:" + name + " at [127.0.0.1]:" + std::to_string(party.port()));
  }
}

// The daemon looks at the files, and tells the queue which route may be tried.
TEST_F(RelayLoginAtServer, AnotherPasswordIsSeen) {
  SecretWatch watch;
  const auto map = map_of({route(587), route_to_port(25)});
  const std::vector<std::string> this_route = {"route:alice at [127.0.0.1]:587"};
  EXPECT_TRUE(watch.look(*map).empty());
  EXPECT_TRUE(watch.look(*map).empty());
  write(folder_.file("password"), "other\n");
  EXPECT_EQ(watch.look(*map), this_route);
  EXPECT_TRUE(watch.look(*map).empty());
  ::chmod(folder_.file("password").c_str(), 0644);
  EXPECT_TRUE(watch.look(*map).empty());
  ::chmod(folder_.file("password").c_str(), 0600);
  EXPECT_EQ(watch.look(*map), this_route);
}

TEST_F(RelayLoginAtServer, ForgettingEndsThePauseToo) {
  test::SmtpParty party(with_tls({"--login", "alice:other"}));
  const auto map = map_of({route(party.port())});
  EXPECT_EQ(deliver_one(map).code, Code::own_fault);
  party.next();
  party.next();
  transport_.forget("d.test");
  EXPECT_EQ(deliver_one(map).code, Code::own_fault);
  EXPECT_EQ(party.next()["event"], "login");
}

TEST_F(RelayLoginAtServer, NeverWithoutTls) {
  test::SmtpParty party({"--login", "alice:secret", "--tls-first"});  // AUTH in clear text
  const auto result = deliver_one(map_of({route(party.port())}));
  EXPECT_EQ(result.code, Code::own_fault);
  EXPECT_EQ(result.fault, "tls:alice at [127.0.0.1]:" + std::to_string(party.port()));
}

TEST_F(RelayLoginAtServer, NeverToAnotherName) {
  test::SmtpParty party(with_tls({"--login", "alice:secret"}));
  auto one = route(party.port());
  one.tls_name = "relay.example";
  one.tls = RouteTls::none;  // a login decides
  const auto result = deliver_one(map_of({one}));
  EXPECT_EQ(result.code, Code::own_fault);
  EXPECT_THAT(result.why, HasSubstr("mismatch"));
}

TEST_F(RelayLoginAtServer, AuthThatIsNotOffered) {
  test::SmtpParty party(with_tls());
  const auto result = deliver_one(map_of({route(party.port())}));
  EXPECT_EQ(result.code, Code::own_fault);
  EXPECT_EQ(result.fault, "route:alice at [127.0.0.1]:" + std::to_string(party.port()));
}

TEST_F(RelayLoginAtServer, APasswordFileThatIsAway) {
  test::SmtpParty party(with_tls({"--login", "alice:secret"}));
  auto one = route(party.port());
  one.password_file = folder_.file("absent");
  const auto result = deliver_one(map_of({one}));
  EXPECT_EQ(result.code, Code::own_fault);
  EXPECT_THAT(result.why, HasSubstr("No such file"));
}

// --- TLS without a login

TEST_F(RelayLoginAtServer, OpportunisticTlsTakesAnyCertificate) {
  const auto pair = test::self_signed("elsewhere.test");
  write(folder_.file("cert"), pair.certificate);
  write(folder_.file("key"), pair.key);
  test::SmtpParty party(with_tls());
  const auto done = deliver(map_of({route_to_port(party.port())}));
  EXPECT_EQ(done.results[0].code, Code::sent) << done.results[0].why;
  EXPECT_THAT(done.tls, HasSubstr("not verified"));
  EXPECT_EQ(party.next()["tls"], true);

  auto verified = route_to_port(party.port());
  verified.tls = RouteTls::verified;
  EXPECT_EQ(deliver_one(map_of({verified})).code, Code::own_fault);
  auto required = route_to_port(party.port());
  required.tls = RouteTls::required;
  EXPECT_EQ(deliver_one(map_of({required})).code, Code::sent);
}

TEST_F(RelayLoginAtServer, TlsThatIsDemandedAndNotThere) {
  test::SmtpParty party;
  auto one = route_to_port(party.port());
  one.tls = RouteTls::required;
  const auto result = deliver_one(map_of({one}));
  EXPECT_EQ(result.code, Code::own_fault);
  EXPECT_EQ(result.status, "4.7.4");
}

// Broken TLS: once more in clear text, and the next message without trying.
TEST_F(RelayLoginAtServer, BrokenTlsIsDoneWithout) {
  test::SmtpParty party(with_tls({"--no-common-cipher"}));
  const auto map = map_of({route_to_port(party.port())});
  const auto done = deliver(map);
  EXPECT_EQ(done.results[0].code, Code::sent) << done.results[0].why;
  EXPECT_EQ(party.next()["tls"], false);
  const auto again = deliver(map);
  for (const auto& line : again.dialogue) EXPECT_NE(line.text, "STARTTLS");

  auto required = route_to_port(party.port());
  required.tls = RouteTls::required;
  EXPECT_EQ(deliver_one(map_of({required})).code, Code::own_fault);
}

}  // namespace
}  // namespace sekisho::relay
