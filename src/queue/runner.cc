#include "queue/runner.h"
#include "queue/log_lines.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/ascii.h"
#include "base/memory.h"
#include "queue/settled.h"
#include "relay/results.h"

namespace sekisho::queue {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// At least so often the clock is looked at: it may have jumped.
constexpr seconds look_every{1};
// Counts, faults, and what other processes have changed.
constexpr seconds tend_every{2};
// After so long the end of a message file is on the disk, whoever crashes.
constexpr std::chrono::minutes done_for{10};
constexpr std::chrono::minutes forget_every{1};
// While no more wait for their turn, their texts stay in memory: most leave at once.
constexpr std::size_t waiting_in_full = 1000;

}  // namespace

Runner::Runner(Needs needs, Site site) : needs_(std::move(needs)), site_(std::move(site)) {
  if (needs_.marks != nullptr) marks_ = needs_.marks->found();
  load();
  thread_ = std::thread([this] { serve(); });
}

Runner::~Runner() {
  until_memory([this] { tasks_->post([this] { stopping_ = true; }); });
  thread_.join();
}

std::size_t Runner::drain(milliseconds within) {
  const auto until = steady_now() + within;
  tasks_->post([this] {
    draining_ = true;
    note_busy();
  });
  return busy_.wait_until(
      until, [](const auto& busy) { return busy == std::size_t{0}; },
      // One that does not answer is busy.
      [](const auto& busy, bool) { return busy.value_or(1); });
}

void Runner::note_busy() {
  if (!draining_) return;
  busy_.with([this](auto& busy) { busy = ready_.under_way() + committing_; });
  busy_.notify_all();
}

void Runner::load() {
  auto loaded = needs_.spool->read([this](Database& database) -> Outcome<void> {
    auto name = index_name(database);
    if (!name) return failed(name.error());
    index_ = std::move(*name);
    return each_message(database, [this](const Message& message) {
      entries_.emplace(message.letter.id, slim(message));
      return true;
    });
  });
  if (!loaded) needs_.logs.qmgr.error("queue: its index cannot be read: " + loaded.error().why);
  loaded_ = loaded.has_value();
  // The store has compared index and files: nothing of what is over can come back, but with a file
  // that could not be removed.
  constexpr auto all = std::numeric_limits<std::int64_t>::max();
  const auto kept = over_with_file(all);
  if (!kept) return;
  auto cleaned = needs_.spool->change(
      [&](Change& change) { return queue::forget_done(change.database(), all, *kept); });
  if (!cleaned) needs_.logs.qmgr.warning("queue: " + cleaned.error().why);
}

// Of what is over, what still has a file: others share it, or it could not be removed, and would
// be sent again if a start found it without knowing that it is over.
std::optional<std::vector<std::string>> Runner::over_with_file(std::int64_t up_to) {
  std::vector<std::string> ids;
  auto read = needs_.spool->read([&](Database& database) -> Outcome<void> {
    auto over = done_up_to(database, up_to);
    if (!over) return failed(over.error());
    ids = std::move(*over);
    return {};
  });
  if (!read) return std::nullopt;
  std::erase_if(ids, [this](const auto& id) { return !needs_.spool->has_message(id); });
  return ids;
}

void Runner::serve() {
  const Patience patience;
  contained([this] {
    note_crashes();
    std::vector<std::string> ids;
    for (const auto& [id, entry] : entries_) ids.push_back(id);
    for (const auto& id : ids) apply(id, entries_.at(id), {Event::Kind::restart});
    for (auto& [fault, waiting] : faults_) waiting.probe = wall_now();
  });
  while (!stopping_) {
    auto until = steady_now() + look_every;
    if (!due_.empty() && !draining_) {
      const auto wait = std::max(seconds(0), due_.begin()->first - wall_now());
      until = std::min(until, steady_now() + wait);
    }
    contained([&] { tasks_->run_until([this] { return stopping_.load(); }, until); });
    if (stopping_) return;
    contained([this] { take_due(); });
    contained([this] { pump(); });
    contained([this] { tend(); });
  }
}

