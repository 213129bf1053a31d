// The recorder and what it wrote: asynchronous, bounded in memory, age and size, and never in
// anybody's way.
#include "history/recorder.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "history/archive.h"
#include "history/schema.h"
#include "support/session_gate.h"
#include "support/temporary_folder.h"

namespace sekisho::history {

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

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

mail::NamePattern pattern(std::string_view text) { return mail::NamePattern::parse(text).value(); }

std::shared_ptr<session::Decided> decided(const std::string& id, WallTime time = wall_now()) {
  auto out = std::make_shared<session::Decided>();
  auto& facts = out->outcome.facts;
  facts.id = id;
  facts.queue_id = "Q" + id;
  facts.received = time;
  facts.client.address = mail::IpAddress::parse("192.0.2.10").value();
  facts.client.name = "mx.a.example";
  facts.mail_from = "bob@a.example";
  facts.recipients = {"user@example.jp", "other@example.jp"};
  facts.author.result = mail::Author::Result::one;
  facts.author.domains = {mail::DomainName::parse("author.example").value()};
  out->outcome.verdict.message.action = policy::Action::reject;
  out->outcome.verdict.message.rule = "dmarc";
  out->outcome.verdict.message.reason = "p=reject, corroborated";
  out->configuration = "d1";
  out->inputs.header.add({"Subject", " Invoice"});
  return out;
}

class History : public testing::Test {
 protected:
  Options options() const {
    Options options;
    options.dir = folder_.file("history");
    return options;
  }
  // Each look at the clocks is hours after the one before, by both of them.
  std::unique_ptr<Recorder> started(const Options& options) {
    auto recorder = std::make_unique<Recorder>(options, log_, [this] {
      const auto later = std::chrono::hours(hours_apart_) * looks_++;
      return ClockLook{wall_now() + wall_ahead_.load() + later, steady_now() + later, "boot"};
    });
    recorder->start();
    return recorder;
  }
  std::vector<std::string> ids(const Filter& filter = {}) const {
    std::vector<std::string> out;
    auto archive = Archive::open(options().dir);
    if (!archive) return {archive.error().why};
    const auto done = archive->list(filter, [&](const Row& row) {
      out.push_back(row.id);
      return true;
    });
    EXPECT_TRUE(done);
    return out;
  }

  template <class Holds>
  static bool comes_to(const Holds& holds) {
    for (int i = 0; i < 2400 && !holds(); ++i) std::this_thread::sleep_for(25ms);
    return holds();
  }

  // Looks again at what is too old or too much.
  static void look_again(Recorder& recorder, const Options& limits) {
    recorder.set_limits(limits.keep, limits.max_size);
  }

