#include "spool/pipeline.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <unistd.h>

namespace sekisho::spool {

namespace {

using std::chrono::milliseconds;

// At most this many puts wait for a writer, with their messages within DraftMemory. A later one
// would wait longer for a stalled disk than its client does.
constexpr std::size_t waiting_puts = 1024;

// Puts of one commit: some milliseconds of work, so that the first of them does not wait for the
// last.
constexpr std::size_t group_puts = 256;

// How long a put waits for a locked index, counted from the call; and the minimum, for a put whose
// time passed while it was queued.
constexpr milliseconds patience{2000};
constexpr milliseconds least_patience{200};

// Without a meaning: a wait needs an end.
constexpr std::chrono::hours idle{1};

milliseconds patience_left(SteadyTime since) {
  const auto waited = std::chrono::duration_cast<milliseconds>(steady_now() - since);
  return std::max(least_patience, patience - waited);
}

}  // namespace

Pipeline::Pipeline(const Options& options, std::shared_ptr<const Folder> folder, Index& index,
                   Condition& condition, std::function<void()> mend)
    : options_(options),
      folder_(std::move(folder)),
      index_(index),
      condition_(condition),
      mend_(std::move(mend)) {
  read_usage();
  try {
    committer_ = std::thread([this] { commit_until_stopped(); });
    for (unsigned i = 0; i < std::max(options_.writers, 1U); ++i)
      writers_.emplace_back([this] { write_until_stopped(); });
  } catch (...) {
    stop();
    throw;
  }
}

Pipeline::~Pipeline() { stop(); }

void Pipeline::stop() noexcept {
  waiting_.with([](Waiting& waiting) { waiting.stopping = true; });
  waiting_.notify_all();
  for (auto& writer : writers_) writer.join();
  written_.with([](Written& written) { written.stopping = true; });
  written_.notify_all();
  if (committer_.joinable()) committer_.join();
}

void Pipeline::put(Draft draft, Filed message, Store::With with, Store::Done done) {
  Put put{std::move(draft),
          std::move(message),
          std::move(with),
          std::move(done),
          steady_now(),
          0,
          false,
          {},
          std::nullopt};
  put.octets = put.draft.size() + put.message.record.octets.size() + Trailer::octets;
  const auto octets = put.octets;
  const bool taken = waiting_.with([&](Waiting& waiting) {
    if (waiting.puts.size() >= waiting_puts) return false;
    waiting.puts.push_back(std::move(put));
    reserved_ += octets;
    return true;
  });
  if (taken) {
    waiting_.notify_one();
    return;
  }
  // Answered by the committer, because `done` is never called from here.
  put.outcome = failed(Failure::Kind::unavailable, "too many messages wait for the disk");
  written_.with([&](Written& written) {
    written.puts.push_back(std::move(put));
    reserved_ += octets;
  });
  written_.notify_one();
}

void Pipeline::change(Store::With with, Store::Done done) {
  Put put{Draft(folder_), {}, std::move(with), std::move(done), steady_now(), 0,
          false,          {}, std::nullopt};
  written_.with([&](Written& written) { written.puts.push_back(std::move(put)); });
  written_.notify_one();
}

void Pipeline::want_mending() {
  written_.with([](Written& written) { written.mend = true; });
  written_.notify_one();
}

void Pipeline::write_until_stopped() noexcept {
  while (write_one()) continue;
}

// False when it is to stop.
bool Pipeline::write_one() {
  auto put = waiting_.wait_until(
      steady_now() + idle, [](const Waiting& w) { return w.stopping || !w.puts.empty(); },
      [](Waiting& waiting, bool) -> std::optional<Put> {
        if (waiting.puts.empty()) return std::nullopt;
        Put first = std::move(waiting.puts.front());
        waiting.puts.pop_front();
        return first;
      });
  if (!put) return !waiting_.with([](const Waiting& waiting) { return waiting.stopping; });
  write_to_the_end(*put);
  return true;
}

// Afterwards its file is written and the committer has it, or it is answered.
void Pipeline::write_to_the_end(Put& put) noexcept {
  Outcome<void> done;
  try {
    done = write(put);
    if (done) written_.with([&](Written& written) { written.puts.push_back(std::move(put)); });
  } catch (const std::exception& error) {
    done = failed(failure_of(error));
  }
  if (!done) {
    condition_.failed_with(done.error());
    // Wakes the committer, which may now have to try the store.
    written_.with([](Written& queue) { queue.wake = true; });
    finish(put, failed(std::move(done.error())));
  }
  written_.notify_one();
}

Outcome<void> Pipeline::write(Put& put) {
  if (auto why = condition_.barred()) return failed(*why);
  if (auto within = keep_limit(put); !within) return within;
  return put.draft.finish(put.message.record.octets, put.message.record.version);
}

Outcome<void> Pipeline::keep_limit(const Put& put) {
  if (options_.max_size == 0) return {};
  // In this order: a commit adds to octets_ before it subtracts from reserved_, so that everything
  // is counted at least once.
  const auto over = [&] {
    const std::uint64_t reserved = reserved_;
    return reserved + octets_ > options_.max_size;
  };
  if (!over()) return {};
  // Others may have removed messages since the last commit.
  if (auto read = read_usage(); !read) return read;
  if (!over()) return {};
  return failed(Failure::Kind::limit, "a message of " + std::to_string(put.message.size) +
                                          " octets would exceed max_size, " +
                                          std::to_string(options_.max_size) + " octets");
}

Outcome<void> Pipeline::read_usage() {
  return index_.with([&](Database& database) -> Outcome<void> {
    auto usage = Index::usage(database);
    if (!usage) return failed(usage.error());
    octets_ = usage->octets;
    return {};
  });
}

void Pipeline::commit_until_stopped() noexcept {
  bool more = true;
  while (more) until_memory([&] { more = commit_some(); });
}

// False when it is to stop. What it has not taken when it throws is there the next time.
bool Pipeline::commit_some() {
  const auto wake = condition_.next_try().value_or(steady_now() + idle);
  Puts group;
  group.reserve(group_puts);
  bool stopping = false;
  bool mend = false;
  written_.wait_until(
      wake,
      [](const Written& written) {
        return written.stopping || written.mend || written.wake || !written.puts.empty();
      },
      [&](Written& written, bool) {
        const auto count = std::min(group_puts, written.puts.size());
        const auto end = written.puts.begin() + static_cast<std::ptrdiff_t>(count);
        group.assign(std::make_move_iterator(written.puts.begin()), std::make_move_iterator(end));
        written.puts.erase(written.puts.begin(), end);
        stopping = written.stopping;
        written.wake = false;
        mend = std::exchange(written.mend, false);
      });
  if (!group.empty()) commit(group);
  if (group.empty() && stopping) return false;
  if (!stopping) contained([&] { tend(mend); });
  return true;
}

void Pipeline::commit(Puts& group) noexcept {
  const auto done = try_commit(group);
  if (!done) {
    condition_.failed_with(done.error());
    if (done.error().kind == Failure::Kind::damaged) want_mending();
  }
  const bool stored = std::any_of(group.begin(), group.end(), [](const Put& put) {
    return put.outcome && put.outcome->has_value();
  });
  if (stored) condition_.put_succeeded();
  finish_all(group, done);
}

Outcome<void> Pipeline::try_commit(Puts& group) noexcept {
  try {
    auto done = publish(group);
    if (done) done = add_rows(group);
    return done;
  } catch (const std::exception& error) {
    return failed(failure_of(error));
  }
}

// Answers every put of the group, whatever the result.
void Pipeline::finish_all(Puts& group, const Outcome<void>& done) noexcept {
  for (auto& put : group) {
    Outcome<Stored> outcome = failed(Failure::Kind::io, "no memory");
    if (put.outcome) {
      outcome = std::move(*put.outcome);
    } else if (!done) {
      contained([&] { outcome = failed(done.error()); });
    }
    if (put.published && (!outcome || outcome->repeated)) folder_->remove_message(put.message.key);
    if (outcome) {
      for (const auto& key : put.gone) folder_->remove_message(key);
    }
    finish(put, std::move(outcome));
  }
}

// Renames every file; puts whose file cannot be renamed are answered with the failure.
Outcome<void> Pipeline::publish(Puts& group) {
  bool any = false;
  std::optional<Failure> barred = condition_.barred();
  for (auto& put : group) {
    if (put.outcome) continue;
    if (barred) {
      put.outcome = failed(*barred);
      continue;
    }
    if (!put.has_file()) continue;
    auto published = put.draft.publish(put.message.key);
    if (!published) {
      condition_.failed_with(published.error());
      put.outcome = failed(published.error());
      continue;
    }
    put.published = any = true;
  }
  return any ? folder_->sync() : Outcome<void>{};
}

Outcome<void> Pipeline::add_rows(Puts& group) {
  const auto open = [](const Put& put) { return !put.outcome; };
  const auto first = std::find_if(group.begin(), group.end(), open);
  if (first == group.end()) return {};
  const auto wait = patience_left(first->since);
  std::vector<std::optional<Outcome<Stored>>> outcomes(group.size());
  std::uint64_t octets = 0;
  auto added = index_.with([&](Database& database) {
    database.set_patience(wait);
    auto done = database.transaction([&]() -> Outcome<void> {
      for (std::size_t i = 0; i < group.size(); ++i) {
        if (!open(group[i])) continue;
        auto outcome = add_row(database, group[i]);
        if (!outcome) return failed(outcome.error());
        outcomes[i] = std::move(*outcome);
      }
      auto usage = Index::usage(database);
      if (!usage) return failed(usage.error());
      octets = usage->octets;
      return {};
    });
    database.set_patience(patience);
    return done;
  });
  if (!added) return added;
  octets_ = octets;
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (outcomes[i]) group[i].outcome = std::move(*outcomes[i]);
  }
  return {};
}

