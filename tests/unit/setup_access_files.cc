// The files of the allowlist and the denylist: read at the start, and again when they change in any
// of the ways that editors and accidents know.
#include "setup/access_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/session_gate.h"
#include "support/temporary_folder.h"

namespace sekisho::setup {

namespace {

class Lines final : public LogSink {
 public:
  bool write(LogLevel level, std::string_view line) const override {
    lines_.with([&](auto& lines) {
      lines.push_back(std::string(to_string(level)) + ": " + std::string(line));
    });
    return true;
  }
  // What came since the last call.
  std::vector<std::string> take() const {
    return lines_.with([](auto& lines) { return std::exchange(lines, {}); });
  }

 private:
  mutable Guarded<std::vector<std::string>> lines_;
};

class ListFilesTest : public testing::Test {
 protected:
  ListFilesTest() : sink_(std::make_shared<Lines>()), log_(sink_, LogLevel::info), files_(log_) {
    options_.allowlist = {path("allow")};
    options_.denylist = {};
    write("allow", "from:a.example skip=dnsbl\n");
    auto first = test::snapshot_on_zone("a.example. A 192.0.2.1\n");
    const auto read = read_access_files(options_, first.rules);
    EXPECT_TRUE(read) << read.error();
    current_ = std::make_shared<const session::Snapshot>(std::move(first));
    files_.loaded(current_->rules, now_);
    EXPECT_FALSE(look());
  }

  std::string path(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  void rename_over(const std::string& name, const std::string& text) const {
    write(name + ".new", text);
    std::filesystem::rename(path(name + ".new"), path(name));
  }
  // Whether a new snapshot came of it.
  bool look() {
    bool changed = false;
    const auto before = current_;
    files_.look(options_, *before, now_, [&](auto next) {
      current_ = std::move(next);
      changed = true;
    });
    return changed;
  }
  std::string entries() const {
    std::string text;
    for (const auto& file : current_->rules.allowlist->files()) {
      for (const auto& entry : file->entries) text += entry.identity() + " ";
    }
    return text;
  }

  test::TemporaryFolder folder_;
  std::shared_ptr<Lines> sink_;
  Log log_;
  AccessFiles files_;
  AccessFileOptions options_;
  std::shared_ptr<const session::Snapshot> current_;
  WallTime now_ = wall_now();
};

TEST_F(ListFilesTest, AChangeInPlaceHolds) {
  write("allow", "from:a.example skip=dnsbl\nfrom:b.example skip=dnsbl\n");
  EXPECT_TRUE(look());
  EXPECT_EQ(entries(), "from:a.example from:b.example ");
  EXPECT_EQ(sink_->take(),
            std::vector<std::string>{"info: allowlist: 2 entries (1 added, 0 removed)"});
  EXPECT_FALSE(look());
}

// Who waits for the line may rely on it.
TEST_F(ListFilesTest, AChangeIsToldWhenItHolds) {
  write("allow", "from:b.example skip=dnsbl\n");
  std::vector<std::string> before;
  files_.look(options_, *current_, now_, [&](const auto&) { before = sink_->take(); });
  EXPECT_EQ(before, std::vector<std::string>{});
  EXPECT_EQ(sink_->take().size(), 1U);
}

TEST_F(ListFilesTest, ARenamedFileHolds) {
  rename_over("allow", "from:b.example skip=dnsbl\n");
  EXPECT_TRUE(look());
  EXPECT_EQ(entries(), "from:b.example ");
  EXPECT_EQ(sink_->take(),
            std::vector<std::string>{"info: allowlist: 1 entry (1 added, 1 removed)"});
}

// Same size, same inode, and even the same modification time: as when it is written twice within a
// tick.
TEST_F(ListFilesTest, AChangeWithinTheSameTickHolds) {
  struct stat before {};
  ASSERT_EQ(::stat(path("allow").c_str(), &before), 0);
  write("allow", "from:b.example skip=dnsbl\n");
  const timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path("allow").c_str(), times, 0), 0);
  EXPECT_TRUE(look());
  EXPECT_EQ(entries(), "from:b.example ");
}

TEST_F(ListFilesTest, WhatHasSettledIsNotReadAgain) {
  now_ += std::chrono::seconds(60);
  EXPECT_FALSE(look());
  ASSERT_EQ(::chmod(path("allow").c_str(), 0600), 0);  // a new time of the inode
  EXPECT_FALSE(look());
  EXPECT_TRUE(sink_->take().empty());
}

TEST_F(ListFilesTest, ABadLineIsToldAndTheRestHolds) {
  write("allow", "from:a.example skip=dnsbl\nfrom:c.example\nip:192.0.2.1 skip=all\nnonsense\n");
  EXPECT_TRUE(look());
  EXPECT_EQ(entries(), "from:a.example ip:192.0.2.1 ");
  const auto lines = sink_->take();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0],
            "warning: allowlist: 2 entries (1 added, 0 removed), 2 bad lines: " + path("allow") +
                ":2: the entry allows nothing: add skip=dnsbl,rhsbl, dmarc=accept or "
                "spf=accept");
  EXPECT_EQ(lines[2].find("warning: " + path("allow") + ":4: "), 0U);
}

