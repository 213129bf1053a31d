// The power fails while messages that two tables have a part in are put, released from one table
// into the other, and done with: everything that a store does to its folder is recorded and played
// again up to random points, as in spool_power.cc. Each recipient of what was acknowledged has the
// message in one table, and the file is there while one of them wants it.
//   spool_tables [--points N] [--seed N]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>

#include "quarantine/row.h"
#include "quarantine/tables.h"
#include "shim/io.h"
#include "support/held_messages.h"
#include "support/spool_store.h"
#include "support/temporary_folder.h"

namespace sekisho::test {
namespace {

using quarantine::State;
using spool::Database;
using spool::Row;

constexpr std::uint64_t messages = 24;
constexpr const char* held_for = "one@example.jp";
constexpr const char* waiting_for = "two@example.jp";

std::size_t size_of(std::uint64_t number) { return number % 8 == 7 ? 270'000 : 50 + number * 100; }

std::shared_ptr<spool::Store> open_both(const std::string& folder, std::string& alarms) {
  spool::Options options;
  options.dir = folder;
  auto opened = spool::Store::open(
      options, spool::Access::owner,
      {std::make_shared<const quarantine::Tables>(), std::make_shared<const WaitingTables>()},
      [&](const std::string& text) { alarms += text + "; "; });
  if (!opened) alarms += "cannot be opened: " + opened.error().why;
  return opened ? std::move(*opened) : nullptr;
}

bool put_shared(spool::Store& store, std::uint64_t number) {
  auto held = held_message(number);
  held.recipients = {held_for};
  return put(store, held.id, held_octets(number, size_of(number)),
             {{"held", quarantine::record_of(held, held_detail())},
              {"waiting", std::string(waiting_for) + "\n"}})
      .has_value();
}

// As a release to the queue will be.
bool release(spool::Store& store, std::uint64_t number) {
  auto done = store.change([&](spool::Change& change) -> spool::Outcome<void> {
    auto row = quarantine::find(change.database(), held_id(number));
    if (!row) return spool::failed(row.error());
    auto set =
        quarantine::set_state(change.database(), *row, State::delivered, "queued", wall_now());
    if (set) set = WaitingTables::wait(change.database(), held_id(number), held_for);
    change.drop(held_id(number));
    return set;
  });
  return done.has_value();
}

bool sent(spool::Store& store, std::uint64_t number, const char* to) {
  return store
      .change(
          [&](spool::Change& change) { return WaitingTables::sent(change, held_id(number), to); })
      .has_value();
}

void step(const char* what, std::uint64_t number, bool done) {
  if (!done) std::abort();
  io::mark(std::string(what) + " " + std::to_string(number));
}

// Every message is put; some are released, some of these are done with.
void work(const std::string& folder) {
  std::string alarms;
  const auto store = open_both(folder, alarms);
  if (!store) std::abort();
  for (std::uint64_t number = 0; number < messages; ++number) {
    step("put", number, put_shared(*store, number));
    if (number % 2 == 0) step("released", number, release(*store, number));
    if (number % 4 == 0) {
      step("half", number, sent(*store, number, waiting_for));
      // From here on it may be gone.
      io::mark("ending " + std::to_string(number));
      step("ended", number, sent(*store, number, held_for));
    }
  }
}

// What had been said of each message by then.
std::map<std::uint64_t, std::string> said(const std::vector<io::Change>& changes,
                                          std::size_t count) {
  std::map<std::uint64_t, std::string> last;
  for (std::size_t i = 0; i < count; ++i) {
    if (changes[i].kind != io::Change::Kind::mark) continue;
    const auto blank = changes[i].name.find(' ');
    last[std::strtoull(changes[i].name.c_str() + blank, nullptr, 10)] =
        changes[i].name.substr(0, blank);
  }
  return last;
}

struct Rows {
  std::string state;  // of the row in quarantine's table
  int waits = 0;      // of the recipient that was held for: rows in the other table
  int sent = 0;       // and of both, those that have it
};

Rows rows_of(spool::Store& store, std::uint64_t number) {
  Rows rows;
  auto read = store.read([&](Database& database) {
    auto done = database.query("SELECT state FROM held WHERE id = ?1", {held_id(number)},
                               [&](const Row& row) {
                                 rows.state = row.text(0);
                                 return true;
                               });
    if (!done) return done;
    return database.query("SELECT recipient, sent FROM waiting WHERE key = ?1", {held_id(number)},
                          [&](const Row& row) {
                            rows.waits += row.text(0) == held_for ? 1 : 0;
                            rows.sent += row.integer(1) != 0 ? 1 : 0;
                            return true;
                          });
  });
  if (!read) rows.state = read.error().why;
  return rows;
}

std::string wrong_with(spool::Store& store, std::uint64_t number, const std::string& what) {
  const auto rows = rows_of(store, number);
  const bool released = rows.state == "delivered" && rows.waits == 1;
  const bool held = rows.state == "held" && rows.waits == 0;
  if (!held && !released) return "in both tables or in none: " + rows.state;
  if (held && what != "put") return "released, and here again";
  if (what == "ended" && rows.sent != 2) return "sent, and here again";
  if ((what == "half" || what == "ending") && rows.sent == 0) return "sent, and here again";
  if (rows.sent == 2) return store.has_message(held_id(number)) ? "done, and its file is here" : "";
  const auto file = store.open_message(held_id(number));
  const auto octets = file ? file->read_all() : spool::failed(file.error());
  if (!octets) return octets.error().why;
  return *octets == held_octets(number, size_of(number)) ? "" : "altered";
}

std::string check(const std::vector<io::Change>& changes, std::size_t count, unsigned seed,
                  const std::string& folder, bool lose_index) {
  std::filesystem::remove_all(folder);
  io::play(changes, count, seed, folder);
  if (lose_index) {
    for (const char* end : {"", "-wal", "-shm"})
      std::filesystem::remove(folder + "/index.db" + end);
  }
  std::string alarms;
  const auto store = open_both(folder, alarms);
  if (!store) return alarms;
  for (const auto& [number, what] : said(changes, count)) {
    // Without its index everything is as when it was put, and what may be gone is not asked for.
    if (lose_index && (what == "ending" || what == "ended")) continue;
    if (auto wrong = wrong_with(*store, number, lose_index ? "put" : what); !wrong.empty())
      return held_id(number) + ", " + what + ": " + wrong + " (" + alarms + ")";
  }
  const auto findings = store->verify(true);
  if (!findings) return findings.error().why;
  return findings->clean() ? "" : "index and files differ (" + alarms + ")";
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
  const std::string folder = place.file("store");
  std::filesystem::create_directory(folder);
  io::start_recording(folder);
  work(folder);
  const auto changes = io::stop_recording();
  std::printf("seed %u, %zu changes recorded\n", seed, changes.size());
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
