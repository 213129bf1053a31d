// Files of aliases as admins write them, and what is wrong with some; as whom a login may send; and
// lists of recipients.
#include "accounts/aliases.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accounts/recipients_file.h"
#include "accounts/senders.h"

namespace sekisho::accounts {

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class AliasesTest : public testing::Test {
 protected:
  Aliases parse(const std::string& text) {
    Aliases aliases;
    aliases.add(text, "aliases",
                [this](const std::string& path) -> Expected<std::string, FileError> {
                  ++reads_;
                  const auto found = files_.find(path);
                  if (found != files_.end()) return found->second;
                  return tl::unexpected(FileError{FileError::Code::absent, "No such file"});
                });
    return aliases;
  }
  std::vector<std::string> targets(const std::string& text, const std::string& name) {
    const auto aliases = parse(text);
    EXPECT_THAT(aliases.findings(), IsEmpty()) << text;
    const auto* found = aliases.find(name);
    return found == nullptr ? std::vector<std::string>{"nothing"} : found->targets;
  }
  std::string fault(const std::string& text, const std::string& name) {
    const auto aliases = parse(text);
    const auto* found = aliases.find(name);
    return found == nullptr ? "no such name" : found->fault;
  }
  std::map<std::string, std::string> files_;
  int reads_ = 0;
};

TEST_F(AliasesTest, AnEmptyAddressIsAFault) {
  for (const char* target : {"Nobody <>", "bob, \"\""}) {
    const auto aliases = parse(std::string("team: ") + target + "\n");
    EXPECT_THAT(aliases.findings(), ElementsAre(HasSubstr("aliases:1: team: an address is empty")));
    ASSERT_NE(aliases.find("team"), nullptr);
    EXPECT_THAT(aliases.find("team")->targets, IsEmpty());
  }
}

TEST_F(AliasesTest, LinesAreReadAsSendmailAndPostfixReadThem) {
  EXPECT_THAT(targets("root: admin@x.example\n", "ROOT"), ElementsAre("admin@x.example"));
  EXPECT_THAT(targets("Root :a , b,, c@x.example ,\n", "root"),
              ElementsAre("a", "b", "c@x.example"));
  EXPECT_THAT(targets("# x\n\nlist: a,\n\t# inside\n  b,\n\n \tc\nother: d\n", "list"),
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(targets("list: a,\n b,\n\tc\r\n", "list"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(targets("sales@x.example: a\n", "Sales@X.example"), ElementsAre("a"));
  EXPECT_THAT(targets("@x.example: a\n", "@x.example"), ElementsAre("a"));
  EXPECT_THAT(targets("\"john doe\": \"alice\"\n", "john doe"), ElementsAre("alice"));
  EXPECT_THAT(targets("j: \"John, Doe\"@x.example, b\n", "j"),
              ElementsAre("\"John, Doe\"@x.example", "b"));
  EXPECT_THAT(targets("j: \"Doe, John\" <john@x.example>, <b@x.example>\n", "j"),
              ElementsAre("john@x.example", "b@x.example"));
  EXPECT_THAT(targets("a: \\a, b\n", "a"), ElementsAre("\\a", "b"));
  EXPECT_THAT(targets("a: b", "a"), ElementsAre("b"));
}

TEST_F(AliasesTest, ProgramsAndFilesAreFaultsOfTheirNamesOnly) {
  const auto aliases = parse(
      "vacation: alice, \"|/usr/bin/vacation alice\"\nprog: |cat\nbox: /var/mail/box\n"
      "quoted: \"/var/mail/box\"\nfail: :fail: gone\nblank: Alice Smith\nnothing:\nroot: alice\n");
  for (const auto* name : {"vacation", "prog", "box", "quoted", "fail", "blank", "nothing"}) {
    ASSERT_NE(aliases.find(name), nullptr) << name;
    EXPECT_NE(aliases.find(name)->fault, "") << name;
    EXPECT_THAT(aliases.find(name)->targets, IsEmpty());
  }
  EXPECT_EQ(aliases.find("root")->fault, "");
  EXPECT_THAT(aliases.findings(), SizeIs(7));
  EXPECT_THAT(aliases.findings()[0],
              AllOf(HasSubstr("aliases:1: vacation: "), HasSubstr("is a program")));
}

TEST_F(AliasesTest, LinesThatAreNoneAreNamed) {
  const auto aliases = parse("alice\n: x\n@: x\n  stray\na: b\na: c\n");
  EXPECT_THAT(aliases.findings(),
              ElementsAre(HasSubstr("aliases:1:"), HasSubstr("aliases:2:"), HasSubstr("aliases:3:"),
                          HasSubstr("aliases:6: a stands in an earlier line")));
  EXPECT_THAT(aliases.find("a")->targets, ElementsAre("b"));
  EXPECT_EQ(aliases.size(), 1U);
}

TEST_F(AliasesTest, IncludedFilesAreRead) {
  files_["/l"] = "# members\na@x.example\n\nb, c\n:include:/m\n";
  files_["/m"] = "d\n";
  EXPECT_THAT(targets("list: :include:/l, e\n", "list"),
              ElementsAre("a@x.example", "b", "c", "d", "e"));
  EXPECT_THAT(parse("list: \":include:/l\"\n").included(), ElementsAre("/l", "/m"));
}

TEST_F(AliasesTest, IncludedFilesThatCannotBeReadOrIncludeEachOtherAreFaults) {
  EXPECT_THAT(fault("list: :include:/none\n", "list"), HasSubstr("/none: No such file"));
  EXPECT_THAT(parse("list: :include:/none\n").included(), ElementsAre("/none"));
  files_["/l"] = ":include:/l\n";
  EXPECT_THAT(fault("list: :include:/l\n", "list"), HasSubstr("include each other"));
  files_["/p"] = "a\n|cat\n";
  EXPECT_THAT(fault("list: :include:/p\n", "list"), HasSubstr("program"));
}

TEST_F(AliasesTest, TheWorkForOneNameIsBounded) {
  files_["/wide"] = "";
  for (int i = 0; i < 1000; ++i) files_["/wide"] += ":include:/leaf\n";
  files_["/leaf"] = "";
  EXPECT_THAT(fault("list: :include:/wide\n", "list"), HasSubstr("too many files"));
  EXPECT_LE(reads_, Aliases::most_includes + 1);
  std::string many;
  for (std::size_t i = 0; i <= Aliases::most_targets; ++i) many += "u" + std::to_string(i) + ",";
  EXPECT_THAT(fault("list: " + many + "\n", "list"), HasSubstr("more than 1000 recipients"));
}

Senders senders(const std::string& text = "") {
  Senders made({{"example.jp", "shop.example"}, "+"});
  made.add(text, "senders");
  return made;
}

TEST(AccountsSenders, ALoginIsItsOwnAddress) {
  const auto plain = senders();
  EXPECT_TRUE(plain.may_send_as("alice@example.jp", "alice@example.jp"));
  EXPECT_TRUE(plain.may_send_as("alice@example.jp", "Alice+list@EXAMPLE.jp"));
  EXPECT_TRUE(plain.may_send_as("ALICE@example.jp", "\"alice\"@example.jp"));
  EXPECT_TRUE(plain.may_send_as("alice@example.jp", ""));
  EXPECT_FALSE(plain.may_send_as("alice@example.jp", "bob@example.jp"));
  EXPECT_FALSE(plain.may_send_as("alice@example.jp", "alice@shop.example"));
  EXPECT_FALSE(plain.may_send_as("alice@example.jp", "alice"));
  EXPECT_FALSE(plain.may_send_as("", "alice@example.jp"));
  EXPECT_FALSE(plain.may_send_as("alice+x@example.jp", "alice@example.jp"));
  EXPECT_FALSE(plain.may_send_as("alice@example.jp", "+alice@example.jp"));
}

TEST(AccountsSenders, ALoginWithoutADomainOwnsItsNameAtEachOfOurs) {
  const auto plain = senders();
  EXPECT_TRUE(plain.may_send_as("alice", "alice@example.jp"));
  EXPECT_TRUE(plain.may_send_as("alice", "alice+x@shop.example"));
  EXPECT_FALSE(plain.may_send_as("alice", "alice@other.example"));
  EXPECT_FALSE(plain.may_send_as("alice", "bob@example.jp"));
}

TEST(AccountsSenders, AFileAddsToThat) {
  const auto file = senders(
      "# who\nAlice@example.jp: Sales@example.jp, @Shop.example\nscanner: "
      "*\nbob:carol@example.jp,\n");
  EXPECT_THAT(file.findings(), IsEmpty());
  EXPECT_TRUE(file.may_send_as("alice@example.jp", "sales@example.jp"));
  EXPECT_TRUE(file.may_send_as("alice@example.jp", "x@shop.example"));
  EXPECT_TRUE(file.may_send_as("alice@example.jp", "alice@example.jp"));
  EXPECT_FALSE(file.may_send_as("alice@example.jp", "x@a.shop.example"));
  EXPECT_FALSE(file.may_send_as("alice@example.jp", "x@notshop.example"));
  EXPECT_FALSE(file.may_send_as("alice@example.jp", "boss@example.jp"));
  EXPECT_TRUE(file.may_send_as("scanner", "anybody@other.example"));
  EXPECT_TRUE(file.may_send_as("bob", "carol@example.jp"));
  // An address that can be read in several ways is nobody's.
  EXPECT_FALSE(file.may_send_as("alice@example.jp", "a@evil.example,x@shop.example"));
}

TEST(AccountsSenders, BadLinesAreNamed) {
  EXPECT_THAT(
      senders("alice\nbob: carol, @, a b@x\n: x@y\n").findings(),
      ElementsAre(HasSubstr("senders:1:"), HasSubstr("senders:2: carol"), HasSubstr("senders:2: @"),
                  HasSubstr("senders:2: a b@x"), HasSubstr("senders:3:")));
}

TEST(AccountsRecipientsFile, AddressesDomainsAndExclusions) {
  const auto file = RecipientsFile::parse(
      "# list\nAlice@example.jp OK\n@shop.example\n!spam@shop.example\n!Bob@example.jp\n"
      "bob@example.jp\nx\nu@\n",
      "list");
  EXPECT_THAT(file.findings(), ElementsAre(HasSubstr("list:7:"), HasSubstr("list:8:")));
  const auto has = [&](const char* address) { return file.contains(address, "+"); };
  EXPECT_TRUE(has("alice@example.jp"));
  EXPECT_TRUE(has("ALICE+x@EXAMPLE.jp"));
  EXPECT_TRUE(has("anybody@shop.example"));
  EXPECT_FALSE(has("spam@shop.example"));
  EXPECT_FALSE(has("spam+x@shop.example"));
  EXPECT_FALSE(has("bob@example.jp"));
  EXPECT_FALSE(has("carol@example.jp"));
  EXPECT_FALSE(has("alice@shop.example.evil.example"));
  EXPECT_FALSE(has("alice"));
  EXPECT_FALSE(file.names("anybody@shop.example", "+"));
  EXPECT_TRUE(file.names("alice@example.jp", "+"));
  EXPECT_FALSE(RecipientsFile::parse("alice@example.jp\n", "x").contains("alice+x@example.jp", ""));
}

}  // namespace

}  // namespace sekisho::accounts