std::shared_ptr<const std::string> Runner::domain_of(const std::string& address) {
  const mail::Path path(address);
  std::string domain = path.mailbox() ? path.mailbox()->domain.text() : ascii::lower(path.domain());
  if (domain.empty()) domain = ascii::lower(site_.origin);
  // Names that nobody uses any more are let go now and then.
  if (domains_.size() > 2 * entries_.size() + 1000)
    std::erase_if(domains_, [](const auto& each) { return each.second.use_count() == 1; });
  auto& known = domains_[domain];
  if (!known) known = std::make_shared<const std::string>(domain);
  return known;
}

Runner::Entry Runner::slim(const Message& message) {
  Entry entry;
  entry.null_sender = message.letter.sender.empty();
  entry.own = message.letter.own;
  entry.may_bounce = message.letter.may_bounce;
  entry.arrived = message.letter.arrived;
  for (const auto& to : message.recipients) {
    entry.recipients.push_back({to.place, to.progress, domain_of(to.address), to.expand});
    if (to.progress.reason == Reason::loop) note_loop(*entry.recipients.back().domain, to.last.why);
    if (to.progress.fault.empty()) continue;
    auto& since = faults_[to.progress.fault].since;
    if (since == WallTime{} || to.last.time < since) since = to.last.time;
  }
  return entry;
}

Circumstances Runner::around(const Entry& entry) {
  Circumstances around;
  around.now = wall_now();
  around.luck = static_cast<double>(random_() % 1001) / 1000;
  around.null_sender = entry.null_sender;
  around.own = entry.own;
  around.may_bounce = entry.may_bounce;
  return around;
}

Runner::Slim* Runner::find_slim(Entry& entry, std::uint32_t place) {
  for (auto& each : entry.recipients) {
    if (each.place == place) return &each;
  }
  return nullptr;
}

// The whole message; nullptr if it is gone, or cannot be read now.
Message* Runner::full(const std::string& id, Entry& entry) {
  if (entry.full) return &*entry.full;
  auto read = needs_.spool->read([&](Database& database) -> Outcome<void> {
    auto message = find(database, id);
    if (!message) return failed(message.error());
    entry.full = std::move(*message);
    return {};
  });
  if (!read) {
    needs_.logs.qmgr.write_limited(LogLevel::warning, "queue read",
                                   id + ": cannot be read: " + read.error().why);
    return nullptr;
  }
  // What is in memory is newer than the rows.
  for (auto& to : entry.full->recipients) {
    if (const auto* slim = find_slim(entry, to.place)) to.progress = slim->progress;
  }
  return &*entry.full;
}

void Runner::queued(Message message) {
  tasks_->post([this, message = std::move(message)]() mutable { take(std::move(message)); });
}

void Runner::take(Message message) {
  const std::string id = message.letter.id;
  needs_.logs.qmgr.info(arrival_line(message));
  auto [at, fresh] = entries_.emplace(id, slim(message));
  if (!fresh) return merge(id);
  at->second.full = std::move(message);
  schedule(id, at->second);
  if (at->second.scheduled && *at->second.scheduled <= wall_now()) look_at(id);
  pump();
  slim_down_if_many_wait(id);
}

// When the next of its recipients is due.
void Runner::schedule(const std::string& id, Entry& entry) {
  if (entry.scheduled) due_.erase({*entry.scheduled, id});
  entry.scheduled.reset();
  if (entry.committing > 0) return;
  for (const auto& each : entry.recipients) {
    if (each.progress.state != State::waiting || each.ready) continue;
    if (!entry.scheduled || each.progress.next < *entry.scheduled)
      entry.scheduled = each.progress.next;
  }
  if (entry.scheduled) due_.insert({*entry.scheduled, id});
}

