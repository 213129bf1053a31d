// The log: what a line looks like whatever was put into it, and where it goes.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/guarded.h"
#include "base/log.h"
#include "base/unique_handle.h"

namespace sekisho {
namespace {

using namespace std::chrono_literals;

class MemorySink : public LogSink {
 public:
  bool write(LogLevel level, std::string_view line) const override {
    lines_.with(
        [&](auto& all) { all.push_back(std::string(to_string(level)) + " " + std::string(line)); });
    return true;
  }
  std::vector<std::string> lines() const {
    return lines_.with([](const auto& all) { return all; });
  }

 private:
  mutable Guarded<std::vector<std::string>> lines_;
};

// A folder of the test's own, gone with it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sekisho-log-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(LogLine, QuotesAndEscapesValues) {
  struct Case {
    std::string value;
    std::string want;
  };
  const Case table[] = {
      {"reject", "k=reject"},
      {"", "k=\"\""},
      {"<SRS0=a=b@example.com>", "k=<SRS0=a=b@example.com>"},
      {"mail.example.com[192.0.2.1]", "k=mail.example.com[192.0.2.1]"},
      {"p=reject, not corroborated", "k=\"p=reject, not corroborated\""},
      {"a\nFeb 1 host sekishod: action=accept", "k=\"a\\x0aFeb 1 host sekishod: action=accept\""},
      {"a\" action=accept \"", "k=\"a\\x22 action=accept \\x22\""},
      {"back\\slash", "k=\"back\\x5cslash\""},
      {"\x1b[31m", "k=\"\\x1b[31m\""},
      {"%n%s%n", "k=%n%s%n"},
      {"\xff", "k=\"\\xff\""},
  };
  for (const Case& each : table) {
    EXPECT_EQ(LogLine().field("k", each.value).text(), each.want);
  }
  EXPECT_EQ(
      LogLine("4bXY:").field("id", "K7Q2-4D").field("n", 7).plain("spf", "pass(mfrom)").text(),
      "4bXY: id=K7Q2-4D n=7 spf=pass(mfrom)");
}

TEST(LogLine, AMegabyteOfSubjectStaysOneLineOfFourKilobytes) {
  const auto sink = std::make_shared<MemorySink>();
  Log log(sink, LogLevel::info);
  LogLine line;
  for (int i = 0; i < 20; ++i) line.field("subject", std::string(1'000'000, 'x'));
  log.info(line.text());
  log.info("a\nb\r\n\x1b[2J" + std::string(1'000'000, 'y'));
  std::string wide;
  for (int i = 0; i < 5000; ++i) wide += "\u00e9";
  log.info(wide);
  ASSERT_EQ(sink->lines().size(), 3U);
  for (const std::string& each : sink->lines()) {
    EXPECT_LE(each.size(), 4096U + 5);
    EXPECT_TRUE(each.ends_with("..."));
    for (const char c : each) EXPECT_FALSE(c == '\n' || c == '\r' || c == '\x1b');
  }
  // Cut between characters: the last one before the dots is whole.
  const std::string last = sink->lines()[2];
  EXPECT_EQ(last.substr(last.size() - 5, 2), "\u00e9");
}

TEST(Log, DropsWhatIsLessSevere) {
  const auto sink = std::make_shared<MemorySink>();
  Log log(sink, LogLevel::warning);
  log.error("1");
  log.warning("2");
  log.info("3");
  log.debug("4");
  EXPECT_EQ(sink->lines(), (std::vector<std::string>{"error 1", "warning 2"}));
}

TEST(Log, RepetitionsAppearOnceAMinuteWithTheirNumber) {
  const auto sink = std::make_shared<MemorySink>();
  Log log(sink, LogLevel::info);
  const SteadyTime start = steady_now();
  for (int i = 0; i < 100; ++i) {
    log.write_limited(LogLevel::warning, "dns", "no answer", start + i * 1s);
  }
  log.write_limited(LogLevel::warning, "other", "else", start + 100s);
  log.write_limited(LogLevel::warning, "dns", "no answer", start + 500s);
  log.write_limited(LogLevel::warning, "dns", "no answer", start + 560s);
  EXPECT_EQ(sink->lines(),
            (std::vector<std::string>{"warning no answer", "warning no answer suppressed=59",
                                      "warning else", "warning no answer suppressed=39",
                                      "warning no answer"}));
}

TEST(Log, ManyDifferentRepetitionsStayBounded) {
  const auto sink = std::make_shared<MemorySink>();
  Log log(sink, LogLevel::info);
  const SteadyTime start = steady_now();
  for (int i = 0; i < 10'000; ++i) {
    log.write_limited(LogLevel::warning, "key" + std::to_string(i), "x", start);
  }
  EXPECT_LE(sink->lines().size(), 1025U);
  EXPECT_GE(sink->lines().size(), 1024U);
}

TEST(Log, AFileIsAppendedToAndOpenedAgainAfterRotation) {
  const Folder folder;
  const LogOptions options{LogOptions::Target::file, folder.file("log")};
  Log log(options);
  log.info("one");
  std::filesystem::rename(folder.file("log"), folder.file("log.1"));
  log.info("two");
  EXPECT_TRUE(log.reopen(options));
  log.warning("three");
  const std::string old = contents(folder.file("log.1"));
  EXPECT_NE(old.find("info: one\n"), std::string::npos) << old;
  EXPECT_NE(old.find("info: two\n"), std::string::npos) << old;
  const std::string fresh = contents(folder.file("log"));
  EXPECT_EQ(fresh.find("two"), std::string::npos);
  EXPECT_NE(fresh.find("warning: three\n"), std::string::npos) << fresh;
  EXPECT_EQ(fresh[10], 'T') << fresh;  // 2026-11-21T…
  EXPECT_EQ(log.lost(), 0U);
}

// A file that nobody will find again is noticed, whether it was renamed, removed or replaced.
TEST(Log, NoticesThatItsFileIsGone) {
  const Folder folder;
  const LogOptions options{LogOptions::Target::file, folder.file("log")};
  Log log(options);
  EXPECT_TRUE(log.in_place());
  std::filesystem::remove(folder.file("log"));
  EXPECT_FALSE(log.in_place());
  std::ofstream(folder.file("log")) << "another's\n";
  EXPECT_FALSE(log.in_place());
  EXPECT_TRUE(log.reopen(options));
  EXPECT_TRUE(log.in_place());
  EXPECT_TRUE(Log({LogOptions::Target::stderr_stream, {}}).in_place());
}

// A sink that has no memory for a line: the line is lost, and whoever wrote it goes on.
TEST(Log, WithoutMemoryALineIsLostAndNothingElse) {
  class NoMemory final : public LogSink {
   public:
    bool write(LogLevel, std::string_view) const override { throw std::bad_alloc(); }
  };
  Log log(std::make_shared<NoMemory>(), LogLevel::debug);
  log.info("one");
  log.write_limited(LogLevel::error, "key", "two");
  EXPECT_EQ(log.lost(), 2U);
}

TEST(Log, KeepsItsTargetWhenTheNewOneCannotBeOpened) {
  const Folder folder;
  Log log({LogOptions::Target::file, folder.file("log")});
  EXPECT_FALSE(log.reopen({LogOptions::Target::file, folder.file("no/such/folder")}));
  log.info("still here");
  const std::string text = contents(folder.file("log"));
  EXPECT_NE(text.find("No such file"), std::string::npos) << text;
  EXPECT_NE(text.find("still here"), std::string::npos) << text;
}

TEST(Log, DoesNotFollowASymbolicLink) {
  const Folder folder;
  std::filesystem::create_symlink(folder.file("victim"), folder.file("log"));
  const auto sink = open_log_sink({LogOptions::Target::file, folder.file("log")});
  ASSERT_FALSE(sink);
  EXPECT_NE(sink.error(), "");
  EXPECT_FALSE(std::filesystem::exists(folder.file("victim")));
}

TEST(Log, SpeaksTheProtocolOfTheJournal) {
  const Folder folder;
  const std::string path = folder.file("journal");
  const UniqueFd server(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  Log log(journal_sink(path), LogLevel::info);
  log.warning("id=K7Q2-4D\naction=x");
  char buffer[8192];
  const ssize_t got = ::recv(server.get(), buffer, sizeof buffer, 0);
  ASSERT_GT(got, 0);
  const std::string text(buffer, static_cast<std::size_t>(got));
  EXPECT_TRUE(text.starts_with("PRIORITY=4\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=sekishod\n"));
  EXPECT_TRUE(text.ends_with("\nMESSAGE=id=K7Q2-4D action=x\n")) << text;
}

TEST(Log, AViewTagsItsLinesAndSharesEverythingElse) {
  const Folder folder;
  LogOptions options{LogOptions::Target::file, folder.file("log")};
  Log log(options);
  Log smtpd(log, "smtpd");
  smtpd.info("connect from a[192.0.2.1]");
  log.info("started");
  options.name = "mx1";
  options.path = folder.file("new");
  EXPECT_TRUE(smtpd.reopen(options));
  smtpd.alert("full");
  const std::string text = contents(folder.file("log"));
  const std::string pid = "[" + std::to_string(::getpid()) + "] ";
  EXPECT_NE(text.find(" sekisho/smtpd" + pid + "info: connect"), std::string::npos) << text;
  EXPECT_NE(text.find(" sekishod" + pid + "info: started"), std::string::npos) << text;
  const std::string fresh = contents(folder.file("new"));
  EXPECT_NE(fresh.find(" mx1/smtpd" + pid + "alert: full"), std::string::npos) << fresh;
  EXPECT_TRUE(smtpd.in_place());
  std::filesystem::remove(folder.file("new"));
  EXPECT_FALSE(smtpd.in_place());
}

TEST(Log, TheJournalLearnsOfTagsAndAlerts) {
  const Folder folder;
  const std::string path = folder.file("journal");
  const UniqueFd server(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  Log log(journal_sink(path), LogLevel::info);
  Log(log, "smtp").alert("refused");
  char buffer[8192];
  const ssize_t got = ::recv(server.get(), buffer, sizeof buffer, 0);
  ASSERT_GT(got, 0);
  const std::string text(buffer, static_cast<std::size_t>(got));
  EXPECT_TRUE(text.starts_with("PRIORITY=1\n")) << text;
  EXPECT_NE(text.find("\nSYSLOG_IDENTIFIER=sekisho/smtp\n"), std::string::npos) << text;
}

TEST(Log, CountsWhatAJournalThatIsGoneDidNotTake) {
  const Folder folder;
  Log log(journal_sink(folder.file("nobody")), LogLevel::info);
  log.info("x");
  EXPECT_EQ(log.lost(), 1U);
}

class FailingSink : public MemorySink {
 public:
  bool write(LogLevel level, std::string_view line) const override {
    return !*fails && MemorySink::write(level, line);
  }
  std::shared_ptr<bool> fails = std::make_shared<bool>(false);
};

TEST(Log, TellsOnceOnStderrThatLinesAreLostAndOnceInTheLogHowMany) {
  const auto sink = std::make_shared<FailingSink>();
  Log log(sink, LogLevel::info);
  testing::internal::CaptureStderr();
  *sink->fails = true;
  for (int i = 0; i < 3; ++i) log.info("lost");
  *sink->fails = false;
  log.info("kept");
  log.info("kept too");
  // Again within the minute: counted, and told later.
  *sink->fails = true;
  log.info("lost");
  *sink->fails = false;
  log.info("kept as well");
  const auto complaints = testing::internal::GetCapturedStderr();
  EXPECT_EQ(sink->lines(),
            (std::vector<std::string>{
                "info kept", "warning log: 3 lines were lost: the target did not take them",
                "info kept too", "info kept as well"}));
  EXPECT_EQ(std::count(complaints.begin(), complaints.end(), '\n'), 1) << complaints;
  EXPECT_NE(complaints.find("warning: log: its target does not take lines"), std::string::npos);
  EXPECT_EQ(log.lost(), 4U);
}

TEST(Log, ALineAfterOneThatWasCutByAFullDiskBeginsAtItsBeginning) {
  const Folder folder;
  Log log({LogOptions::Target::file, folder.file("log")});
  testing::internal::CaptureStderr();
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  log.info("cut");
  log.info("not written at all");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  testing::internal::GetCapturedStderr();
  log.info("whole");
  std::istringstream lines(contents(folder.file("log")));
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].size(), 20U);
  EXPECT_TRUE(all[1].ends_with("info: whole")) << all[1];
  EXPECT_TRUE(all[2].ends_with("warning: log: 2 lines were lost: the target did not take them"));
}

TEST(Log, LinesOfManyThreadsDoNotMix) {
  const Folder folder;
  const LogOptions options{LogOptions::Target::file, folder.file("log")};
  Log log(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 500; ++i) log.info(std::string(100, static_cast<char>('a' + t)));
    });
  }
  for (int i = 0; i < 50; ++i) log.reopen(options);
  for (std::thread& thread : threads) thread.join();
  std::ifstream in(folder.file("log"));
  int count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    const std::string tail = line.substr(line.size() - 100);
    EXPECT_EQ(tail, std::string(100, tail[0]));
  }
  EXPECT_EQ(count, 2000);
}

}  // namespace
}  // namespace sekisho
