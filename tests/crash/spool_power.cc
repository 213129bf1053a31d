// The power fails: everything that a store does to its folder is recorded, SQLite's work too, and
// played again up to random points; what was not fsynced by then is dropped, kept or torn. Whatever
// had been acknowledged must be there.
//   spool_power [--points N] [--seed N]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>

#include "base/guarded.h"
#include "quarantine/store.h"
#include "shim/io.h"
#include "support/held_messages.h"
#include "support/temporary_folder.h"

namespace sekisho::test {
namespace {

using quarantine::Access;
using quarantine::State;

constexpr std::uint64_t messages = 60;
constexpr std::uint64_t at_once = 6;

std::size_t size_of(std::uint64_t number) { return number % 10 == 9 ? 270'000 : 50 + number * 100; }

// Holds messages in groups, and deletes or releases every third of those before.
void work(const std::string& folder) {
  Guarded<std::uint64_t> held(0U);  // outlives the store, whose thread tells it
  quarantine::Options options;
  options.dir = folder;
  auto opened = quarantine::Store::open(options, Access::owner, [](const std::string&) {});
  if (!opened) std::abort();
  auto& store = **opened;
  for (std::uint64_t first = 0; first < messages; first += at_once) {
    for (std::uint64_t number = first; number < first + at_once; ++number) {
      hold(store, number, size_of(number),
           [&, number](const spool::Outcome<spool::Stored>& stored) {
             if (!stored) std::abort();
             io::mark("held " + std::to_string(number));
             held.with([](auto& n) { ++n; });
             held.notify_all();
           });
    }
    held.wait_until(
        steady_now() + std::chrono::seconds(60), [&](auto n) { return n == first + at_once; },
        [](auto, bool) {});
    const std::string number = std::to_string(first);
    io::mark("deleting " + number);
    if (!store.remove(held_id(first), wall_now())) std::abort();
    io::mark("deleted " + number);
    const auto release = store.begin_release({held_id(first + 1), {}}, wall_now());
    io::mark("delivering " + std::to_string(first + 1));
    if (!release || !store.finish_release(*release, "250 ok", wall_now())) std::abort();
    io::mark("delivered " + std::to_string(first + 1));
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

std::string wrong_with(quarantine::Store& store, std::uint64_t number, const std::string& what) {
  const auto message = store.get(held_id(number));
  if (!message) return "lost: " + message.error().why;
  const State state = message->held.state;
  if (what == "deleted") return state == State::deleted ? "" : "deleted, and here again";
  if (what == "delivered") return state == State::delivered ? "" : "delivered, and here again";
  if (what == "deleting" && state == State::deleted) return "";
  if (what == "delivering" && state == State::delivered) return "";
  const auto file = store.open_message(held_id(number));
  const auto octets = file ? file->read_all() : spool::failed(file.error());
  if (!octets) return octets.error().why;
  return *octets == held_octets(number, size_of(number)) ? "" : "altered";
}

std::string check(const std::vector<io::Change>& changes, std::size_t count, unsigned seed,
                  const std::string& folder) {
  std::filesystem::remove_all(folder);
  io::play(changes, count, seed, folder);
  quarantine::Options options;
  options.dir = folder;
  std::string alarms;
  auto store = quarantine::Store::open(options, Access::owner,
                                       [&](const std::string& text) { alarms += text + "; "; });
  if (!store) return "cannot be opened: " + store.error().why;
  for (const auto& [number, what] : said(changes, count)) {
    if (auto wrong = wrong_with(**store, number, what); !wrong.empty())
      return held_id(number) + ", " + what + ": " + wrong + " (" + alarms + ")";
  }
  // A message that nobody was told of may have been kept; a torn one may not.
  const auto findings = (*store)->verify(true);
  if (!findings) return findings.error().why;
  if (!findings->clean()) return "index and files differ (" + alarms + ")";
  return "";
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
    if (const auto wrong = check(changes, upto, fate, place.file("after")); !wrong.empty()) {
      std::printf("after %zu changes, seed %u: %s\n", upto, fate, wrong.c_str());
      return 1;
    }
  }
  std::printf("%lu power failures, 0 lost\n", points);
  return 0;
}