// The messages that are due; at most some, so that results are not kept waiting.
bool Runner::take_due() {
  constexpr int at_once = 1000;
  for (int i = 0; i < at_once && !draining_; ++i) {
    if (due_.empty() || due_.begin()->first > wall_now()) return false;
    const std::string id = due_.begin()->second;
    due_.erase(due_.begin());
    const auto found = entries_.find(id);
    if (found == entries_.end()) continue;
    found->second.scheduled.reset();
    look_at(id);
  }
  return true;
}

void Runner::look_at(const std::string& id) {
  auto& entry = entries_.at(id);
  if (entry.scheduled) due_.erase({*entry.scheduled, id});
  entry.scheduled.reset();
  if (entry.committing > 0 || draining_) return;
  ready(id, entry);
  schedule(id, entry);
}

// Texts are let go while it waits.
void Runner::slim_down(const std::string& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  auto& entry = found->second;
  if (entry.under_way == 0 && entry.committing == 0) entry.full.reset();
}

// Behind a hop that is slow or away many may wait: their texts are read when it is their turn.
void Runner::slim_down_if_many_wait(const std::string& id) {
  if (ready_.waiting() > waiting_in_full) slim_down(id);
}

void Runner::tend() {
  const auto now = steady_now();
  // One by one: what is not begun for want of memory is there the next time.
  for (std::size_t left = again_.size(); left > 0 && again_.front().first <= now; --left) {
    write(again_.front().second);
    again_.pop_front();
  }
  if (now < next_tend_) return;
  next_tend_ = now + tend_every;
  // Clocks that jumped back, warnings, and the end of what only waits: a part of all at a time.
  read_news();
  if (!loaded_) loaded_ = find_lost();
  probe_faults();
  recount();
  end_alarms();
  write_summary();
  if (now < next_forget_) return;
  next_forget_ = now + forget_every;
  forget_done();
  forget_hops();
  find_lost();
  std::vector<std::string> ids;
  for (const auto& [id, entry] : entries_) {
    if (entry.under_way == 0 && entry.committing == 0) ids.push_back(id);
  }
  for (const auto& id : ids) apply(id, entries_.at(id), {Event::Kind::look});
}

void Runner::read_news() {
  for (const auto& id : std::exchange(unread_, {})) merge(id);
  std::vector<std::string> ids;
  bool any = false;
  auto looked = needs_.spool->read([&](Database& database) {
    return database.query("SELECT 1 FROM queue_news LIMIT 1", {},
                          [&](const Row&) { return any = true; });
  });
  if (!looked || !any) return;
  auto taken = needs_.spool->change([&](Change& change) -> Outcome<void> {
    auto news = take_news(change.database());
    if (!news) return failed(news.error());
    ids = std::move(*news);
    return {};
  });
  if (!taken) return;
  for (const auto& id : ids) merge(id);
}

// A message that is on the disk and was not handed over, for want of memory or because the index
// could not be read at the start. False: it cannot be read now.
bool Runner::find_lost() {
  std::vector<std::string> ids;
  auto read = needs_.spool->read([&](Database& database) {
    return database.query("SELECT id FROM queued", {}, [&](const Row& row) {
      if (std::string id(row.text(0)); !entries_.contains(id)) ids.push_back(std::move(id));
      return true;
    });
  });
  for (const auto& id : ids) merge(id);
  return read.has_value();
}