Outcome<void> Pipeline::change_others(Database& database, Put& put) {
  if (!put.with) return {};
  Change change(database);
  if (auto done = put.with(change); !done) return done;
  auto gone = index_.drop_unwanted(database, change.dropped());
  if (!gone) return failed(gone.error());
  put.gone = std::move(*gone);
  return {};
}

Outcome<Stored> Pipeline::place(Database& database, Put& put) {
  if (auto changed = change_others(database, put); !changed) return failed(changed.error());
  if (!put.has_file()) return Stored{};
  auto place = index_.place(database, put.message, put.octets,
                            [&](const std::string& key) { return folder_->has_message(key); });
  if (!place) return failed(place.error());
  if (!place->same_as.empty()) return Stored{place->same_as, true};
  if (place->whole) return Stored{put.message.key, false};
  return failed(Failure::Kind::exists, "there was a message of that key already");
}

// The outcome of one put; a failure affects the whole group.
Outcome<Outcome<Stored>> Pipeline::add_row(Database& database, Put& put) {
  auto placed = database.attempt([&] { return place(database, put); });
  const auto kind = placed ? Failure::Kind::io : placed.error().kind;
  const bool of_this_put = kind == Failure::Kind::refused || kind == Failure::Kind::exists ||
                           kind == Failure::Kind::not_found || kind == Failure::Kind::limit;
  if (!placed && !of_this_put) return failed(placed.error());
  return Outcome<Outcome<Stored>>(std::move(placed));
}

void Pipeline::finish(Put& put, Outcome<Stored> outcome) noexcept {
  reserved_ -= put.octets;
  // Removes its temporary file, if any, before the failure is reported.
  put.draft = Draft(folder_);
  contained([&] { put.done(std::move(outcome)); });
}

void Pipeline::tend(bool mend) {
  if (mend) mend_();
  const auto due = condition_.next_try();
  if (!due || *due > steady_now()) return;
  if (auto works = try_store(); works) {
    index_.works_again();
    condition_.tried();
  } else {
    condition_.failed_with(works.error());
    if (works.error().kind == Failure::Kind::damaged) mend_();
  }
}

// Does everything that a put does, with a test file and new descriptors.
Outcome<void> Pipeline::try_store() {
  Draft draft(folder_);
  draft.append(std::string(4096, '\n'));
  auto done = draft.finish({});
  if (done) done = folder_->sync();
  if (!done) return done;
  return index_.with([](Database& database) -> Outcome<void> {
    database.set_patience(least_patience);
    auto written = database.run("UPDATE tries SET number = number + 1");
    database.set_patience(patience);
    if (!written) return failed(written.error());
    return {};
  });
}

}  // namespace sekisho::spool
