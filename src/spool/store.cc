#include "spool/store.h"

#include <algorithm>
#include <optional>
#include <set>
#include <thread>

#include "base/clock.h"
#include "spool/condition.h"
#include "spool/folder.h"
#include "spool/index.h"
#include "spool/pipeline.h"
#include "spool/reconcile.h"

namespace sekisho::spool {

namespace {

// No message takes longer than this to arrive; an older temporary file is left over from a crash.
constexpr std::chrono::hours arriving{1};

// The index is rebuilt at most this often: if it is damaged again at once, the disk or this program
// is broken, and more copies of the database would only fill the disk.
constexpr std::chrono::minutes between_mendings{1};

// At most this many keys in one alarm; verify() lists them all.
constexpr std::size_t keys_told = 5;

std::string told(const std::vector<std::string>& keys) {
  std::string text = std::to_string(keys.size()) + ": ";
  for (std::size_t i = 0; i < std::min(keys.size(), keys_told); ++i)
    text += (i == 0 ? "" : " ") + keys[i];
  return keys.size() > keys_told ? text + " …" : text;
}

class DurableStore final : public Store {
 public:
  DurableStore(std::shared_ptr<const Folder> folder, AllTables tables, Alarm alarm)
      : folder_(std::move(folder)),
        index_(folder_, std::move(tables)),
        condition_(std::move(alarm)) {}

  Outcome<void> start_as_owner(const Options& options);
  Outcome<void> start_as_guest();

  Draft draft() const override { return Draft(folder_, draft_memory_); }
  void put_with(Draft draft, std::string key, std::vector<Part> parts, With with,
                Done done) override;
  void change_soon(With with, Done done) override;
  Outcome<void> read(const std::function<Outcome<void>(Database&)>& use) override;
  Outcome<void> change(const std::function<Outcome<void>(Change&)>& use) override;
  Outcome<MessageFile> open_message(const std::string& key) const override {
    return MessageFile::open(*folder_, key);
  }
  bool has_message(const std::string& key) const override { return folder_->has_message(key); }
  Outcome<Findings> verify(bool contents) override {
    return watched(compare(*folder_, index_, contents, /*at_rest=*/false));
  }
  Outcome<Usage> usage() override;
  Health health() const override { return condition_.health(); }

 private:
  Outcome<void> reconcile(bool index_was_lost);
  Outcome<void> make_index_again(const std::string& why);
  void mend();
  Outcome<void> check(const std::vector<Part>& parts) const;

  // If `use` finds the index damaged, it is rebuilt.
  template <class T>
  Outcome<T> watched(Outcome<T> outcome) {
    if (!outcome && outcome.error().kind == Failure::Kind::damaged && pipeline_) {
      condition_.failed_with(outcome.error());
      pipeline_->want_mending();
    }
    return outcome;
  }

