// The users' file, passwords, and logins that are checked on threads of their own.
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accounts/file_authenticator.h"
#include "accounts/make_authenticator.h"
#include "accounts/password.h"
#include "accounts/password_checks.h"
#include "accounts/user_file.h"
#include "base/encoding.h"
#include "support/temporary_folder.h"

namespace sekisho::accounts {

namespace {

using Code = LoginAnswer::Code;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// All for "secret": made by mkpasswd -m sha-512, and by doveadm pw.
constexpr const char* sha512 =
    "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5"
    "hVO1";
constexpr const char* dovecot_bcrypt =
    "{BLF-CRYPT}$2y$05$7rKZr.axklXJcjizlN.nK.QOCrDBir61RocDfwhsv39Kmm0RhiVoO";
constexpr const char* dovecot_scram =
    "{SCRAM-SHA-256}4096,n59q55Zse5v8cROEuzjgOw==,E5CQ6JoZNk25SrNOmGyLCJHLZqbaxqPQc33nxO9e/po=,"
    "8MLcMXvZkGdXlfpIH7vHCiqxZmvKRPIee4Va5VNhVOY=";

TEST(AccountsPassword, AHashFitsItsPasswordAlone) {
  const auto hash = hash_password("secret");
  ASSERT_TRUE(hash);
  EXPECT_TRUE(hash->starts_with("$y$"));
  EXPECT_TRUE(is_hash(*hash));
  EXPECT_TRUE(fits_hash("secret", *hash));
  for (const auto* wrong : {"Secret", "secret ", "secre", "", "*0", "*1"})
    EXPECT_FALSE(fits_hash(wrong, *hash)) << wrong;
  EXPECT_NE(*hash, *hash_password("secret"));
}

TEST(AccountsPassword, WhatIsNoPasswordIsNeverHashed) {
  EXPECT_FALSE(hash_password(""));
  EXPECT_FALSE(hash_password(std::string("a\0b", 3)));
  EXPECT_FALSE(hash_password(std::string(max_password, 'a')));
  EXPECT_TRUE(hash_password(std::string(max_password - 1, 'a')));
  // crypt(3) would read only what is before it.
  const auto hash = hash_password("a");
  EXPECT_FALSE(fits_hash(std::string("a\0b", 3), *hash));
}

TEST(AccountsPassword, AFailureOfCryptIsNoHash) {
  for (const auto* bad : {"", "*", "*0", "*1", "x", "!", "$6$", "$6$salt", "$y$j9T$",
                          "$unknown$a$b", "correcthorsebatterystaple"}) {
    EXPECT_FALSE(is_hash(bad)) << bad;
    EXPECT_FALSE(fits_hash("secret", bad)) << bad;
    EXPECT_FALSE(fits_hash("*0", bad)) << bad;
  }
}

TEST(AccountsPassword, ScramKeysAreThoseOfTheRfc) {
  // RFC 7677 §3: user "user", password "pencil".
  const auto salt = base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
  const auto keys = scram_keys_of("pencil", *salt, 4096);
  EXPECT_EQ(to_text(keys),
            "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,"
            "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
            "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
  const auto again = parse_scram_keys(to_text(keys));
  ASSERT_TRUE(again);
  EXPECT_TRUE(fits_keys("pencil", *again));
  EXPECT_FALSE(fits_keys("pencils", *again));
}

TEST(AccountsPassword, MalformedScramKeysAreNone) {
  const std::string good = to_text(scram_keys_of("pencil", "salt", 4096));
  EXPECT_TRUE(parse_scram_keys(good));
  for (std::size_t size = 0; size + 1 < good.size(); ++size)
    EXPECT_FALSE(parse_scram_keys(good.substr(0, size))) << size;
  EXPECT_FALSE(parse_scram_keys(good + ",more"));
  EXPECT_FALSE(parse_scram_keys("{SCRAM-SHA-256}0" + good.substr(19)));
  EXPECT_FALSE(parse_scram_keys("{SCRAM-SHA-256}9999999" + good.substr(19)));
  EXPECT_FALSE(parse_scram_keys("{SCRAM-SHA-256}-1" + good.substr(19)));
}

TEST(AccountsUserFile, ALineHasWhatVerifiesThePassword) {
  const std::string keys = to_text(scram_keys_of("secret", "salt", 4096));
  const std::string hash = *hash_password("secret");
  const auto file =
      UserFile::parse("# logins\n\nalice@example.jp:" + hash + "\n bob : " + hash + ":" + keys +
                          " \r\ncarol:" + keys + "\ndora:" + dovecot_bcrypt + "::\neve:" + sha512 +
                          "\nfred:" + dovecot_scram,
                      "users");
  EXPECT_THAT(file.findings(), IsEmpty());
  EXPECT_EQ(file.size(), 6U);
  EXPECT_FALSE(file.all_have_scram());
  for (const auto* login :
       {"alice@example.jp", "Alice@Example.JP", "bob", "carol", "dora", "eve", "fred"}) {
    EXPECT_TRUE(file.verify(login, "secret")) << login;
    EXPECT_FALSE(file.verify(login, "wrong")) << login;
  }
  EXPECT_FALSE(file.verify("mallory", "secret"));
  EXPECT_FALSE(file.verify("", ""));
  EXPECT_EQ(file.find("BOB")->login, "bob");
  EXPECT_TRUE(UserFile::parse("carol:" + keys + "\n", "users").all_have_scram());
}

TEST(AccountsUserFile, BadLinesAreNamedAndTheOthersCount) {
  const std::string hash = *hash_password("secret");
  const auto file =
      UserFile::parse("alice\nbob:\ncarol:plain\n:" + hash + "\ndora x:" + hash +
                          "\neve:{ARGON2ID}$argon2id$v=19\nfred:" + hash + ":" + hash +
                          "\ngina:" + hash + "\nGINA:" + hash + "\nhans:{SCRAM-SHA-256}4096,a\n",
                      "/etc/users");
  EXPECT_THAT(file.findings(),
              ElementsAre(HasSubstr("/etc/users:1: a line is LOGIN:HASH"),
                          HasSubstr("/etc/users:2: bob: no hash"),
                          AllOf(HasSubstr("/etc/users:3: carol"), HasSubstr("sekisho user passwd")),
                          HasSubstr("/etc/users:4:"), HasSubstr("/etc/users:5:"),
                          HasSubstr("/etc/users:6: eve: only hashes of crypt(5)"),
                          HasSubstr("/etc/users:7: fred: two hashes"),
                          HasSubstr("/etc/users:9: gina stands in an earlier line"),
                          HasSubstr("/etc/users:10: hans: {SCRAM-SHA-256} is followed by")));
  EXPECT_EQ(file.size(), 1U);
  EXPECT_TRUE(file.verify("gina", "secret"));
  // A secret must not come into the log by a finding.
  for (const auto& finding : file.findings()) EXPECT_EQ(finding.find("plain"), std::string::npos);
}

TEST(AccountsUserFile, ASchemeWithoutAHashIsAMistakeOfItsLine) {
  const auto file = UserFile::parse("alice:{BLF-CRYPT}\n", "users");
  EXPECT_EQ(file.size(), 0U);
  EXPECT_THAT(file.findings(), ElementsAre(HasSubstr("users:1: alice: no hash of crypt(5)")));
}

TEST(AccountsUserFile, AFullFileOfMistakesIsToldInFewLines) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "nonsense\n";
  EXPECT_THAT(UserFile::parse(text, "users").findings(), SizeIs(20));
}

class FileAuthenticatorTest : public testing::Test {
 protected:
  void write(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path_) << text;
    ::chmod(path_.c_str(), mode);
  }
  static LoginAnswer ask(Authenticator& source, const std::string& login,
                         const std::string& password) {
    std::promise<LoginAnswer> answer;
    source.check({login, password, {}, "PLAIN"},
                 [&](LoginAnswer said) { answer.set_value(std::move(said)); });
    return answer.get_future().get();
  }
  const test::TemporaryFolder folder_;
  const std::string path_ = folder_.file("users");
};

TEST_F(FileAuthenticatorTest, AnswersAsTheFileSays) {
  write("alice@example.jp:" + *hash_password("secret") + "\n");
  FileAuthenticator source(path_);
  const auto right = ask(source, "ALICE@example.jp", "secret");
  EXPECT_EQ(right.code, Code::accepted);
  EXPECT_EQ(right.login, "alice@example.jp");
  EXPECT_EQ(ask(source, "alice@example.jp", "Secret").code, Code::wrong);
  EXPECT_EQ(ask(source, "bob@example.jp", "secret").code, Code::wrong);
  EXPECT_FALSE(source.has_scram());
}

TEST_F(FileAuthenticatorTest, AFileThatWasNeverReadIsNoWrongPassword) {
  FileAuthenticator source(path_);
  const auto answer = ask(source, "alice", "secret");
  EXPECT_EQ(answer.code, Code::unavailable);
  EXPECT_THAT(answer.reason, HasSubstr(path_));
  EXPECT_THAT(source.findings(), ElementsAre(HasSubstr("No such file")));
  write("alice:" + *hash_password("secret") + "\n");
  EXPECT_TRUE(source.look());
  EXPECT_FALSE(source.look());
  EXPECT_EQ(ask(source, "alice", "secret").code, Code::accepted);
  std::filesystem::remove(path_);
  EXPECT_TRUE(source.look());
  EXPECT_EQ(ask(source, "alice", "secret").code, Code::accepted);
  EXPECT_THAT(source.findings(), SizeIs(1));
}

TEST_F(FileAuthenticatorTest, AFileThatEverybodyCanReadIsNotTaken) {
  write("alice:" + *hash_password("secret") + "\n", 0644);
  FileAuthenticator source(path_);
  EXPECT_EQ(ask(source, "alice", "secret").code, Code::unavailable);
  EXPECT_THAT(source.findings(), ElementsAre(AllOf(HasSubstr("chmod o="), HasSubstr(path_))));
  ::chmod(path_.c_str(), 0640);
  EXPECT_TRUE(source.look());
  EXPECT_EQ(ask(source, "alice", "secret").code, Code::accepted);
}

TEST_F(FileAuthenticatorTest, ScramIsOfferedWhereEveryLoginHasIt) {
  const std::string keys = to_text(scram_keys_of("secret", "salt", 4096));
  write("alice:" + keys + "\n");
  FileAuthenticator source(path_);
  EXPECT_TRUE(source.has_scram());
  EXPECT_EQ(source.scram_keys("Alice")->salt, "salt");
  EXPECT_FALSE(source.scram_keys("bob"));
  write("alice:" + keys + "\nbob:" + *hash_password("x") + "\n");
  source.look();
  EXPECT_FALSE(source.has_scram());
}

TEST_F(FileAuthenticatorTest, SourcesAreMadeByTheirNames) {
  EXPECT_EQ(*make_authenticator({}), nullptr);
  EXPECT_TRUE(*make_authenticator({.source = "file:" + path_, .senders = {}}));
  EXPECT_TRUE(*make_authenticator({.source = "dovecot:" + path_, .senders = {}}));
  EXPECT_TRUE(*make_authenticator({.source = "saslauthd:" + path_, .senders = {}}));
  EXPECT_THAT(make_authenticator({.source = "ldap:/x", .senders = {}}).error(), HasSubstr("ldap"));
  EXPECT_FALSE(make_authenticator({.source = "file:relative", .senders = {}}));
}

// Holds tasks until it is opened.
class Gate {
 public:
  void pass() { open_.get_future().wait(); }
  void open() { open_.set_value(); }