TEST_F(ListFilesTest, AHalfWrittenFileIsRepairedByTheNextLook) {
  write("allow", "from:a.example skip=dnsbl\nfrom:b.exa");
  EXPECT_TRUE(look());
  EXPECT_EQ(entries(), "from:a.example ");
  write("allow", "from:a.example skip=dnsbl\nfrom:b.example skip=dnsbl\n");
  EXPECT_TRUE(look());
  EXPECT_EQ(entries(), "from:a.example from:b.example ");
}

TEST_F(ListFilesTest, AFileThatVanishedKeepsItsEntriesAndIsToldOnce) {
  std::filesystem::remove(path("allow"));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(look());
  EXPECT_EQ(entries(), "from:a.example ");
  EXPECT_EQ(sink_->take(),
            std::vector<std::string>{"warning: " + path("allow") +
                                     ": No such file or directory: what it held (1 entry) stays in "
                                     "force; to drop it, write an empty file"});
  write("allow", "");
  EXPECT_TRUE(look());
  EXPECT_EQ(entries(), "");
}

TEST_F(ListFilesTest, WhatIsNoFileOrTooLargeKeepsTheEntries) {
  std::filesystem::remove(path("allow"));
  ASSERT_EQ(::mkfifo(path("allow").c_str(), 0600), 0);
  EXPECT_FALSE(look());  // and does not wait for a writer
  std::filesystem::remove(path("allow"));
  write("allow", "");
  std::filesystem::resize_file(path("allow"), 33U * 1024 * 1024);
  EXPECT_FALSE(look());
  EXPECT_EQ(entries(), "from:a.example ");
  auto lines = sink_->take();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("larger than 32 MB"), std::string::npos);
  // Another reason is told too, and once.
  std::filesystem::remove(path("allow"));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(look());
  lines = sink_->take();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("No such file"), std::string::npos);
}

TEST_F(ListFilesTest, AnEntryThatExpiresIsToldOnce) {
  const auto day = std::chrono::floor<std::chrono::days>(now_);
  const std::string today = to_iso8601(WallTime(day)).substr(0, 10);
  write("allow", "from:a.example skip=dnsbl until=" + today + "\n");
  EXPECT_TRUE(look());
  sink_->take();
  now_ = WallTime(day) + std::chrono::days(1);
  EXPECT_FALSE(look());
  EXPECT_FALSE(look());
  const auto lines = sink_->take();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], "warning: " + path("allow") + ":1: from:a.example has expired (until=" +
                          today + ") and does nothing: remove it, or give it another date");
  files_.loaded(current_->rules, now_);
  EXPECT_TRUE(sink_->take().empty());
}

