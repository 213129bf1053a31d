#include "history/recorder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/memory.h"
#include "history/schema.h"
#include "spool/columns.h"

namespace sekisho::history {

namespace {

using spool::Failure;
using spool::Outcome;

// Decisions of one commit, and how long the first of them waits for others.
constexpr std::size_t batch_size = 500;
constexpr std::chrono::milliseconds gathering(100);
// After a failure: a full disk is not emptied within a second.
constexpr std::chrono::seconds retry_after(5);
// This many consecutive exceptions for the same batch, a tenth of a second apart, are not a want of
// memory: something in the batch cannot be written.
constexpr unsigned max_broken = 50;
constexpr std::chrono::seconds stop_within(5);

// Cuts the texts for searches and tables; the record has them in full.
std::string cut(std::string text, std::size_t octets) {
  if (text.size() > octets) text.resize(octets);
  return text;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) {
    if (text.size() > 4096) break;
    text += (text.empty() ? "" : "\n") + line;
  }
  return text;
}

// "reject dnsbl:zen listed: …": a line for each rule that refused a recipient at RCPT.
std::string refused_text(const std::vector<policy::RecipientDecision>& refused) {
  std::vector<std::string> lines;
  for (const auto& [to, decision] : refused) {
    std::string line = std::string(to_string(decision.action)) + " " + decision.rule + " " +
                       cut(decision.reason, 512);
    std::replace(line.begin(), line.end(), '\n', ' ');
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) {
      lines.push_back(std::move(line));
    }
  }
  return joined(lines);
}

std::string subject_of(const mail::Header& header) {
  const auto* field = header.first("Subject");
  return field == nullptr ? "" : cut(field->unfolded(), 512);
}

std::size_t estimated_octets(const session::Decided& decided) {
  return decided.inputs.header.octets() + 4096;
}

}  // namespace

Recorder::Recorder(Options options, Log& log, std::function<ClockLook()> look)
    : dir_(options.dir), log_(log), look_(std::move(look)) {
  queue_.with([&](Queue& queue) { queue.limits = std::move(options); });
}

Recorder::~Recorder() {
  if (!thread_.joinable()) return;
  queue_.with([](Queue& queue) { queue.stop = true; });
  queue_.notify_all();
  thread_.join();
}

void Recorder::start() {
  thread_ = std::thread([this] { run(); });
}

void Recorder::add(std::shared_ptr<const session::Decided> decided) {
  const auto octets = estimated_octets(*decided);
  bool alarm = false;
  bool wake = false;
  const bool taken = queue_.with([&](Queue& queue) {
    const bool room = queue.decisions.size() < max_queued && queue.octets < max_queued_octets;
    alarm = !room && !queue.full;
    queue.full = !room;
    if (!room) return false;
    queue.decisions.push_back(std::move(decided));
    queue.octets += octets;
    // Not notified for each: the thread waits for the first decision, and for a whole batch.
    const auto waiting = queue.decisions.size();
    wake = waiting == 1 || waiting == batch_size;
    return true;
  });
  if (wake) queue_.notify_all();
  if (taken) return;
  ++dropped_;
  if (alarm) {
    log_.write_limited(LogLevel::error, "history-full",
                       "history: the disk is slower than the mail: decisions are not recorded");
  }
}

void Recorder::add(Configuration configuration) {
  queue_.with([&](Queue& queue) { queue.configurations.push_back(std::move(configuration)); });
  queue_.notify_all();
}

void Recorder::set_limits(std::chrono::seconds keep, std::uint64_t max_size) {
  queue_.with([&](Queue& queue) {
    queue.limits.keep = keep;
    queue.limits.max_size = max_size;
    queue.limits_set = true;  // decisions beyond the new limits are removed at once
  });
  queue_.notify_all();
}

Status Recorder::status() const {
  auto status = status_.with([](const Status& current) { return current; });
  if (status.recording && !in_place()) {
    status.recording = false;
    status.problem =
        database_path(dir_) + " was removed or replaced; a new file is begun within seconds";
  }
  status.queued =
      queue_.with([](const Queue& queue) { return queue.decisions.size() + queue.writing; });
  status.dropped = dropped_;
  return status;
}

