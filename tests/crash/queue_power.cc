// The power fails while the queue works: real Intake, tables and Runner take messages in, hold,
// expand, send, defer, bounce, release and delete them. Everything that they do to their folder is
// recorded and played again up to random points, as in spool_power.cc; then the queue goes on from
// what the disk holds. Every recipient of what was acknowledged has the message, or is told of in a
// bounce, or is held: once, but for the window that docs/durability.md names.
//   queue_power [--points N] [--seed N]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "quarantine/acts.h"
#include "quarantine/held_part.h"
#include "quarantine/row.h"
#include "quarantine/tables.h"
#include "queue/intake.h"
#include "queue/release.h"
#include "queue/runner.h"
#include "shim/io.h"
#include "support/held_messages.h"
#include "support/spool_store.h"
#include "support/temporary_folder.h"

namespace sekisho::test {
namespace {

using queue::Act;
using relay::Result;

constexpr const char* sender = "boss@sender.example";
constexpr const char* fan = "fan@here.example";
constexpr std::chrono::seconds patience{60};

// --- what happened -------------------------------------------------------------------------------

// accepted, held ID TO      acknowledged: for the queue, for the quarantine
// had ID TO                 the next hop has it
// told, reported ID TO BY   the sender has the bounce BY, or the report of success
// logged ID TO STATE        the log says so: it is durable
// releasing, released ID    a command from the quarantine: begun, done
// deleting, deleted ID      a command
// kept ID                   held by a command
struct Event {
  std::string what;
  std::string id;
  std::string to = {};
  std::string more = {};
  bool operator==(const Event&) const = default;
};

[[noreturn]] void give_up(const std::string& why) {
  std::printf("%s\n", why.c_str());
  std::fflush(stdout);
  std::abort();
}

// Thread: any, internally locked.
class Ledger {
 public:
  explicit Ledger(bool recording) : recording_(recording) {}
  void say(Event event) {
    if (recording_) io::mark(event.what + " " + event.id + " " + event.to + " " + event.more);
    events_.with([&](auto& all) { all.push_back(std::move(event)); });
    events_.notify_all();
  }
  // Ends the program if it does not come.
  void wait(const Event& event) {
    const bool found = events_.wait_until(
        steady_now() + patience,
        [&](const auto& all) { return std::find(all.begin(), all.end(), event) != all.end(); },
        [](const auto&, bool came) { return came; });
    if (found) return;
    give_up("never: " + event.what + " " + event.id + " " + event.to + " " + event.more);
  }
  std::vector<Event> all() const {
    return events_.with([](const auto& all) { return all; });
  }

 private:
  const bool recording_;
  Guarded<std::vector<Event>> events_;
};

std::string between(std::string_view text, std::string_view begin, std::string_view end) {
  const auto from = text.find(begin);
  if (from == std::string_view::npos) return {};
  const auto at = from + begin.size();
  const auto to = text.find(end, at);
  return to == std::string_view::npos ? "" : std::string(text.substr(at, to - at));
}

// What has come of a recipient is logged when it is durable.
class Sink final : public LogSink {
 public:
  explicit Sink(Ledger& ledger) : ledger_(ledger) {}
  bool write(LogLevel, std::string_view line) const override {
    const auto state = between(std::string(line) + " ", "status=", " ");
    if (!state.empty())
      ledger_.say({"logged", std::string(line.substr(0, line.find(':'))),
                   between(line, "to=<", ">"), state});
    return true;
  }

 private:
  Ledger& ledger_;
};

// --- a next hop ----------------------------------------------------------------------------------

// Answers by the local part: "refused", "later" (the second attempt gets through), "never". When
// the power is back, all but the refused have their mail.
class Hop final : public relay::Transport {
 public:
  Hop(Ledger& ledger, bool after) : ledger_(ledger), after_(after) {}

  void deliver(relay::Job job, Done done) override {
    const auto content = job.open();
    if (!content) std::abort();
    const std::string text = (*content)->read(0, 1 << 16).value_or("");
    relay::JobResult result;
    for (const auto& target : job.targets) {
      result.results.push_back(answer(job.id, target.path));
      if (result.results.back().code != Result::Code::sent) continue;
      ledger_.say({"had", job.id, target.path.raw()});
      if (job.sender.is_null()) read_report(job.id, text);
    }
    done(std::move(result));
  }
  void forget(const std::string& /*domain*/) override {}