// Recipients that another process has added.
void Runner::merge(const std::string& id) {
  // Until then the disk has rows that others take the place of: they would be sent twice.
  if (const auto known = entries_.find(id);
      known != entries_.end() && known->second.committing > 0) {
    unread_.insert(id);
    return;
  }
  Message message;
  auto read = needs_.spool->read([&](Database& database) -> Outcome<void> {
    auto found = find(database, id);
    if (!found) return failed(found.error());
    message = std::move(*found);
    return {};
  });
  if (!read) {
    // The news of it are deleted.
    if (read.error().kind != Failure::Kind::not_found) unread_.insert(id);
    return;
  }
  const bool fresh = !entries_.contains(id);
  auto& entry = entries_[id];
  if (fresh) entry = slim(message);
  for (const auto& to : message.recipients) {
    if (find_slim(entry, to.place) == nullptr)
      entry.recipients.push_back({to.place, to.progress, domain_of(to.address), to.expand});
    const bool known =
        !entry.full || std::any_of(entry.full->recipients.begin(), entry.full->recipients.end(),
                                   [&](const auto& each) { return each.place == to.place; });
    if (!known) entry.full->recipients.push_back(to);
  }
  if (fresh) {
    if (const auto mark = marks_.find(id); mark != marks_.end()) note_crash(id, mark->second);
    apply(id, entry, {Event::Kind::restart});
  }
  look_at(id);
}

void Runner::forget_done() {
  // Numbers begin anew when nothing is over: one that is noted twice would forget too early.
  auto latest = needs_.spool->read([this](Database& database) -> Outcome<void> {
    auto number = latest_done(database);
    if (number && *number > 0 && (done_.empty() || *number > done_.back().second))
      done_.emplace_back(steady_now(), *number);
    return {};
  });
  std::int64_t up_to = 0;
  while (!done_.empty() && done_.front().first + done_for <= steady_now()) {
    up_to = done_.front().second;
    done_.pop_front();
  }
  if (!latest || up_to == 0) return;
  auto kept = over_with_file(up_to);
  if (!kept) return;
  needs_.spool->change_soon(
      [up_to, kept = std::move(*kept)](Change& change) {
        return queue::forget_done(change.database(), up_to, kept);
      },
      [](const auto&) {});
}

void Runner::recount() {
  Counts now;
  const auto time = wall_now();
  now.messages = entries_.size();
  now.attempts_under_way = ready_.under_way();
  for (const auto& [id, entry] : entries_) {
    const auto age = std::chrono::duration_cast<seconds>(time - entry.arrived);
    now.oldest = std::max(now.oldest, age);
    for (std::size_t i = 0; i < ages.size(); ++i) now.older[i] += age.count() > ages[i] ? 1 : 0;
    for (const auto& each : entry.recipients) {
      ++now.by_state[each.progress.state];
      if (each.progress.state == State::waiting) ++now.waiting_for[each.progress.reason];
      if (each.progress.state == State::held) ++now.held_for[each.progress.reason];
    }
  }
  counts_.with([&](Counts& counts) {
    now.sent = counts.sent;
    now.bounced = counts.bounced;
    now.deferred = counts.deferred;
    now.by_route = std::move(counts.by_route);
    counts = std::move(now);
  });
}

Counts Runner::counts() const {
  return counts_.with([](const Counts& counts) { return counts; });
}

void Runner::reload(Site site) {
  tasks_->post([this, site = std::move(site)]() mutable {
    site_ = std::move(site);
    name_hops_anew();
    needs_.transport.forget("");
    std::vector<std::string> ids;
    for (const auto& [id, entry] : entries_) ids.push_back(id);
    for (const auto& id : ids) apply(id, entries_.at(id), {Event::Kind::reload});
  });
}

void Runner::replace(Site site) {
  tasks_->post([this, site = std::move(site)]() mutable {
    site_ = std::move(site);
    name_hops_anew();
    std::vector<std::string> faults;
    for (const auto& [fault, waiting] : faults_) {
      if (!fault.starts_with(relay::route_fault)) faults.push_back(fault);
    }
    for (const auto& fault : faults) try_after(fault);
  });
}

void Runner::try_again(std::string fault) {
  tasks_->post([this, fault = std::move(fault)] {
    if (const auto found = faults_.find(fault); found != faults_.end()) {
      found->second.probe = wall_now();
      probe_faults();
    }
  });
}

void Runner::look() {
  tasks_->post([this] { read_news(); });
}

}  // namespace sekisho::queue