bool Recorder::flush(std::chrono::milliseconds within) {
  return queue_.wait_until(
      steady_now() + within,
      [](const Queue& q) {
        return q.decisions.empty() && q.configurations.empty() && q.writing == 0;
      },
      [](const Queue&, bool done) { return done; });
}

bool Recorder::wait_for_work(SteadyTime until) {
  return queue_.wait_until(
      until,
      [](const Queue& queue) {
        return queue.stop || queue.limits_set || !queue.decisions.empty() ||
               !queue.configurations.empty();
      },
      [](const Queue&, bool ready) { return ready; });
}

void Recorder::run() noexcept {
  const Patience patience;
  auto stop_by = SteadyTime::max();
  while (round(stop_by)) continue;
}

// False if the thread must stop.
bool Recorder::round(SteadyTime& stop_by) {
  if (batch_.empty() && configurations_.empty()) wait_for_work(next_prune_);
  // Waits for more decisions, so that they share a commit.
  const bool stopping = queue_.wait_until(
      steady_now() + gathering,
      [](const Queue& q) { return q.stop || q.decisions.size() >= batch_size; },
      [](const Queue& q, bool) { return q.stop; });
  if (stopping && stop_by == SteadyTime::max()) stop_by = steady_now() + stop_within;
  const bool worked = work();
  const bool idle = queue_.with([](Queue& q) { return q.decisions.empty() && q.writing == 0; });
  if (stopping && (idle || !worked || steady_now() > stop_by)) return false;
  if (!worked) {
    const auto pause = broken_ > 0 ? gathering : std::chrono::milliseconds(retry_after);
    queue_.wait_until(
        steady_now() + pause, [](const Queue& q) { return q.stop; }, [](const Queue&, bool) {});
  }
  return true;
}

// Writes one batch, and prunes a little; false if that failed. A batch that could not be written is
// retried; one that fails again and again is dropped.
bool Recorder::work() {
  Outcome<void> done;
  try {
    take_queued();
    done = try_work();
    broken_ = 0;
  } catch (const std::exception& error) {
    ++broken_;
    done = spool::failed(spool::failure_of(error));
  }
  if (done) return true;
  if (broken_ > max_broken) done.error().kind = Failure::Kind::refused;
  contained([&] { failed(done.error()); });
  return false;
}

void Recorder::take_queued() {
  batch_.reserve(batch_size);
  queue_.with([&](Queue& queue) {
    limits_ = queue.limits;
    if (std::exchange(queue.limits_set, false)) next_prune_ = {};
    configurations_.reserve(configurations_.size() + queue.configurations.size());
    for (auto& each : queue.configurations) configurations_.push_back(std::move(each));
    queue.configurations.clear();
    const auto room = batch_size - std::min(batch_size, batch_.size());
    const auto end = queue.decisions.begin() +
                     static_cast<std::ptrdiff_t>(std::min(room, queue.decisions.size()));
    batch_.insert(batch_.end(), std::make_move_iterator(queue.decisions.begin()),
                  std::make_move_iterator(end));
    queue.decisions.erase(queue.decisions.begin(), end);
    queue.octets = 0;
    for (const auto& each : queue.decisions) queue.octets += estimated_octets(*each);
    queue.writing = batch_.size();
  });
}

Outcome<void> Recorder::try_work() {
  notice_the_file();
  auto done = database_ ? Outcome<void>{} : open();
  if (done) done = write(batch_, configurations_);
  if (!done) return done;
  if (!configurations_.empty()) current_ = std::move(configurations_.back());
  batch_.clear();
  configurations_.clear();
  wal_inode_ = inode_of("-wal");
  recovered();
  queue_.with([](Queue& queue) { queue.writing = 0; });
  queue_.notify_all();
  return steady_now() >= next_prune_ ? prune(limits_) : Outcome<void>{};
}

// 0: there is none.
std::uint64_t Recorder::inode_of(const char* part) const {
  struct stat status {};
  return ::stat((database_path(dir_) + part).c_str(), &status) == 0 ? status.st_ino : 0;
}