TEST_F(ListFilesTest, ANamedFileMustExistAndADefaultNeedNot) {
  policy::RuleSet rules;
  AccessFileOptions missing;
  missing.denylist = {path("none")};
  const auto read = read_access_files(missing, rules);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), "denylist.files: " + path("none") +
                              ": No such file or directory: make the file, if only an empty one, "
                              "or take it out of the list");
  if (!std::filesystem::exists(default_allowlist) && !std::filesystem::exists(default_denylist)) {
    EXPECT_TRUE(read_access_files(AccessFileOptions{}, rules));
    EXPECT_EQ(rules.allowlist->size(), 0U);
  }
}

TEST_F(ListFilesTest, FindingsNameWhatTheDenylistTakesAway) {
  write("allow", "from:a.example skip=dnsbl\nmfrom:a.example skip=dnsbl\n");
  write("deny", "# phishing\nmfrom:.example\n");
  options_.denylist = {path("deny")};
  policy::RuleSet rules;
  ASSERT_TRUE(read_access_files(options_, rules));
  std::string said;
  for (const auto& finding : access_findings(rules, now_)) said += finding.text() + "\n";
  EXPECT_NE(said.find(path("allow") +
                      ":2: warning: mfrom:a.example never does anything: the "
                      "denylist comes first, and has mfrom:.example (" +
                      path("deny") + ":2)"),
            std::string::npos)
      << said;
  EXPECT_EQ(said.find("from:a.example never does anything"),
            said.find("mfrom:a.example never does anything") + 1)
      << said;
}

TEST_F(ListFilesTest, FindingsSayWhatMovesToTheDot) {
  write("allow",
        "dkim:a.example skip=dnsbl\nfrom:b.example skip=rhsbl\ndkim:c.example dmarc=accept\n"
        "dkim:d.example skip=dnsbl until=2020-01-01\n");
  EXPECT_TRUE(look());
  const auto findings = access_findings(current_->rules, now_);
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_NE(findings[2].text().find(":3: warning: dkim:c.example dmarc=accept lets through"),
            std::string::npos);
  EXPECT_EQ(findings[0].text(),
            path("allow") +
                ":4: warning: dkim:d.example has expired (until=2020-01-01) and "
                "does nothing: remove it, or give it another date");
  EXPECT_EQ(findings[1].text(),
            path("allow") +
                ":1: warning: dkim:a.example and 1 entry more: from: and dkim: entries that skip "
                "lists move all refusals by these lists from RCPT to the end of DATA");
}

TEST_F(ListFilesTest, TellsWhatIsInForce) {
  write("allow", "from:a.example skip=dnsbl\nnonsense\nip:192.0.2.1 skip=all\n");
  write("deny", "ip:192.0.2.9\n");
  options_.denylist = {path("deny")};
  policy::RuleSet rules;
  ASSERT_TRUE(read_access_files(options_, rules));
  policy::DnsListRule zen;
  zen.name = "zen";
  policy::DnsListRule monitored;
  monitored.name = "dbl";
  monitored.kind = client::DnsListKind::rhsbl;
  monitored.action = policy::OnListed::tag;
  monitored.monitor = true;
  policy::DnsListRule known;
  known.name = "known";
  known.kind = client::DnsListKind::dnswl;
  known.skip = client::DnsKindSet{client::DnsListKind::dnsbl};
  rules.defaults.lists.rules = {zen, monitored, known};
  EXPECT_EQ(
      access_in_force(rules),
      "lists in force: denylist=\"" + path("deny") + ": 1 entry\" allowlist=\"" + path("allow") +
          ": 2 entries, 1 bad line\" order=\"denylist before allowlist\" dnsbl=\"zen reject\" "
          "rhsbl=\"dbl tag (monitor)\" dnswl=\"known skip=dnsbl\"");
  options_.allowlist = {};
  write("deny", "");
  ASSERT_TRUE(read_access_files(options_, rules));
  rules.defaults.lists.rules.clear();
  EXPECT_EQ(access_in_force(rules), "lists in force: denylist=\"" + path("deny") + ": 0 entries\"");
}

}  // namespace

}  // namespace sekisho::setup
