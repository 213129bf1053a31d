// Who exists, and where mail for a name goes, as the files say it, and while they change.
#include "accounts/live_directory.h"

#include <sys/stat.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accounts/password.h"
#include "support/temporary_folder.h"

namespace sekisho::accounts {

namespace {

using relay::Recipients;
using relay::Route;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class DirectoryTest : public testing::Test {
 protected:
  DirectoryTest() {
    write("users", "alice@example.jp:$6$x$" + std::string(86, 'a') + "\nbob:$6$x$" +
                       std::string(86, 'a') + "\n");
    ::chmod(path("users").c_str(), 0600);
    write("aliases", "");
    write("list", "carol@list.example\n");
    options_.users.source = "file:" + path("users");
    options_.aliases.files = {path("aliases")};
    options_.aliases.srs_secret_file = path("srs");
    options_.origin = "example.jp";
    map_.hostname = "mx.example.jp";
    map_.own_names = {"mx.example.jp", "localhost"};
    map_.identity_domains = {"example.jp"};
    map_.routes = {route("example.jp", {.kind = Recipients::Kind::users, .path = {}}),
                   route("any.example", {.kind = Recipients::Kind::any, .path = {}}),
                   route("ask.example", {.kind = Recipients::Kind::ask, .path = {}}),
                   route("list.example", {.kind = Recipients::Kind::file, .path = path("list")})};
    Route out;
    out.domain = {"*"};
    map_.routes.push_back(out);
  }
  static Route route(const std::string& domain, const Recipients& recipients) {
    Route made;
    made.domain = {domain};
    made.recipients = recipients;
    return made;
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }
  // Reads all files.
  LiveDirectory& live() {
    if (live_) return *live_;
    options_.routes = std::make_shared<relay::Map>(map_);
    live_ = std::make_unique<LiveDirectory>(options_);
    return *live_;
  }
  Existence exists(const std::string& address) {
    const mail::Path recipient(address);
    const auto directory = live().now();
    return directory->exists(recipient, options_.routes->find(recipient.domain()));
  }
  // The final recipients of one address after this file of aliases.
  std::vector<std::string> expanded(const std::string& address) {
    std::vector<std::string> out;
    const auto expansion = live().now()->expand("s@x.example", address);
    if (!expansion.fault.empty()) return {"fault: " + expansion.fault};
    for (const auto& each : expansion.recipients) out.push_back(each.path.raw());
    return out;
  }
  void aliases(const std::string& text) {
    write("aliases", text);
    live().look();
  }

  const test::TemporaryFolder folder_;
  relay::MapOptions map_;
  DirectoryOptions options_;
  std::unique_ptr<LiveDirectory> live_;
};

TEST_F(DirectoryTest, WhoExistsIsSaidByTheRoute) {
  live();
  EXPECT_EQ(exists("alice@example.jp"), Existence::exists);
  EXPECT_EQ(exists("Alice+x@Example.jp"), Existence::exists);
  EXPECT_EQ(exists("bob@example.jp"), Existence::exists);
  EXPECT_EQ(exists("carol@example.jp"), Existence::missing);
  EXPECT_EQ(exists("carol@list.example"), Existence::exists);
  EXPECT_EQ(exists("alice@list.example"), Existence::missing);
  EXPECT_EQ(exists("x@any.example"), Existence::exists);
  EXPECT_EQ(exists("x@ask.example"), Existence::ask);
  EXPECT_EQ(exists("x@elsewhere.example"), Existence::exists);
  EXPECT_EQ(exists("postmaster@example.jp"), Existence::exists);
  EXPECT_EQ(exists("Postmaster@list.example"), Existence::exists);
  EXPECT_EQ(exists("postmaster"), Existence::exists);
}

TEST_F(DirectoryTest, AListThatCannotBeReadIsUnknown) {
  std::filesystem::remove(path("list"));
  live();
  EXPECT_EQ(exists("carol@list.example"), Existence::unknown);
  EXPECT_THAT(live().findings(), ElementsAre(HasSubstr("list: No such file")));
  write("list", "carol@list.example\n");
  EXPECT_TRUE(live().look());
  EXPECT_EQ(exists("carol@list.example"), Existence::exists);
  EXPECT_EQ(exists("dora@list.example"), Existence::missing);
  std::filesystem::remove(path("list"));
  EXPECT_TRUE(live().look());
  EXPECT_EQ(exists("dora@list.example"), Existence::unknown);
  std::filesystem::remove(path("users"));
  EXPECT_TRUE(live().look());
  EXPECT_EQ(exists("carol@example.jp"), Existence::unknown);
}

TEST_F(DirectoryTest, AliasesExistWhereTheyHold) {
  aliases("info: alice\nsales@list.example: bob\n@any.example: bob\n");
  EXPECT_EQ(exists("info@example.jp"), Existence::exists);
  EXPECT_EQ(exists("info+x@example.jp"), Existence::exists);
  EXPECT_EQ(exists("sales@list.example"), Existence::exists);
  EXPECT_EQ(exists("info@list.example"), Existence::missing);
  EXPECT_EQ(exists("sales@example.jp"), Existence::missing);
}

TEST_F(DirectoryTest, NamesAreFollowedToTheirEnd) {
  aliases("root: admin\nadmin: alice, bob@example.jp, out@other.example\n");
  EXPECT_THAT(expanded("root@mx.example.jp"),
              ElementsAre("alice@example.jp", "bob@example.jp", "out@other.example"));
  EXPECT_THAT(expanded("ROOT+x@localhost"), testing::SizeIs(3));
  EXPECT_THAT(expanded("root@other.example"), ElementsAre("root@other.example"));
  EXPECT_THAT(expanded("Alice+List@Example.jp"), ElementsAre("Alice+List@Example.jp"));
  EXPECT_THAT(expanded("postmaster"), ElementsAre("postmaster"));
  aliases("postmaster: alice\n");
  EXPECT_THAT(expanded("postmaster"), ElementsAre("alice@example.jp"));
}

TEST_F(DirectoryTest, TheDomainsOfBareNamesCanBeNamed) {
  options_.aliases.domains = {"Bare.example"};
  write("aliases", "root: alice\n");
  live();
  EXPECT_THAT(expanded("root@bare.example"), ElementsAre("alice@example.jp"));
  EXPECT_THAT(expanded("root@example.jp"), ElementsAre("root@example.jp"));
}

TEST_F(DirectoryTest, ACatchAllComesLast) {
  aliases("@example.jp: bob\n@list.example: bob\ninfo@list.example: alice\n");
  EXPECT_THAT(expanded("nobody@example.jp"), ElementsAre("bob@example.jp"));
  EXPECT_THAT(expanded("alice@example.jp"), ElementsAre("alice@example.jp"));
  EXPECT_THAT(expanded("carol@list.example"), ElementsAre("carol@list.example"));
  EXPECT_THAT(expanded("info@list.example"), ElementsAre("alice@example.jp"));
  EXPECT_THAT(expanded("x@list.example"), ElementsAre("bob@example.jp"));
}

TEST_F(DirectoryTest, ACopyIsNoLoopAndALoopIsAFault) {
  aliases("alice: alice, bob\nx: \\x, bob\na: b\nb: c\nc: a\n");
  EXPECT_THAT(expanded("alice@example.jp"), ElementsAre("alice@example.jp", "bob@example.jp"));
  EXPECT_THAT(expanded("x@example.jp"), ElementsAre("x@example.jp", "bob@example.jp"));
  EXPECT_THAT(expanded("a@example.jp"), ElementsAre(StartsWith("fault: a: the aliases lead back")));
}

TEST_F(DirectoryTest, ChainsAndListsAreBounded) {
  std::string chain;
  for (int i = 0; i < 30; ++i)
    chain += "n" + std::to_string(i) + ": n" + std::to_string(i + 1) + "\n";
  std::string wide = "all: ";
  for (int list = 0; list < 2; ++list) {
    wide += "l" + std::to_string(list) + ", ";
    chain += "l" + std::to_string(list) + ": ";
    for (int i = 0; i < 600; ++i) chain += "u" + std::to_string(list * 600 + i) + "@other.example,";
    chain += "\n";
  }
  aliases(chain + wide + "\n");
  EXPECT_THAT(expanded("n20@example.jp"), ElementsAre("n30@example.jp"));
  EXPECT_THAT(expanded("n0@example.jp"), ElementsAre(HasSubstr("too many aliases")));
  EXPECT_THAT(expanded("all@example.jp"), ElementsAre(HasSubstr("more than 1000 recipients")));
}

TEST_F(DirectoryTest, AFaultOfANameIsAFaultOfItsMailOnly) {
  aliases("prog: |cat\nlist: bob, prog\nok: bob\n");
  EXPECT_EQ(exists("prog@example.jp"), Existence::exists);
  EXPECT_THAT(expanded("prog@example.jp"), ElementsAre(HasSubstr("program")));
  EXPECT_THAT(expanded("list@example.jp"), ElementsAre(HasSubstr("program")));
  EXPECT_THAT(expanded("ok@example.jp"), ElementsAre("bob@example.jp"));
  EXPECT_THAT(live().findings(), ElementsAre(HasSubstr("aliases:1: prog")));
}

TEST_F(DirectoryTest, EachRecipientGetsOneCopy) {
  aliases("list: bob, BOB@example.jp, both\nboth: alice, bob\n");
  EXPECT_THAT(expanded("list@example.jp"),
              UnorderedElementsAre("bob@example.jp", "alice@example.jp"));
}

TEST_F(DirectoryTest, WhatIsForwardedOutsideLeavesWithASenderOfOurs) {
  aliases("fw: out@other.example, bob, x@any.example\n");
  const auto expansion = live().now()->expand("s@x.example", "fw@example.jp");
  ASSERT_EQ(expansion.recipients.size(), 3U);
  const auto& out = expansion.recipients[0];
  EXPECT_TRUE(out.forwarded);
  ASSERT_TRUE(out.sender);
  EXPECT_THAT(out.sender->raw(), StartsWith("SRS0="));
  EXPECT_EQ(out.sender->domain(), "example.jp");
  EXPECT_EQ(live().now()->reversed(*out.sender), mail::Path("s@x.example"));
  for (const std::size_t i : {1U, 2U}) {
    EXPECT_FALSE(expansion.recipients[i].forwarded);
    EXPECT_FALSE(expansion.recipients[i].sender);
  }
  const auto sender_of = [&](const char* sender) {
    const auto result = live().now()->expand(sender, "fw@example.jp");
    return result.recipients.at(0).sender;
  };
  EXPECT_FALSE(sender_of("alice@example.jp"));
  EXPECT_FALSE(sender_of("x@mx.example.jp"));
  EXPECT_FALSE(sender_of("x@any.example"));
  EXPECT_FALSE(sender_of(""));
  const auto relayed = live().now()->expand("s@x.example", "out@other.example");
  EXPECT_FALSE(relayed.recipients.at(0).forwarded);
  EXPECT_FALSE(relayed.recipients.at(0).sender);
}

TEST_F(DirectoryTest, BouncesOfAListAreForItsOwner) {
  aliases("list: out@other.example, bob\nowner-list: alice\n");
  const auto expansion = live().now()->expand("s@x.example", "list@example.jp");
  for (const auto& each : expansion.recipients)
    EXPECT_EQ(each.sender, mail::Path("owner-list@example.jp"));
  EXPECT_THAT(expanded("owner-list@example.jp"), ElementsAre("alice@example.jp"));
}

TEST_F(DirectoryTest, AddressesThatSomebodyMadeUpAreNotReversed) {
  const auto& now = *live().now();
  EXPECT_FALSE(now.reversed("SRS0=AAAA=AA=x.example=a@example.jp"));
  EXPECT_EQ(now.reversed("alice@example.jp"), mail::Path("alice@example.jp"));
  EXPECT_EQ(now.reversed("SRS0=AAAA=AA=x.example=a@other.example"),
            mail::Path("SRS0=AAAA=AA=x.example=a@other.example"));
}

TEST_F(DirectoryTest, FilesAreFollowedAndAnOldDirectoryStays) {
  write("included", "alice\n");
  aliases("list: :include:" + path("included") + "\n");
  const auto before = live().now();
  EXPECT_FALSE(live().look());
  write("included", "bob\n");
  EXPECT_TRUE(live().look());
  EXPECT_THAT(expanded("list@example.jp"), ElementsAre("bob@example.jp"));
  EXPECT_EQ(before->expand("s@x.example", "list@example.jp").recipients.at(0).path.raw(),
            "alice@example.jp");
  std::filesystem::remove(path("aliases"));
  EXPECT_TRUE(live().look());
  EXPECT_THAT(expanded("list@example.jp"), ElementsAre("bob@example.jp"));
  EXPECT_THAT(live().findings(), ElementsAre(HasSubstr("aliases: No such file")));
}

TEST_F(DirectoryTest, AliasesThatWereNeverReadMakeMailWait) {
  std::filesystem::remove(path("aliases"));
  std::filesystem::create_directory(path("aliases"));
  live();
  EXPECT_EQ(exists("root@mx.example.jp"), Existence::unknown);
  EXPECT_THAT(expanded("root@mx.example.jp"), ElementsAre(StartsWith("fault: ")));
  EXPECT_THAT(expanded("x@any.example"), ElementsAre("x@any.example"));
}

TEST_F(DirectoryTest, AReloadTakesTheNewOptions) {
  write("senders", "bob: sales@example.jp\n");
  live();
  EXPECT_FALSE(live().now()->may_send_as("bob", "sales@example.jp"));
  options_.users.senders = "file:" + path("senders");
  live().configure(options_);
  EXPECT_TRUE(live().now()->may_send_as("bob", "sales@example.jp"));
  EXPECT_TRUE(live().now()->may_send_as("bob", "bob@example.jp"));
  EXPECT_THAT(live().findings(), IsEmpty());
}

}  // namespace

}  // namespace sekisho::accounts