  std::atomic<int> looks_{0};
  std::atomic<int> hours_apart_{7};
  std::atomic<std::chrono::seconds> wall_ahead_{std::chrono::seconds(0)};
  test::TemporaryFolder folder_;
  std::shared_ptr<Lines> lines_ = std::make_shared<Lines>();
  Log log_{lines_, LogLevel::debug};
};

TEST_F(History, KeepsDecisionsAndConfigurations) {
  const auto recorder = started(options());
  recorder->add(
      Configuration{"d1", "[dmarc]\nreject = \"always\"\n", {{"dmarc.reject", "conf:2:1"}}});
  for (const char* id : {"AAAA-0001", "AAAA-0002"}) recorder->add(decided(id));
  ASSERT_TRUE(recorder->flush(10s));
  EXPECT_THAT(ids(), ElementsAre("AAAA-0002", "AAAA-0001"));
  EXPECT_EQ(recorder->status().records, 2U);
  EXPECT_TRUE(recorder->status().recording);
  auto archive = Archive::open(options().dir);
  ASSERT_TRUE(archive);
  const auto configuration = archive->configuration("d1");
  ASSERT_TRUE(configuration && *configuration);
  EXPECT_THAT((*configuration)->text, HasSubstr("always"));
  EXPECT_EQ((*configuration)->places.at("dmarc.reject"), "conf:2:1");
  EXPECT_FALSE(archive->configuration("d2").value());
}

// A record has 2 KB: of smaller pages it would fill one alone.
TEST_F(History, HasLargePages) {
  const auto recorder = started(options());
  recorder->add(decided("AAAA-0001"));
  ASSERT_TRUE(recorder->flush(10s));
  auto database =
      spool::Database::open(database_path(options().dir), spool::Database::Open::existing);
  ASSERT_TRUE(database);
  std::int64_t size = 0;
  EXPECT_TRUE(database->query("PRAGMA page_size", {}, [&](const spool::Row& row) {
    size = row.integer(0);
    return true;
  }));
  EXPECT_EQ(size, 8192);
}

// A message that others got is found by what refused one of its recipients.
TEST_F(History, FindsWhatWasRefusedAtRcpt) {
  auto recorder = started(options());
  auto both = decided("AAAA-0001");
  auto& verdict = both->outcome.verdict;
  verdict.message = {};
  policy::Decision refusal;
  refusal.action = policy::Action::reject;
  refusal.rule = "dnsbl:zen";
  refusal.reason = "listed: 127.0.0.4";
  verdict.refused = {{"a@example.jp", refusal}, {"b@example.jp", refusal}};
  recorder->add(both);
  recorder->add(decided("AAAA-0002"));
  ASSERT_TRUE(recorder->flush(10s));
  auto archive = Archive::open(options().dir);
  ASSERT_TRUE(archive);
  EXPECT_THAT(ids({.rule = "dnsbl:zen"}), ElementsAre("AAAA-0001"));
  EXPECT_THAT(ids({.action = "reject"}), ElementsAre("AAAA-0002", "AAAA-0001"));
  EXPECT_THAT(ids({.action = "accept"}), ElementsAre("AAAA-0001"));
  EXPECT_THAT(ids({.rule = "dnsbl:zen", .action = "accept"}), ElementsAre());
  EXPECT_THAT(ids({.text = "127.0.0.4"}), ElementsAre("AAAA-0001"));
  ASSERT_TRUE(archive->list({.rule = "dnsbl:zen"}, [&](const Row& row) {
    EXPECT_EQ(row.refused.size(), 1U);
    EXPECT_EQ(row.refused.at(0).reason, "listed: 127.0.0.4");
    return true;
  }));
}

// A database of before is read as it is, and gets its column from the recorder.
TEST_F(History, OfBeforeRefusalsWereRecorded) {
  auto recorder = started(options());
  recorder->add(decided("AAAA-0001"));
  ASSERT_TRUE(recorder->flush(10s));
  recorder.reset();
  {
    auto database =
        spool::Database::open(database_path(options().dir), spool::Database::Open::existing);
    ASSERT_TRUE(database && database->script("ALTER TABLE decisions DROP COLUMN refused;"));
    EXPECT_THAT(ids({.action = "reject"}), ElementsAre("AAAA-0001"));
  }
  recorder = started(options());
  recorder->add(decided("AAAA-0002"));
  ASSERT_TRUE(recorder->flush(10s));
  EXPECT_THAT(ids({.action = "reject"}), ElementsAre("AAAA-0002", "AAAA-0001"));
}

// Each record is read with the dictionary that it was written with, also one of before there were
// any.
TEST_F(History, KeepsTheDictionariesOfOtherTimes) {
  auto recorder = started(options());
  recorder->add(decided("AAAA-0001"));
  ASSERT_TRUE(recorder->flush(10s));
  recorder.reset();
  {
    auto database =
        spool::Database::open(database_path(options().dir), spool::Database::Open::existing);
    ASSERT_TRUE(database);
    const auto record = record::Encoder().encode(*decided("AAAA-0001"));
    ASSERT_TRUE(database->run("UPDATE records SET record = CAST(?1 AS BLOB)", {record}));
    ASSERT_TRUE(
        database->script("ALTER TABLE records DROP COLUMN dictionary;"
                         "DROP TABLE dictionaries;"));
  }
  recorder = started(options());
  recorder->add(decided("AAAA-0002"));
  ASSERT_TRUE(recorder->flush(10s));
  recorder.reset();
  {
    auto database =
        spool::Database::open(database_path(options().dir), spool::Database::Open::existing);
    ASSERT_TRUE(database);
    const std::string other = "what another sekisho found typical";
    const auto record = record::Encoder(other).encode(*decided("AAAA-0002"));
    ASSERT_TRUE(database->run("UPDATE dictionaries SET octets = CAST(?1 AS BLOB)", {other}));
    ASSERT_TRUE(database->run("UPDATE records SET record = CAST(?1 AS BLOB) WHERE dictionary <> 0",
                              {record}));
  }
  recorder = started(options());
  recorder->add(decided("AAAA-0003"));
  ASSERT_TRUE(recorder->flush(10s));
  auto archive = Archive::open(options().dir);
  ASSERT_TRUE(archive);
  for (const char* id : {"AAAA-0001", "AAAA-0002", "AAAA-0003"}) {
    const auto number = archive->find(id);
    ASSERT_TRUE(number && *number) << id;
    const auto read = archive->read(**number);
    ASSERT_TRUE(read && *read) << id;
    EXPECT_EQ((*read)->outcome.facts.id, id);
  }
}

TEST_F(History, IsReadBesideTheRecorderAndWithoutIt) {
  auto recorder = started(options());
  recorder->add(decided("AAAA-0001"));
  ASSERT_TRUE(recorder->flush(10s));
  EXPECT_THAT(ids(), SizeIs(1));
  recorder.reset();
  EXPECT_THAT(ids(), SizeIs(1));
}

TEST_F(History, WritesWhatIsQueuedWhenItEnds) {
  auto recorder = started(options());
  for (int i = 0; i < 1200; ++i) recorder->add(decided("AAAA-" + std::to_string(1000 + i)));
  recorder.reset();
  EXPECT_THAT(ids(), SizeIs(1200));
}

TEST_F(History, IsFoundByIdAsPeopleSayItAndByQueueId) {
  const auto recorder = started(options());
  recorder->add(decided("K1Q0-4DMX"));
  recorder->add(decided("K1Q0-4DMY"));
  ASSERT_TRUE(recorder->flush(10s));
  auto archive = Archive::open(options().dir);
  ASSERT_TRUE(archive);
  for (const char* id : {"K1Q0-4DMX", "k1q04dmx", "KlQO-4dmx", "QK1Q0-4DMX"}) {
    const auto number = archive->find(id);
    ASSERT_TRUE(number && *number) << id;
    EXPECT_EQ(archive->read(**number).value().value().outcome.facts.id, "K1Q0-4DMX");
  }
  for (const char* id : {"", "K1Q0-4DMZ", "' OR 1=1 --"})
    EXPECT_FALSE(archive->find(id).value()) << id;
}

TEST_F(History, Filters) {
  const auto recorder = started(options());
  const auto now = wall_now();
  recorder->add(decided("AAAA-0001", now - 2h));
  auto other = decided("AAAA-0002", now);
  other->outcome.facts.mail_from = "x@b.example";
  other->outcome.facts.recipients = {"postmaster@example.jp"};
  other->outcome.facts.client.address = mail::IpAddress::parse("2001:db8::1").value();
  other->outcome.facts.client.name = "mail.b.example";
  other->outcome.facts.author.domains = {mail::DomainName::parse("b.example").value()};
  other->outcome.verdict.message.action = policy::Action::accept;
  other->outcome.verdict.message.rule = "default";
  recorder->add(other);
  ASSERT_TRUE(recorder->flush(10s));
  const auto first = ElementsAre("AAAA-0001");
  EXPECT_THAT(ids({.until = now - 1h}), first);
  EXPECT_THAT(ids({.since = now - 1h}), ElementsAre("AAAA-0002"));
  EXPECT_THAT(ids({.from = pattern("~BOB@")}), first);
  EXPECT_THAT(ids({.from = pattern("author.example")}), first);
  EXPECT_THAT(ids({.to = pattern("other@*")}), first);
  EXPECT_THAT(ids({.rule = "dmarc"}), first);
  EXPECT_THAT(ids({.action = "reject"}), first);
  EXPECT_THAT(ids({.network = mail::IpPrefix::parse("192.0.2.0/24").value()}), first);
  EXPECT_THAT(ids({.network = mail::IpPrefix::parse("192.0.2.10").value()}), first);
  EXPECT_THAT(ids({.client = pattern("mx.a*")}), first);
  EXPECT_THAT(ids({.text = "invoice"}), SizeIs(2));
  EXPECT_THAT(ids({.text = "corroborated"}), SizeIs(2));
  EXPECT_THAT(ids({.text = "mail.b"}), ElementsAre("AAAA-0002"));
  EXPECT_THAT(ids({.from = pattern("~bob"), .action = "accept"}), SizeIs(0));
}

TEST_F(History, ForgetsByAge) {
  auto limits = options();
  limits.keep = 24h * 30;
  const auto recorder = started(limits);
  for (int i = 0; i < 1500; ++i)
    recorder->add(decided("AAAA-" + std::to_string(1000 + i), wall_now() - 24h * 31));
  recorder->add(decided("BBBB-0001"));
  ASSERT_TRUE(recorder->flush(60s));
  // Steps of a thousand, one after the other, once the clocks have agreed for long enough for so
  // many.
  EXPECT_TRUE(comes_to([&] {
    look_again(*recorder, limits);
    return recorder->status().pruned >= 1500;
  }));
  EXPECT_THAT(ids(), ElementsAre("BBBB-0001"));
  EXPECT_EQ(recorder->status().records, 1U);
}

// A wall clock that is 40 days ahead, before and after a restart: nothing is too old.
TEST_F(History, AClockThatIsWrongForgetsNothing) {
  hours_apart_ = 1;
  auto limits = options();
  auto recorder = started(limits);
  for (int i = 0; i < 20; ++i) recorder->add(decided("AAAA-" + std::to_string(1000 + i)));
  ASSERT_TRUE(recorder->flush(60s));
  wall_ahead_ = std::chrono::hours(24 * 40);
  for (int start = 0; start < 2; ++start) {
    const int before = looks_;
    // First, and then all of them at once: that waits six hours.
    EXPECT_TRUE(comes_to([&] {
      look_again(*recorder, limits);
      return looks_ >= before + 4;
    }));
    recorder = nullptr;
    recorder = started(limits);
  }
  wall_ahead_ = std::chrono::hours(0);
  EXPECT_THAT(ids(), SizeIs(20));
  EXPECT_THAT(lines_->all(), testing::Contains(HasSubstr("too old all at once")));
}

// Refused mail, of which there may be any amount, does not push out what is known of the mail that
// was taken.
TEST_F(History, RefusedMailGoesFirst) {
  auto limits = options();
  limits.max_size = 1024 * 1024;
  const auto recorder = started(limits);
  std::mt19937 random(7);
  const auto with_noise = [&](const std::string& id, policy::Action action) {
    auto out = decided(id);
    out->outcome.verdict.message.action = action;
    std::string noise;
    for (int i = 0; i < 2000; ++i) noise += static_cast<char>('!' + random() % 90);
    out->inputs.header.add({"X-Noise", " " + noise});
    return out;
  };
  for (int i = 0; i < 100; ++i)
    recorder->add(with_noise("GOOD-" + std::to_string(1000 + i), policy::Action::accept));
  for (int i = 0; i < 2000; ++i)
    recorder->add(with_noise("BAD0-" + std::to_string(1000 + i), policy::Action::reject));
  ASSERT_TRUE(recorder->flush(60s));
  EXPECT_TRUE(comes_to([&] {
    const auto status = recorder->status();
    return status.pruned > 0 && status.octets <= limits.max_size;
  }));
  EXPECT_THAT(ids({.action = "accept"}), SizeIs(100));
  const auto refused = ids({.action = "reject"});
  EXPECT_GT(refused.size(), 20U);
  EXPECT_EQ(refused.front(), "BAD0-2999");
}

// Eighty refused messages with a megabyte of header each, and what was there before.
TEST_F(History, LargeHeadersDoNotWashItOut) {
  test::Gate gate(test::snapshot_on_zone("_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n"));
  auto limits = options();
  limits.max_size = 32 * 1024 * 1024;
  const auto recorder = started(limits);
  const auto good = gate.judge({});
  std::mt19937 random(7);
  for (int i = 0; i < 80; ++i) {
    test::Letter letter;
    for (int f = 0; f < 12; ++f) {
      std::string noise;
      for (int n = 0; n < 80'000; ++n) noise += static_cast<char>('!' + random() % 90);
      letter.fields.push_back({"X-Noise-" + std::to_string(f), " " + noise});
    }
    gate.judge(letter);
  }
  for (const auto& each : gate.recorder().decisions()) {
    recorder->add(each);
    EXPECT_LE(each->inputs.header.octets(), 64U * 1024);
    EXPECT_TRUE(each->inputs.header.has("From"));
  }
  ASSERT_TRUE(recorder->flush(60s));
  look_again(*recorder, limits);
  EXPECT_TRUE(comes_to([&] { return recorder->status().octets > 0; }));
  EXPECT_LT(recorder->status().octets, 10U * 1024 * 1024);
  EXPECT_THAT(ids(), SizeIs(81));
  auto archive = Archive::open(options().dir);
  ASSERT_TRUE(archive);
  EXPECT_TRUE(archive->find(good.facts.id).value());
}

// Answers that a sender has made large are left out of its record, which says so.
TEST_F(History, ARecordHasItsLargestSize) {
  const auto recorder = started(options());
  auto large = decided("AAAA-0001");
  std::mt19937 random(7);
  for (int i = 0; i < 40; ++i) {
    auto answer = std::make_shared<dns::Answer>();
    answer->outcome = dns::Outcome::records;
    std::string noise;
    for (int n = 0; n < 60'000; ++n) noise += static_cast<char>('!' + random() % 90);
    answer->texts = {noise};
    const auto name = mail::DomainName::parse("x" + std::to_string(i) + ".a.example");
    large->inputs.answers.add({dns::Name(*name), dns::Type::txt}, std::move(answer));
  }
  recorder->add(large);
  ASSERT_TRUE(recorder->flush(60s));
  auto archive = Archive::open(options().dir);
  ASSERT_TRUE(archive);
  const auto read = archive->read(archive->find("AAAA-0001").value().value()).value();
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->inputs.answers_left_out);
  EXPECT_EQ(read->outcome, large->outcome);
  EXPECT_TRUE(read->inputs.header.has("Subject"));
}

TEST_F(History, ForgetsTheOldestPastItsSize) {
  auto limits = options();
  limits.max_size = 256 * 1024;
  const auto recorder = started(limits);
  for (int i = 0; i < 3000; ++i) recorder->add(decided("AAAA-" + std::to_string(1000 + i)));
  ASSERT_TRUE(recorder->flush(20s));
  const auto pruned = [&] {
    const auto status = recorder->status();
    return status.pruned > 0 && status.octets <= limits.max_size;
  };
  for (int i = 0; i < 1200 && !pruned(); ++i) std::this_thread::sleep_for(50ms);
  EXPECT_LE(recorder->status().octets, limits.max_size);
  const auto left = ids();
  ASSERT_FALSE(left.empty());
  EXPECT_LT(left.size(), 3000U);
  EXPECT_EQ(left.front(), "AAAA-3999");
}

// Nobody takes from the queue: memory stays bounded, what is too much is counted, the log hears of
// it once.
TEST_F(History, DropsWhatIsTooMuch) {
  Recorder recorder(options(), log_);
  for (std::size_t i = 0; i < Recorder::max_queued + 5; ++i) recorder.add(decided("AAAA-0001"));
  EXPECT_EQ(recorder.status().queued, Recorder::max_queued);
  EXPECT_EQ(recorder.status().dropped, 5U);
  EXPECT_THAT(lines_->all(), ElementsAre(HasSubstr("slower than the mail")));
}

TEST_F(History, DropsWhatIsTooLarge) {
  Recorder recorder(options(), log_);
  auto large = decided("AAAA-0001");
  large->inputs.header.add({"X", std::string(1000 * 1000, 'x')});
  for (int i = 0; i < 100; ++i) recorder.add(large);
  EXPECT_LE(recorder.status().queued, 68U);
  EXPECT_GE(recorder.status().dropped, 32U);
}

// A folder that cannot be written, and then can: one alarm, nothing lost, no restart.
TEST_F(History, RecoversWithoutARestart) {
  std::ofstream(folder_.file("history")) << "a file in the way";
  const auto recorder = started(options());
  recorder->add(decided("AAAA-0001"));
  EXPECT_FALSE(recorder->flush(500ms));
  for (int i = 0; i < 400 && recorder->status().problem.empty(); ++i)
    std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(recorder->status().recording);
  EXPECT_FALSE(recorder->status().problem.empty());
  std::filesystem::remove(folder_.file("history"));
  ASSERT_TRUE(recorder->flush(60s));
  EXPECT_THAT(ids(), ElementsAre("AAAA-0001"));
  EXPECT_THAT(lines_->all(),
              ElementsAre(HasSubstr("decisions are not recorded"), HasSubstr("recorded again")));
}

// Under the running daemon: noticed, told, and a new file begun, with the configuration that
// decides.
TEST_F(History, BeginsAnewWhenItsFileIsRemoved) {
  const auto recorder = started(options());
  recorder->add(Configuration{"d1", "[dmarc]\n", {}});
  recorder->add(decided("AAAA-0001"));
  ASSERT_TRUE(recorder->flush(60s));
  EXPECT_TRUE(recorder->status().recording);
  std::filesystem::remove(database_path(options().dir));
  EXPECT_FALSE(recorder->status().recording);
  EXPECT_THAT(recorder->status().problem, HasSubstr("removed or replaced"));
  recorder->add(decided("AAAA-0002"));
  ASSERT_TRUE(recorder->flush(60s));
  EXPECT_TRUE(recorder->status().recording);
  EXPECT_THAT(ids(), ElementsAre("AAAA-0002"));
  EXPECT_EQ(recorder->status().records, 1U);
  EXPECT_TRUE(Archive::open(options().dir)->configuration("d1").value());
  EXPECT_THAT(lines_->all(), testing::Contains(HasSubstr("removed or replaced")));
}

// By an older copy, as somebody who restores a backup does: its rows stay, and new ones join them.
TEST_F(History, GoesOnInAFileThatHasTakenItsPlace) {
  const auto path = database_path(options().dir);
  auto recorder = started(options());
  recorder->add(decided("AAAA-0001"));
  ASSERT_TRUE(recorder->flush(60s));
  {
    auto database = spool::Database::open(path, spool::Database::Open::existing);
    ASSERT_TRUE(database && database->script("PRAGMA wal_checkpoint(TRUNCATE)"));
    std::filesystem::copy_file(path, folder_.file("backup"));
  }
  for (int i = 0; i < 200; ++i) recorder->add(decided("BBBB-" + std::to_string(1000 + i)));
  ASSERT_TRUE(recorder->flush(60s));
  std::filesystem::rename(folder_.file("backup"), path);
  recorder->add(decided("AAAA-0002"));
  ASSERT_TRUE(recorder->flush(60s));
  EXPECT_THAT(ids(), ElementsAre("AAAA-0002", "AAAA-0001"));
  auto database = spool::Database::open(path, spool::Database::Open::existing);
  ASSERT_TRUE(database);
  std::string sound;
  EXPECT_TRUE(database->query("PRAGMA integrity_check", {}, [&](const spool::Row& row) {
    sound = row.text(0);
    return true;
  }));
  EXPECT_EQ(sound, "ok");
}

TEST_F(History, SetsADamagedFileAside) {
  std::filesystem::create_directories(options().dir);
  std::ofstream(database_path(options().dir)) << std::string(100'000, 'x');
  const auto recorder = started(options());
  recorder->add(decided("AAAA-0001"));
  ASSERT_TRUE(recorder->flush(60s));
  EXPECT_THAT(ids(), ElementsAre("AAAA-0001"));
  EXPECT_TRUE(std::filesystem::exists(database_path(options().dir) + ".damaged"));
}

TEST(NormalId, AsPeopleSayIt) {
  EXPECT_EQ(normal_id("k7q2-4dmx"), "K7Q2-4DMX");
  EXPECT_EQ(normal_id("K7Q24DMX"), "K7Q2-4DMX");
  EXPECT_EQ(normal_id("oil0-iiii"), "0110-1111");
  EXPECT_EQ(normal_id(""), "");
}

}  // namespace

}  // namespace sekisho::history