 private:
  Result answer(const std::string& id, const mail::Path& to) {
    const auto who = to.local_part();
    Result result;
    result.code = Result::Code::sent;
    result.status = "2.0.0";
    result.reply = result.why = "250 ok";
    if (who == "refused") {
      result.code = Result::Code::failed;
      result.status = "5.1.1";
      result.reply = "550 nobody";
    } else if (!after_ && (who == "never" || (who == "later" && seen_.with([&](auto& seen) {
                             return seen.insert(id + to.raw()).second;
                           })))) {
      result.code = Result::Code::deferred;
      result.status = "4.2.0";
      result.reply = "450 later";
    }
    return result;
  }
  void read_report(const std::string& by, std::string_view text) {
    const std::string id = between(text, "X-Sekisho-Id: ", "\r\n");
    const bool failed = text.find("Action: failed") != std::string_view::npos;
    constexpr std::string_view field = "Final-Recipient: rfc822; ";
    for (auto at = text.find(field); at != std::string_view::npos; at = text.find(field, at + 1))
      ledger_.say({failed ? "told" : "reported", id, between(text.substr(at), field, "\r\n"), by});
  }

  Ledger& ledger_;
  const bool after_;
  Guarded<std::set<std::string>> seen_;
};

// An alias that leads outside, with a sender of its own.
class Fan final : public accounts::Directory {
 public:
  std::optional<mail::Path> reversed(const mail::Path& to) const override { return to; }
  accounts::Existence exists(const mail::Path&, const relay::Route*) const override {
    return accounts::Existence::exists;
  }
  accounts::Expansion expand(const mail::Path&, const mail::Path& to) const override {
    accounts::Expansion all;
    if (to.raw() != fan) {
      all.recipients.push_back({to, std::nullopt, false});
      return all;
    }
    for (const char* each : {"first@away.example", "refused@away.example", "other@else.example"})
      all.recipients.push_back({mail::Path(each), mail::Path("srs@here.example"), true});
    return all;
  }
  bool may_send_as(std::string_view, const mail::Path&) const override { return true; }
};

// Who gets it in the end.
std::vector<std::string> finals(const std::string& to) {
  std::vector<std::string> all;
  for (const auto& each : Fan().expand({}, mail::Path(to)).recipients)
    all.push_back(each.path.raw());
  return all;
}

// --- the queue -----------------------------------------------------------------------------------

// What is sent, by the last digit of its number.
struct Plan {
  std::vector<std::string> accepted;
  std::vector<std::string> held;
  std::vector<std::string> parameters;
};
const std::vector<Plan>& plans() {
  static const std::vector<Plan> all = {
      {{"one@away.example"}, {}, {}},
      {{"one@away.example", "later@else.example"}, {}, {}},
      {{"refused@away.example"}, {}, {}},
      {{"one@away.example"}, {fan}, {}},
      {{fan}, {}, {}},
      {{"never@away.example"}, {}, {}},
      {{"one@away.example", "refused@away.example"}, {}, {"NOTIFY=SUCCESS,FAILURE"}},
      {{}, {"two@away.example", "three@else.example"}, {}},
      {{"one@away.example", "refused@else.example", "later@else.example"}, {}, {}},
      {{"never@else.example"}, {}, {}},
  };
  return all;
}
const Plan& plan_of(std::uint64_t number) { return plans()[number % plans().size()]; }
std::uint64_t number_of(const std::string& id) {
  for (std::uint64_t number = 0; number < 1000; ++number)
    if (held_id(number) == id) return number;
  return 0;
}

struct Place {
  Place(const std::string& folder, Ledger& ledger_of, bool after)
      : ledger(ledger_of),
        hop(ledger_of, after),
        log(std::make_shared<const Sink>(ledger_of), LogLevel::info),
        ids_(after ? "C" : "B") {
    spool::Options options;
    options.dir = folder;
    auto opened = spool::Store::open(
        options, spool::Access::owner,
        {std::make_shared<const quarantine::Tables>(), std::make_shared<const queue::Tables>()},
        [this](const std::string& text) { alarms += text + "; "; });
    if (!opened) alarms += "cannot be opened: " + opened.error().why;
    if (opened) spool = std::move(*opened);
  }
  void start() {
    queue::Runner::Site site;
    site.origin = site.hostname = "here.example";
    site.directory = directory;
    runner = std::make_unique<queue::Runner>(
        queue::Runner::Needs{spool, hop, {log, log, log, log}, said, [this] { return next_id(); }},
        site);
    intake = std::make_unique<queue::Intake>(queue::Intake::Needs{
        spool,
        [this] { return directory; },
        {},
        [this](queue::Message message) { runner->queued(std::move(message)); }});
  }
  std::string next_id() { return ids_ + std::to_string(++last_id_); }

