// Deferrals outlive the daemon, also one that is killed; and a disk that does not work is nobody's
// trouble but the log's.
#include "history/deferral_file.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include "support/temporary_folder.h"

namespace sekisho::history {

namespace {

using namespace std::chrono_literals;
using session::Deferral;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

// Lines in memory.
class Lines final : public LogSink {
 public:
  bool write(LogLevel, std::string_view line) const override {
    lines_.with([&](auto& lines) { lines.emplace_back(line); });
    return true;
  }
  std::vector<std::string> all() const {
    return lines_.with([](const auto& lines) { return lines; });
  }

 private:
  mutable Guarded<std::vector<std::string>> lines_;
};

Deferral nth(int n) {
  std::string key(16, '\0');
  key[0] = static_cast<char>(n % 256);
  key[1] = static_cast<char>(n / 256);
  return {key, "192.0.2.0/24", WallTime(std::chrono::seconds(1'795'000'000 + n))};
}

class KeptDeferrals : public testing::Test {
 protected:
  // Of one run of the daemon: what it knows, and its file.
  struct Run {
    explicit Run(KeptDeferrals& test, const std::string& dir) : file(dir, test.log) {
      known.with([&](auto& all) { all = file.read(); });
      file.start([this] { return known.with([](const auto& all) { return all; }); });
    }
    void add(const Deferral& deferral) {
      known.with([&](auto& all) { all.push_back(deferral); });
      file.add(deferral);
    }
    Guarded<std::vector<Deferral>> known;
    DeferralFile file;
  };

  std::vector<Deferral> read() { return DeferralFile(dir, log).read(); }

  test::TemporaryFolder folder;
  const std::string dir = folder.file("history");
  std::shared_ptr<Lines> lines = std::make_shared<Lines>();
  Log log{lines, LogLevel::info};
};

TEST_F(KeptDeferrals, AreReadAgain) {
  EXPECT_THAT(read(), IsEmpty());
  {
    Run run(*this, dir);
    run.add(nth(1));
    run.add(nth(2));
  }
  EXPECT_THAT(read(), ElementsAre(nth(1), nth(2)));
  Run run(*this, dir);
  run.add(nth(3));
  ASSERT_TRUE(run.file.flush(60s));
  EXPECT_THAT(read(), UnorderedElementsAreArray({nth(1), nth(2), nth(3)}));
  EXPECT_THAT(lines->all(), IsEmpty());
}

TEST_F(KeptDeferrals, OutliveAKilledProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    Run run(*this, dir);
    for (int n = 0; n < 100; ++n) run.add(nth(n));
    if (!run.file.flush(60s)) ::_exit(1);
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_THAT(read(), SizeIs(100));
}

// Torn by a kill or a full disk, or nobody's at all: every other line counts.
TEST_F(KeptDeferrals, LinesThatAreNoneAreLeftOut) {
  {
    Run run(*this, dir);
    run.add(nth(1));
  }
  std::ofstream(dir + "/deferrals", std::ios::app)
      << "\n1795000000 00\nx 00000000000000000000000000000000 local\n"
         "1795000000 0000000000000000000000000000000g local\n"
         "1795000000 00000000000000000000000000000000 local more\n"
         "99999999999999999999999 00000000000000000000000000000000 local\n"
         "1795000002 02000000000000000000000000000000 192.0.2.0/24\n179500";
  EXPECT_THAT(read(), ElementsAre(nth(1), nth(2)));
  // A new run begins with a whole file.
  { const Run run(*this, dir); }
  std::ifstream file(dir + "/deferrals");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

// However long it runs: what is over is not in the file for ever.
TEST_F(KeptDeferrals, AreWrittenAnewWhenManyWereAppended) {
  Run run(*this, dir);
  for (std::size_t n = 0; n <= DeferralFile::max_appended; ++n) {
    run.file.add(nth(static_cast<int>(n)));
    if (n % 5000 == 0) {
      ASSERT_TRUE(run.file.flush(60s));
    }
  }
  ASSERT_TRUE(run.file.flush(60s));
  EXPECT_LT(read().size(), DeferralFile::max_appended / 2) << "nobody knows them any more";
}

TEST_F(KeptDeferrals, ADiskThatDoesNotWorkCostsOneWarning) {
  std::ofstream(folder.file("no-folder")) << "x";
  Run run(*this, folder.file("no-folder") + "/history");
  for (int n = 0; n < 100; ++n) run.add(nth(n));
  run.file.flush(10ms);
  run.add(nth(100));
  const auto until = steady_now() + 60s;
  while (lines->all().empty() && steady_now() < until) std::this_thread::yield();
  ASSERT_THAT(lines->all(), SizeIs(1));
  EXPECT_THAT(lines->all()[0], HasSubstr("cannot be written"));
  EXPECT_THAT(run.known.with([](const auto& all) { return all; }), SizeIs(101));
}

// What could not be appended is there when the file can be written again: it is written anew.
TEST_F(KeptDeferrals, AFileThatWorksAgainHasEverything) {
  Run run(*this, dir);
  run.add(nth(1));
  ASSERT_TRUE(run.file.flush(60s));
  std::filesystem::remove(dir + "/deferrals");
  std::filesystem::create_directory(dir + "/deferrals");
  run.add(nth(2));
  const auto until = steady_now() + 60s;
  while (lines->all().empty() && steady_now() < until) std::this_thread::yield();
  std::filesystem::remove(dir + "/deferrals");
  ASSERT_TRUE(run.file.flush(60s));
  EXPECT_THAT(read(), UnorderedElementsAreArray({nth(1), nth(2)}));
  EXPECT_THAT(lines->all(), SizeIs(2));
}

}  // namespace

}  // namespace sekisho::history
