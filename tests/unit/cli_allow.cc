// `sekisho allow` as a person and a program use it.
#include "cli/allow.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/append_lines.h"
#include "support/command_run.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;

class Allow : public testing::Test {
 protected:
  Allow() {
    write("zone", R"(
a.example.           TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.bank.example. TXT  "v=DMARC1; p=reject"
)");
    write("conf",
          "[allowlist]\nfiles = [\"allow\"]\n[denylist]\nfiles = [\"deny\"]\n[dns]\nzone_file = "
          "\"zone\"\n[log]\ntarget = \"file:" +
              path("log") + "\"\n");
    write("log", "");
    write("allow",
          "# partners\nfrom:a.example skip=dnsbl note=\"billing\"\n\n"
          "dkim:old.example dmarc=accept until=2020-01-31\n");
    write("deny", "ip:203.0.113.0/24 action=quarantine\n");
    write("message", "From: ann@bank.example\r\nSubject: x\r\n\r\nHello\r\n");
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const { return test::read_file(path(name)); }
  test::Ended run(std::vector<std::string> words) const {
    words.insert(words.begin(), "allow");
    words.insert(words.end(), {"--config", path("conf")});
    return test::run_command(folder_, std::move(words));
  }

  test::TemporaryFolder folder_;
};

TEST_F(Allow, ListIsATable) {
  const auto ended = run({"list"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out,
            "allowlist: 2 entries\n"
            "ENTRY                              PROOF      ALLOWS                  UNTIL\n"
            "from:a.example                     dmarc      skip=dnsbl              -\n"
            "    billing\n"
            "dkim:old.example                   dkim       dmarc=accept            2020-01-31\n"
            "    expired, does nothing\n"
            "denylist: 1 entry\n"
            "ENTRY                              PROOF      ACTION                  UNTIL\n"
            "ip:203.0.113.0/24                  -          quarantine              -\n");
  EXPECT_NE(ended.err.find("allow:4: warning: dkim:old.example has expired"), std::string::npos);
}

TEST_F(Allow, ListFitsIntoEightyColumns) {
  write("allow",
        "ip:2001:db8:1111:2222:3333:4444:5555:6666 skip=all,author until=2030-12-31\n"
        "mfrom:" +
            std::string(64, 'l') + "@" + std::string(60, 'd') + "." + std::string(60, 'd') +
            ".example skip=all note=\"" + std::string(66, 'n') + " \xe9\x96\xa2\xe6\x89\x80 " +
            std::string(100, 'n') + "\"\n");
  ::setenv("COLUMNS", "80", 1);
  const auto ended = run({"list"});
  ::unsetenv("COLUMNS");
  std::size_t longest = 0;
  for (std::size_t at = 0; at < ended.out.size();) {
    const auto end = ended.out.find('\n', at);
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  EXPECT_LE(longest, 80U) << ended.out;
  EXPECT_NE(ended.out.find("2030-12-31"), std::string::npos);
}

TEST_F(Allow, ListAsJson) {
  write("allow", "from:a.example skip=dnsbl\nnonsense\n");
  const auto ended = run({"list", "--json"});
  const auto object = json::parse(ended.out);
  EXPECT_EQ(object["allowlist"][0]["entry"], "from:a.example");
  EXPECT_EQ(object["allowlist"][0]["proof"], "dmarc");
  EXPECT_EQ(object["denylist"][0]["action"], "quarantine");
  EXPECT_EQ(object["findings"][0]["line"], 2);
}

TEST_F(Allow, AddKeepsWhatIsThere) {
  ASSERT_EQ(::chmod(path("allow").c_str(), 0640), 0);
  const std::string before = read("allow");
  const auto ended = run({"add", "dkim:lists.freebsd.org", "dmarc=accept", "--note",
                          "list \"breaks\" it", "--until", "2030-01-31"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(read("allow"), before +
                               "dkim:lists.freebsd.org dmarc=accept until=2030-01-31 "
                               "note=\"list \\\"breaks\\\" it\"\n");
  struct stat status {};
  ASSERT_EQ(::stat(path("allow").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);
  // Nothing is left beside it.
  for (const auto& each : std::filesystem::directory_iterator(folder_.file(""))) {
    EXPECT_EQ(each.path().filename().string().find("allow."), std::string::npos) << each.path();
  }
}

TEST_F(Allow, AddSeveralAndMendTheLastLine) {
  write("allow", "from:a.example skip=dnsbl");
  const auto ended = run({"add", "ip:192.0.2.1", "skip=dnsbl", "from:b.example skip=rhsbl"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(read("allow"),
            "from:a.example skip=dnsbl\nip:192.0.2.1 skip=dnsbl\nfrom:b.example skip=rhsbl\n");
}

TEST_F(Allow, AddToTheDenylistAndToAFileOfItsOwn) {
  EXPECT_EQ(run({"add", "--deny", "helo:ylmf-pc"}).code, 0);
  EXPECT_EQ(read("deny"), "ip:203.0.113.0/24 action=quarantine\nhelo:ylmf-pc\n");
  const auto ended = run({"add", "ip:192.0.2.1", "skip=dnsbl", "--file", path("other")});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(read("other"), "ip:192.0.2.1 skip=dnsbl\n");
  EXPECT_NE(ended.err.find("not among the files of the configuration"), std::string::npos);
}

TEST_F(Allow, AddThroughASymbolicLink) {
  std::filesystem::rename(path("allow"), path("real"));
  std::filesystem::create_symlink(path("real"), path("allow"));
  EXPECT_EQ(run({"add", "ip:192.0.2.1", "skip=dnsbl"}).code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(path("allow")));
  EXPECT_NE(read("real").find("ip:192.0.2.1"), std::string::npos);
}

TEST_F(Allow, AddRefuses) {
  struct Refused {
    std::vector<std::string> words;
    int code;
    const char* says;
  };
  const Refused cases[] = {
      {{"add", "from:A.example.", "skip=rhsbl"}, data_error, "stands in"},
      {{"add", "ip:192.0.2.1", "skip=all", "ip:192.0.2.1", "skip=dnsbl"},
       data_error,
       "stands in this command line"},
      {{"add", "from:b.example"}, data_error, "the entry allows nothing"},
      {{"add", "b.example", "skip=dnsbl"}, data_error, "an entry begins with"},
      {{"add", "from:b.example", "skip=author"}, data_error, "only an ip: entry"},
      {{"add", "from:b.example", "skip=dnsbl", "--until", "2020-01-01"},
       data_error,
       "is over already"},
      {{"add", "from:b.example", "skip=dnsbl", "note=a\nfrom:c.example skip=all"},
       data_error,
       "a control character"},
      {{"add"}, usage, ""},
      {{"add", "from:b.example", "skip=dnsbl", "--file", path("none/allow")},
       cannot_create,
       "cannot be opened"},
      {{"add", "from:b.example", "skip=dnsbl", "--file", folder_.file("")}, cannot_create, ""},
  };
  const std::string before = read("allow");
  for (const auto& refused : cases) {
    const auto ended = run(refused.words);
    EXPECT_EQ(ended.code, refused.code) << ended.err;
    EXPECT_NE(ended.err.find(refused.says), std::string::npos) << ended.err;
    EXPECT_EQ(read("allow"), before);
  }
}

// An expired entry is no duplicate, and another proof is another entry; no proof must be written
// out.
TEST_F(Allow, AddWhatOnlyLooksLikeADuplicate) {
  EXPECT_EQ(run({"add", "dkim:old.example", "dmarc=accept"}).code, 0);
  const auto ended = run({"add", "from:a.example", "proof=none", "dmarc=tag"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_NE(ended.err.find("each use is logged"), std::string::npos);
}

// What can never do anything is said wherever the entry is seen.
TEST_F(Allow, ADeadEntryIsTold) {
  const std::string dead =
      "mfrom:c.example: spf= never does anything here, for what spf=pass proves";
  const auto added = run({"add", "mfrom:c.example", "spf=accept"});
  EXPECT_EQ(added.code, 0);
  EXPECT_NE(added.err.find(dead), std::string::npos) << added.err;
  EXPECT_NE(run({"list"}).err.find("allow:5: warning: " + dead), std::string::npos);
  EXPECT_NE(run({"check", "c.example"}).out.find("           but " + dead), std::string::npos);
  EXPECT_EQ(run({"check", "a.example"}).out.find("never"), std::string::npos);
  EXPECT_EQ(run({"add", "ip:203.0.113.7", "skip=all"}).code, 0);
  EXPECT_NE(run({"list"}).err.find("allow:6: warning: ip:203.0.113.7 never does anything: the "
                                   "denylist comes first, and has ip:203.0.113.0/24"),
            std::string::npos);
}

TEST_F(Allow, AppendGivesWayToAnEditor) {
  const auto done = append_lines(path("allow"), [&](const std::string&) {
    write("allow", "# an editor was here\n");
    return std::vector<std::string>{"ip:192.0.2.1 skip=all"};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, temporary);
  EXPECT_EQ(read("allow"), "# an editor was here\n");
}

TEST_F(Allow, CheckOfAnIdentity) {
  EXPECT_EQ(run({"check", "Bob@a.example"}).out, "allowlist  from:a.example  (" + path("allow") +
                                                     ":2)\n" +
                                                     "           when dmarc=pass: skip=dnsbl\n");
  EXPECT_EQ(run({"check", "203.0.113.7"}).out, "denylist   ip:203.0.113.0/24  (" + path("deny") +
                                                   ":1)\n           always: quarantine\n");
  EXPECT_NE(run({"check", "old.example"}).out.find("never: it has expired"), std::string::npos);
  EXPECT_EQ(run({"check", "b.example"}).out, "no entry names b.example\n");
  EXPECT_EQ(run({"check", "no such file"}).code, no_input);
  EXPECT_EQ(run({"check", path("message")}).code, usage);
}

TEST_F(Allow, CheckOfAMessage) {
  write("allow", "from:bank.example proof=dkim dmarc=accept\n");
  const std::vector<std::string> words = {"check",  path("message"), "--ip",        "192.0.2.10",
                                          "--helo", "mx.a.example",  "--mail-from", "x@a.example"};
  const auto ended = run(words);
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out,
            "allowlist  from:bank.example  unproven  (no dkim=pass for the author)\n"
            "           does nothing  (" +
                path("allow") +
                ":1)\n"
                "verdict    quarantine  rule=dmarc  (p=reject, not corroborated)\n"
                "entry      from:bank.example proof=spf:a.example dmarc=accept\n"
                "           would let it through, proven by spf=pass for the MAIL FROM "
                "domain a.example\n"
                "           but it lets through whoever may send as a.example and writes "
                "bank.example into From: for a provider that lets its customers write any name, "
                "all of them\n");
  EXPECT_EQ(run({"add", "mfrom:x@a.example dmarc=accept"}).code, 0);
  const auto again = run(words);
  EXPECT_NE(again.out.find("mfrom:x@a.example  proven  (spf=pass)"), std::string::npos)
      << again.out;
  EXPECT_NE(again.out.find("but mfrom:x@a.example dmarc=accept lets through whoever may send"),
            std::string::npos)
      << again.out;
  EXPECT_NE(again.out.find("verdict    accept  rule=allowlist"), std::string::npos) << again.out;
  auto as_json = words;
  as_json.emplace_back("--json");
  EXPECT_EQ(json::parse(run(as_json).out)["allowlist"].size(), 2U);
}

// Entries that were made when a message was let through for who had sent it.
TEST_F(Allow, AnEntryThatLetsOthersInIsTold) {
  write("allow",
        "dkim:lists.example skip=rhsbl\nfrom:parcel.example proof=dkim:mailer.example "
        "dmarc=accept\ndkim:mailer.example dmarc=accept\nmfrom:mailer.example "
        "dmarc=tag\ndkim:old.example dmarc=accept until=2020-01-31\nmfrom:b.example "
        "dmarc=quarantine\nptr:mx.mailer.example dmarc=accept\n");
  const std::string wide =
      "dkim:mailer.example dmarc=accept lets through whoever has its signature, under any name in "
      "From: (of a provider of bulk mail, every customer); unless it is a list that many write "
      "to, name the author too: from:AUTHOR proof=dkim:SIGNER dmarc=accept";
  const auto listed = run({"list"});
  EXPECT_NE(listed.err.find("allow:3: warning: " + wide +
                            " (so do 2 entries more: sekisho allow list)\n"),
            std::string::npos)
      << listed.err;
  EXPECT_EQ(listed.err.find("dkim:old.example dmarc=accept lets"), std::string::npos);
  const auto checked = run({"check", "mailer.example"}).out;
  EXPECT_NE(checked.find("           but " + wide), std::string::npos) << checked;
  EXPECT_NE(checked.find("           but mfrom:mailer.example dmarc=tag lets through whoever may "
                         "send with that MAIL FROM"),
            std::string::npos)
      << checked;
  const auto narrow = run({"check", "parcel.example"}).out;
  EXPECT_EQ(narrow, "allowlist  from:parcel.example  (" + path("allow") +
                        ":2)\n           when a signature with d=mailer.example passes: "
                        "dmarc=accept\n");
  EXPECT_NE(run({"add", "dkim:other.example", "dmarc=accept"}).err.find("lets through whoever"),
            std::string::npos);
}

TEST_F(Allow, TheTableIsWholeForAProgram) {
  const std::string name = std::string(60, 'd') + "." + std::string(60, 'e') + ".example";
  write("allow", "from:" + name + " proof=dkim:mailer.example dmarc=accept note=\"" +
                     std::string(90, 'n') + " x\"\n");
  const auto listed = run({"list"}).out;
  EXPECT_NE(listed.find("\nfrom:" + name + " proof=dkim:mailer.example dkim       dmarc=accept"),
            std::string::npos)
      << listed;
  EXPECT_NE(listed.find("\n    " + std::string(90, 'n') + " x\n"), std::string::npos) << listed;
  const auto object = json::parse(run({"list", "--json"}).out);
  EXPECT_EQ(object["allowlist"][0]["proof"], "dkim:mailer.example");
}

// A word that is no command is told with those that there are.
TEST_F(Allow, AWordThatIsNoCommandIsTold) {
  const auto removed = run({"remove", "dkim:a.example"});
  EXPECT_EQ(removed.code, usage);
  EXPECT_NE(removed.err.find("there is no command allow remove; allow has list, check, add"),
            std::string::npos)
      << removed.err;
  EXPECT_NE(removed.err.find("edit its line"), std::string::npos);
  EXPECT_NE(run({"chekc", "x"}).err.find("did you mean check?"), std::string::npos);
  const auto half = test::run_command(folder_, {"quarantine"});
  EXPECT_EQ(half.code, usage);
  EXPECT_NE(half.err.find("quarantine needs one of list, show, "), std::string::npos) << half.err;
  EXPECT_NE(test::run_command(folder_, {"quarantin", "list"}).err.find("did you mean quarantine?"),
            std::string::npos);
  EXPECT_EQ(test::run_command(folder_, {"allow", "--help"}).code, ok);
  EXPECT_EQ(test::run_command(folder_, {}).code, usage);
}

TEST_F(Allow, ConfigCheckTellsOfTheLists) {
  write("allow", "nonsense\ndkim:a.example skip=dnsbl\n");
  write("conf", read("conf") + "[[milter]]\nsocket = \"unix:" + path("sock") +
                    "\"\n[process]\nuser = \"root\"\n[control]\nsocket = \"" + path("control") +
                    "\"\n");
  const auto ended = test::run_command(folder_, {"config", "check", "--config", path("conf")});
  EXPECT_EQ(ended.code, 0);
  EXPECT_NE(ended.err.find("allow:1: warning: an entry begins with"), std::string::npos)
      << ended.err;
  EXPECT_NE(ended.err.find("from RCPT to the end of DATA"), std::string::npos) << ended.err;
}

}  // namespace

}  // namespace sekisho::cli