  Ledger& ledger;
  std::string alarms;
  Hop hop;
  Log log;
  sekisho::Alarms said{log};
  std::shared_ptr<const accounts::Directory> directory = std::make_shared<const Fan>();
  std::shared_ptr<spool::Store> spool;
  std::unique_ptr<queue::Runner> runner;
  std::unique_ptr<queue::Intake> intake;

 private:
  const std::string ids_;
  std::atomic<int> last_id_{0};
};

void keep(Place& place, std::uint64_t number) {
  const Plan& plan = plan_of(number);
  session::Outcome outcome;
  outcome.facts.id = held_id(number);
  outcome.facts.mail_from = mail::Path(sender);
  outcome.facts.received = wall_now();
  auto arrival = std::make_shared<session::Arrival>();
  arrival->origin = session::Arrival::Origin::login;
  const auto keeping = place.intake->for_session(arrival);
  session::KeepRequest request{outcome, "by here", held_id(number), "", false, {},
                               {},      {},        nullptr,         "", "",    {}};
  for (const auto& to : plan.accepted)
    request.accepted.push_back({mail::Path(to), plan.parameters});
  for (const auto& to : plan.held) request.held.push_back({mail::Path(to), plan.parameters});
  request.content = keeping->begin();
  request.content->append(held_octets(number, number % 7 == 6 ? 270'000 : 50 + number * 100));
  keeping->keep(std::move(request), [&place, &plan, number](const session::HoldResult& result) {
    if (result.code != session::HoldCode::held) std::abort();
    for (const auto& to : plan.held) place.ledger.say({"held", held_id(number), to});
    for (const auto& each : plan.accepted)
      for (const auto& to : finals(each)) place.ledger.say({"accepted", held_id(number), to});
    place.ledger.say({"answered", held_id(number)});
  });
}

void command(Place& place, Act act, std::uint64_t number) {
  const auto answer = place.runner->act(act, {held_id(number)});
  for (const auto& [id, why] : answer)
    if (!why.empty()) give_up(std::string(to_string(act)) + " " + id + ": " + why);
}

void release(Place& place, std::uint64_t number, const std::vector<std::string>& recipients) {
  const std::string id = held_id(number);
  place.ledger.say({"releasing", id});
  const auto done = queue::release_held(*place.spool, {id, recipients, true, "test"}, wall_now());
  if (!done) give_up("release of " + id + ": " + done.error().why);
  place.ledger.say({"released", id});
  place.runner->look();
}

// One of each plan, all of them at once; then the commands.
void group(Place& place, std::uint64_t first) {
  auto& ledger = place.ledger;
  const auto id = [&](std::uint64_t plan) { return held_id(first + plan); };
  for (std::uint64_t plan = 0; plan < plans().size(); ++plan) keep(place, first + plan);
  for (std::uint64_t plan = 0; plan < plans().size(); ++plan) ledger.wait({"answered", id(plan)});
  release(place, first + 3, {});
  for (const std::uint64_t plan : {1, 8}) {
    ledger.wait({"logged", id(plan), "later@else.example", "deferred"});
    command(place, Act::flush, first + plan);
  }
  ledger.wait({"logged", id(5), "never@away.example", "deferred"});
  ledger.say({"deleting", id(5)});
  command(place, Act::remove, first + 5);
  ledger.say({"deleted", id(5)});
  ledger.wait({"logged", id(9), "never@else.example", "deferred"});
  command(place, Act::hold, first + 9);
  ledger.say({"kept", id(9)});
  if (first % 20 == 0) release(place, first + 7, {});
  for (const std::uint64_t plan : {1, 8}) {
    ledger.wait({"logged", id(plan), "later@else.example", "sent"});
  }
  ledger.wait({"logged", id(3), "refused@away.example", "bounced"});
}

void work(const std::string& folder) {
  Ledger ledger(true);
  Place place(folder, ledger, false);
  if (!place.spool) std::abort();
  place.start();
  for (std::uint64_t first = 0; first < 40; first += plans().size()) group(place, first);
}

// --- after the power failure ---------------------------------------------------------------------

// The first id that `query` finds.
std::string first_of(spool::Store& store, spool::Sql query) {
  std::string found;
  auto read = store.read([&](spool::Database& database) {
    return database.query(query, {}, [&](const spool::Row& row) {
      found = row.text(0);
      return false;
    });
  });
  return read ? found : read.error().why;
}

std::string wrong_in_rows(spool::Store& store) {
  if (auto id = first_of(store, "SELECT id FROM queued_to WHERE id NOT IN (SELECT id FROM queued)");
      !id.empty())
    return id + ": a recipient without a message";
  if (auto id = first_of(store, "SELECT id FROM queued WHERE id NOT IN (SELECT id FROM queued_to)");
      !id.empty())
    return id + ": a message without recipients";
  const auto findings = store.verify(true);
  if (!findings) return findings.error().why;
  return findings->clean() ? "" : "index and files differ";
}

// Until nothing waits any more. What is held is released, once.
std::string run_to_the_end(Place& place) {
  place.runner->act(Act::release, {});
  place.runner->act(Act::flush, {});
  const auto end = steady_now() + patience;
  std::string left;
  while (!(left = first_of(*place.spool, "SELECT id FROM queued")).empty()) {
    if (steady_now() > end) return left + ": still in the queue";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return "";
}

// Of one recipient.
struct Came {
  int before = 0;  // the power failure
  int after = 0;
  std::set<std::string> told;      // by which bounces
  std::set<std::string> reported;  // and reports of success
  bool logged = false;             // before: the end of it was durable
};
struct Story {
  std::map<std::pair<std::string, std::string>, Came> recipients;  // id and address
  std::set<std::string> deleting;
  std::set<std::string> deleted;
  std::set<std::string> releasing;
  std::set<std::string> released;
  std::set<std::string> kept;
};

Story story_of(const std::vector<Event>& events, std::size_t failure) {
  Story story;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& [what, id, to, more] = events[i];
    if (what == "deleting") story.deleting.insert(id);
    if (what == "deleted") story.deleted.insert(id);
    if (what == "releasing") story.releasing.insert(id);
    if (what == "released") story.released.insert(id);
    if (what == "kept") story.kept.insert(id);
    if (to.empty()) continue;
    auto& came = story.recipients[{id, to}];
    if (what == "had") ++(i < failure ? came.before : came.after);
    if (what == "told") came.told.insert(more);
    if (what == "reported") came.reported.insert(more);
    if (what == "logged" && i < failure && more != "deferred") came.logged = true;
  }
  return story;
}

// Whether the message is still in the quarantine for that recipient.
bool is_held(spool::Store& store, const std::string& id, const std::string& to) {
  bool held = false;
  auto read = store.read([&](spool::Database& database) -> spool::Outcome<void> {
    const auto row = quarantine::find(database, id);
    if (!row) return spool::failed(row.error());
    const auto waiting = quarantine::still_waiting(row->held);
    held = row->held.state == quarantine::State::held &&
           std::find(waiting.begin(), waiting.end(), to) != waiting.end();
    return {};
  });
  return read && held;
}

// `sure`: the index was there. What is told in the same commit as the state is told once.
std::string wrong_with(const std::string& id, const std::string& to, const Came& came,
                       const Story& story, bool sure) {
  const bool refused = to.starts_with("refused");
  if (refused && came.before + came.after > 0) return "refused, and here";
  if (!refused && !came.told.empty()) return "told of, and was not refused";
  if (sure && story.deleted.contains(id) && came.after > 0) return "deleted, and sent";
  const bool done = refused ? !came.told.empty() : came.before + came.after > 0;
  if (!done && !story.deleting.contains(id)) return refused ? "its bounce is lost" : "lost";
  if (!sure) return "";
  if (came.before > 1 || came.after > 1) return "twice";
  if (came.logged && came.after > 0) return "recorded, and sent again";
  if (came.told.size() > 1) return "told of twice";
  if (came.reported.size() > 1) return "reported twice";
  const bool reports =
      !plan_of(number_of(id)).parameters.empty() && !refused && came.reported.empty();
  return reports && !story.deleting.contains(id) ? "its report is lost" : "";
}

std::string wrong_with_quarantine(spool::Store& store, const Event& event, const Story& story,
                                  bool sure) {
  const auto& [what, id, to, more] = event;
  const bool held = is_held(store, id, to);
  std::size_t has = 0;
  const auto all = finals(to);
  for (const auto& each : all) {
    const auto found = story.recipients.find({id, each});
    if (found == story.recipients.end()) continue;
    const auto& came = found->second;
    has += came.before + came.after > 0 || !came.told.empty() ? 1 : 0;
    if (auto wrong = wrong_with(id, each, came, story, sure); !wrong.empty() && !held)
      return each + ": " + wrong;
  }
  if (!sure) return held || has == all.size() ? "" : "lost";
  if (story.released.contains(id) && held) return "released, and held again";
  if (!story.releasing.contains(id) && !held) return "held, and gone";
  if (held && has > 0) return "held, and sent";
  return held || has == all.size() ? "" : "released, and lost";
}

std::string judge(Place& place, std::size_t failure, bool sure) {
  const auto events = place.ledger.all();
  const auto story = story_of(events, failure);
  for (std::size_t i = 0; i < failure; ++i) {
    const auto& event = events[i];
    std::string wrong;
    if (event.what == "held") wrong = wrong_with_quarantine(*place.spool, event, story, sure);
    if (event.what == "accepted")
      wrong =
          wrong_with(event.id, event.to, story.recipients.at({event.id, event.to}), story, sure);
    if (!wrong.empty()) return event.id + " to " + event.to + ": " + wrong;
  }
  for (const auto& [key, came] : story.recipients) {
    if (sure && (came.before > 1 || came.after > 1 || (came.logged && came.after > 0)))
      return key.first + " to " + key.second + ": sent again";
  }
  return "";
}

std::string kept_is_held(Place& place, const Story& story) {
  std::string wrong;
  auto read = place.spool->read([&](spool::Database& database) -> spool::Outcome<void> {
    for (const auto& id : story.kept) {
      const auto message = queue::find(database, id);
      const bool held = message && std::all_of(message->recipients.begin(),
                                               message->recipients.end(), [](const auto& to) {
                                                 return to.progress.state == queue::State::held;
                                               });
      if (!held) wrong = id + ": held by a command, and it is not";
    }
    return {};
  });
  return read ? wrong : read.error().why;
}

std::vector<Event> said(const std::vector<io::Change>& changes, std::size_t count) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < count; ++i) {
    if (changes[i].kind != io::Change::Kind::mark) continue;
    std::istringstream words(changes[i].name);
    Event event;
    words >> event.what >> event.id >> event.to >> event.more;
    events.push_back(std::move(event));
  }
  return events;
}

// The trail of the message that the complaint begins with.
std::string trail(const Ledger& ledger, const std::string& wrong, std::size_t failure) {
  std::string text = wrong;
  const auto events = ledger.all();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i == failure) text += "\n  --- the power fails";
    const auto& [what, id, to, more] = events[i];
    if (wrong.starts_with(id)) text += "\n  " + what + " " + id + " " + to + " " + more;
  }
  return text;
}