  const std::shared_ptr<const Folder> folder_;
  const std::shared_ptr<DraftMemory> draft_memory_ = std::make_shared<DraftMemory>();
  Index index_;
  Condition condition_;
  UniqueFd lock_;
  std::optional<SteadyTime> mended_;    // used by the committer only
  std::unique_ptr<Pipeline> pipeline_;  // only for the owner; destroyed first
};

// A command that changes rows while no daemon runs is the owner for a moment. A daemon that is
// started just then waits for it, and does not end for good because of it.
Outcome<UniqueFd> lock_patiently(const Folder& folder) {
  constexpr auto patience = std::chrono::seconds(5);
  constexpr auto pause = std::chrono::milliseconds(50);
  for (const auto end = steady_now() + patience;; std::this_thread::sleep_for(pause)) {
    auto lock = folder.lock();
    if (lock || lock.error().kind != Failure::Kind::locked || steady_now() >= end) return lock;
  }
}

Outcome<void> DurableStore::start_as_owner(const Options& options) {
  auto lock = lock_patiently(*folder_);
  if (!lock) return failed(lock.error());
  lock_ = std::move(*lock);
  folder_->remove_temporaries(wall_now() - arriving);
  auto ready = index_.create();
  if (ready) ready = reconcile(false);
  if (!ready && ready.error().kind == Failure::Kind::damaged)
    ready = make_index_again(ready.error().why);
  if (!ready) return ready;
  pipeline_ = std::make_unique<Pipeline>(options, folder_, index_, condition_, [this] { mend(); });
  return {};
}

Outcome<void> DurableStore::start_as_guest() {
  return index_.with([](Database&) -> Outcome<void> { return {}; });
}

Outcome<void> DurableStore::reconcile(bool index_was_lost) {
  auto findings = compare(*folder_, index_, /*contents=*/false, /*at_rest=*/true);
  if (!findings) return failed(findings.error());
  const auto lost = std::move(findings->without_file);
  auto indexed = index_again(*folder_, index_, *findings);
  if (!indexed) return failed(indexed.error());
  if (*indexed > 0 || index_was_lost) {
    condition_.alarm(std::to_string(*indexed) + " messages in " + folder_->path() +
                     " had no row in the index and have one again");
  }
  if (!lost.empty())
    condition_.alarm("message files are missing in " + folder_->path() + ": " + told(lost));
  if (!findings->damaged.empty()) {
    condition_.alarm("message files in " + folder_->path() +
                     " are damaged: " + told(findings->damaged));
  }
  return {};
}

Outcome<void> DurableStore::make_index_again(const std::string& why) {
  auto aside = index_.set_aside();
  if (!aside) return failed(aside.error());
  const std::string kept = aside->empty() ? "" : "kept as " + *aside + " and ";
  condition_.alarm("the index of " + folder_->path() + " is damaged (" + why + "): it is " + kept +
                   "made again from the message files");
  return reconcile(true);
}

void DurableStore::mend() {
  if (mended_ && steady_now() - *mended_ < between_mendings) return;
  auto mended = make_index_again(condition_.health().why);
  if (mended) {
    mended_ = steady_now();
  } else {
    condition_.failed_with(mended.error());
  }
}

// Parts without tables, or two for the same tables, could not be indexed again from the file.
Outcome<void> DurableStore::check(const std::vector<Part>& parts) const {
  if (!pipeline_) return failed(Failure::Kind::refused, "only the owner of the store may put");
  std::set<std::string_view> names;
  for (const auto& part : parts) {
    if (index_.has_tables(part.tables)) names.insert(part.tables);
  }
  if (parts.empty() || names.size() != parts.size())
    return failed(Failure::Kind::refused, "not one part for each of some tables of the store");
  return {};
}

void DurableStore::put_with(Draft draft, std::string key, std::vector<Part> parts, With with,
                            Done done) {
  if (auto good = check(parts); !good) {
    done(failed(good.error()));
    return;
  }
  const auto size = draft.size();
  Filed message{std::move(key), write_parts(std::move(parts), index_.first_name()), size};
  pipeline_->put(std::move(draft), std::move(message), std::move(with), std::move(done));
}

void DurableStore::change_soon(With with, Done done) {
  if (!pipeline_)
    return done(failed(Failure::Kind::refused, "only the owner of the store may change it soon"));
  pipeline_->change(std::move(with), std::move(done));
}

Outcome<void> DurableStore::read(const std::function<Outcome<void>(Database&)>& use) {
  return watched(index_.with(use));
}

Outcome<void> DurableStore::change(const std::function<Outcome<void>(Change&)>& use) {
  std::vector<std::string> gone;
  auto changed = index_.with([&](Database& database) {
    return database.transaction([&]() -> Outcome<void> {
      Change change(database);
      if (auto done = use(change); !done) return done;
      auto unwanted = index_.drop_unwanted(database, change.dropped());
      if (!unwanted) return failed(unwanted.error());
      gone = std::move(*unwanted);
      return {};
    });
  });
  if (changed) {
    for (const auto& key : gone) folder_->remove_message(key);
  }
  return watched(std::move(changed));
}

Outcome<Usage> DurableStore::usage() {
  Usage usage;
  auto got = read([&](Database& database) -> Outcome<void> {
    auto found = Index::usage(database);
    if (!found) return failed(found.error());
    usage = *found;
    return {};
  });
  if (!got) return failed(got.error());
  return usage;
}

}  // namespace

Outcome<std::unique_ptr<Store>> Store::open(const Options& options, Access access, AllTables tables,
                                            Alarm alarm) {
  auto folder = Folder::open(options.dir, access == Access::owner);
  if (!folder) return failed(folder.error());
  auto store =
      std::make_unique<DurableStore>(std::move(*folder), std::move(tables), std::move(alarm));
  auto started = access == Access::owner ? store->start_as_owner(options) : store->start_as_guest();
  if (!started) return failed(started.error());
  return store;
}

}  // namespace sekisho::spool