 private:
  std::promise<void> open_;
};

TEST(AccountsPasswordChecks, NoMoreThanItsThreadsRunAtOnce) {
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> done{0};
  std::promise<void> all;
  {
    PasswordChecks checks(2);
    for (int i = 0; i < 100; ++i) {
      checks.post([&](bool run) {
        EXPECT_TRUE(run);
        const int now = ++running;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::yield();
        --running;
        if (++done == 100) all.set_value();
      });
    }
    all.get_future().wait();
  }
  EXPECT_LE(most, 2);
  EXPECT_GE(PasswordChecks::usual_threads(), 1U);
}

TEST(AccountsPasswordChecks, WhatWaitsTooLongOrAtTheEndIsTold) {
  Gate gate;
  std::atomic<int> called{0};
  std::atomic<int> not_run{0};
  std::promise<void> begun;
  std::thread opener;
  {
    PasswordChecks checks(1, 2);
    checks.post([&](bool) {
      begun.set_value();
      gate.pass();
    });
    begun.get_future().wait();
    const auto count = [&](bool run) {
      not_run += run ? 0 : 1;
      ++called;
    };
    checks.post(count);
    checks.post(count);
    EXPECT_EQ(called, 0);
    checks.post(count);  // one too many
    EXPECT_EQ(called, 1);
    EXPECT_EQ(not_run, 1);
    opener = std::thread([&] { gate.open(); });
  }
  opener.join();
  EXPECT_EQ(called, 3);
}

}  // namespace

}  // namespace sekisho::accounts