std::string check(const std::vector<io::Change>& changes, std::size_t count, unsigned seed,
                  const std::string& folder, bool lose_index) {
  std::filesystem::remove_all(folder);
  io::play(changes, count, seed, folder);
  if (lose_index) {
    for (const char* end : {"", "-wal", "-shm"})
      std::filesystem::remove(folder + "/index.db" + end);
  }
  Ledger ledger(false);
  for (auto& event : said(changes, count)) ledger.say(std::move(event));
  const auto failure = ledger.all().size();
  Place place(folder, ledger, true);
  if (!place.spool) return place.alarms;
  std::string wrong = wrong_in_rows(*place.spool);
  if (wrong.empty() && !lose_index) wrong = kept_is_held(place, story_of(ledger.all(), failure));
  if (wrong.empty()) {
    place.start();
    wrong = run_to_the_end(place);
    place.runner->drain(patience);
  }
  if (wrong.empty()) wrong = judge(place, failure, !lose_index);
  if (wrong.empty()) wrong = wrong_in_rows(*place.spool);
  return wrong.empty() ? "" : trail(ledger, wrong, failure) + "\n  " + place.alarms;
}

}  // namespace
}  // namespace sekisho::test

int main(int count, char** arguments) {
  using namespace sekisho::test;
  unsigned long points = 300;
  unsigned seed = std::random_device{}();
  for (int i = 1; i + 1 < count; i += 2) {
    if (std::strcmp(arguments[i], "--points") == 0)
      points = std::strtoul(arguments[i + 1], nullptr, 10);
    if (std::strcmp(arguments[i], "--seed") == 0)
      seed = static_cast<unsigned>(std::strtoul(arguments[i + 1], nullptr, 10));
  }
  const TemporaryFolder place;
  const std::string folder = place.file("queue");
  std::filesystem::create_directory(folder);
  io::start_recording(folder);
  work(folder);
  const auto changes = io::stop_recording();
  std::printf("seed %u, %zu changes recorded\n", seed, changes.size());
  std::fflush(stdout);
  std::mt19937 random(seed);
  for (unsigned long point = 0; point < points; ++point) {
    const std::size_t upto = random() % (changes.size() + 1);
    const auto fate = static_cast<unsigned>(random());
    const bool lose_index = point % 5 == 4;
    const auto wrong = check(changes, upto, fate, place.file("after"), lose_index);
    if (wrong.empty()) continue;
    std::printf("after %zu changes, seed %u%s: %s\n", upto, fate, lose_index ? ", index lost" : "",
                wrong.c_str());
    return 1;
  }
  std::printf("%lu power failures, 0 lost\n", points);
  return 0;
}