bool Recorder::in_place() const { return inode_ == inode_of(""); }

// SQLite writes to the file that it has opened, even after it was removed or replaced.
void Recorder::notice_the_file() {
  if (!database_ || in_place()) return;
  const auto path = database_path(dir_);
  log_.error(
      LogLine("history: its file was removed or replaced, and what was recorded in it is gone; "
              "recording goes on in what is there now:")
          .field("file", path)
          .text());
  database_.reset();
  // The write-ahead log of the removed file would be read as that of the new one.
  if (inode_of("-wal") != wal_inode_) return;
  for (const char* part : {"-wal", "-shm"}) ::unlink((path + part).c_str());
}

Outcome<void> Recorder::open() {
  // Only the admin may see who wrote to whom.
  std::error_code failure;
  std::filesystem::create_directories(std::filesystem::path(dir_).parent_path(), failure);
  if (::mkdir(dir_.c_str(), 0750) != 0 && errno != EEXIST) {
    return spool::failed(spool::failure_of_errno(errno, "make " + dir_));
  }
  auto opened = spool::Database::open(database_path(dir_), spool::Database::Open::create,
                                      spool::Database::Page::large);
  if (!opened) return spool::failed(opened.error());
  auto& database = database_.emplace(std::move(*opened));
  auto done = database.script("PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864;");
  bool fresh = true;
  if (done) {
    done = database.query("SELECT count(*) FROM sqlite_schema", {}, [&](const spool::Row& row) {
      fresh = row.integer(0) == 0;
      return true;
    });
  }
  if (done && fresh) done = database.script(make_file);
  if (done) done = database.script(make_tables);
  if (done) done = add_columns(database);
  if (done) done = add_dictionary(database);
  if (done && current_) done = write({}, {*current_});
  if (done) {
    done = database.query("SELECT count(*) FROM decisions", {}, [&](const spool::Row& row) {
      status_.with([&](Status& s) { s.records = static_cast<std::uint64_t>(row.integer(0)); });
      return true;
    });
  }
  inode_ = inode_of("");
  next_prune_ = {};
  return done;
}

Outcome<void> Recorder::add_columns(spool::Database& database) {
  auto done =
      spool::add_column(database, "decisions", "refused",
                        "ALTER TABLE decisions ADD COLUMN refused TEXT NOT NULL DEFAULT '';");
  if (done) {
    done =
        spool::add_column(database, "decisions", "octets",
                          "ALTER TABLE decisions ADD COLUMN octets INTEGER NOT NULL DEFAULT 2048;");
  }
  if (done) {
    done =
        spool::add_column(database, "decisions", "monitored",
                          "ALTER TABLE decisions ADD COLUMN monitored TEXT NOT NULL DEFAULT '';");
  }
  if (done) done = database.script(make_refused_index);
  return done;
}

// Adds the dictionary for new records, unless the file has it. Dictionaries of other versions are
// small, and stay.
Outcome<void> Recorder::add_dictionary(spool::Database& database) {
  auto done =
      spool::add_column(database, "records", "dictionary",
                        "ALTER TABLE records ADD COLUMN dictionary INTEGER NOT NULL DEFAULT 0;");
  const std::string octets = record::make_dictionary();
  const auto find = [&] {
    return database.query("SELECT number FROM dictionaries WHERE octets = CAST(?1 AS BLOB)",
                          {octets}, [&](const spool::Row& row) {
                            dictionary_ = row.integer(0);
                            return false;
                          });
  };
  dictionary_ = 0;
  if (done) done = find();
  if (done && dictionary_ == 0) {
    const auto added =
        database.run("INSERT INTO dictionaries (octets) VALUES (CAST(?1 AS BLOB))", {octets});
    if (!added) return spool::failed(added.error());
    done = find();
  }
  if (done) encoder_.emplace(octets);
  return done;
}

Outcome<void> Recorder::write(const Decisions& decisions,
                              const std::vector<Configuration>& configurations) {
  if (decisions.empty() && configurations.empty()) return {};
  auto done = database_->transaction([&]() -> Outcome<void> {
    for (const auto& each : configurations) {
      const auto places = nlohmann::json(each.places).dump();
      const auto stored =
          database_->run("INSERT OR REPLACE INTO configurations VALUES (?1, ?2, ?3, ?4)",
                         {each.digest, wall_now().time_since_epoch().count(), each.text, places});
      if (!stored) return spool::failed(stored.error());
    }
    for (const auto& each : decisions) {
      if (auto inserted = insert(*each); !inserted) return inserted;
    }
    return {};
  });
  if (done) status_.with([&](Status& status) { status.records += decisions.size(); });
  return done;
}

std::string Recorder::record_of(const session::Decided& decided) {
  auto record = encoder_->encode(decided);
  if (record.size() <= max_record) return record;
  session::Decided lesser = decided;
  lesser.inputs.answers = {};
  lesser.inputs.refusals.clear();
  lesser.inputs.answers_left_out = true;
  return encoder_->encode(lesser);
}

Outcome<void> Recorder::insert(const session::Decided& decided) {
  const auto record = record_of(decided);
  const auto& facts = decided.outcome.facts;
  const auto& decision = decided.outcome.verdict.message;
  const auto client = facts.client.address ? facts.client.address->text() : std::string();
  auto named = mail::raw_texts(facts.recipients);
  for (const auto& refused_path : facts.refused_recipients) named.push_back(refused_path.raw());
  const auto recipients = joined(named);
  const auto author = facts.author.well_formed() ? facts.author.domain().text() : std::string();
  const auto subject = subject_of(decided.inputs.header);
  const auto refused = refused_text(decided.outcome.verdict.refused);
  const auto mail_from = cut(facts.mail_from.raw(), 512);
  const auto name = cut(facts.client.name, 255);
  const auto inserted = database_->run(
      "INSERT INTO decisions (id, queue_id, time, client, client_name, mail_from, recipients, "
      "author,"
      " subject, action, rule, reason, configuration, refused, octets, monitored)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
      {facts.id, facts.queue_id, facts.received.time_since_epoch().count(), client, name, mail_from,
       recipients, author, subject, to_string(decision.action), decision.rule, decision.reason,
       decided.configuration, refused, static_cast<std::int64_t>(record.size()),
       decision.monitored ? to_string(*decision.monitored) : std::string_view()});
  if (!inserted) return spool::failed(inserted.error());
  const auto stored = database_->run(
      "INSERT INTO records (number, record, dictionary)"
      " VALUES (last_insert_rowid(), CAST(?1 AS BLOB), ?2)",
      {record, dictionary_});
  if (!stored) return spool::failed(stored.error());
  return {};
}

void Recorder::failed(const Failure& failure) {
  status_.with([&](Status& status) {
    status.recording = false;
    status.problem = failure.why;
  });
  if (!alarmed_) {
    log_.error(LogLine("history: decisions are not recorded, mail goes on:")
                   .field("why", failure.why)
                   .field("dir", dir_)
                   .text());
  }
  alarmed_ = true;
  database_.reset();
  if (failure.kind == Failure::Kind::damaged) set_aside();
  // If the database refuses the values, a retry would not help.
  if (failure.kind == Failure::Kind::refused) {
    dropped_ += batch_.size();
    batch_.clear();
    configurations_.clear();
    queue_.with([](Queue& queue) { queue.writing = 0; });
  }
}

void Recorder::recovered() {
  status_.with([](Status& status) {
    status.recording = true;
    status.problem.clear();
  });
  if (!alarmed_) return;
  alarmed_ = false;
  log_.warning(
      LogLine("history: decisions are recorded again:").field("lost", dropped_.load()).text());
}

// Renames the damaged file for later inspection; only one such file is kept.
void Recorder::set_aside() {
  const auto path = database_path(dir_);
  for (const char* part : {"", "-wal", "-shm"}) {
    std::error_code ignored;
    std::filesystem::rename(path + part, path + ".damaged" + part, ignored);
  }
  log_.error("history: " + path + " is damaged; it is now " + path +
             ".damaged, and a new one is begun");
}

}  // namespace sekisho::history
