// Generated next hops, and what must come of each recipient: its end, and what its sender is told.
// A next hop is a script for each recipient: so many temporary failures, then one answer for good.
// SEKISHO_SCRIPTS=1000 generates so many messages.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/queue_place.h"

namespace sekisho::queue {

namespace {

using std::chrono::seconds;
using test::QueuePlace;
using test::result;
using Code = relay::Result::Code;

// Longer than any test: whose time is over is said by the age.
constexpr seconds give_up{3600};

struct Script {
  unsigned deferrals = 0;
  relay::Result then;
};

// What a sender has been told: "bob@a.example failed 5.1.1".
using Told = std::map<std::string, int>;

struct Planned {
  Message message;
  std::vector<Script> scripts;  // of its recipients
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  Planned plan(unsigned number) {
    const std::string id = "M" + std::to_string(number);
    std::vector<std::string> to;
    for (unsigned i = 0; i <= up_to(4); ++i) {
      to.push_back(id + "-" + std::to_string(i) + "@d" + std::to_string(up_to(2)) + ".example");
    }
    Planned planned;
    planned.message = QueuePlace::message(id, to, one_in(8) ? "" : id + "@sender.example");
    planned.message.letter.may_bounce = !one_in(5);
    for (auto& each : planned.message.recipients) {
      if (auto notify = any_notify(); !notify.empty()) each.parameters = {"NOTIFY=" + notify};
      planned.scripts.push_back({up_to(2), any_end()});
      const auto code = planned.scripts.back().then.code;
      if (code != Code::deferred && code != Code::own_fault) continue;
      // Its time is over: the first attempt is the last one.
      each.progress.age = give_up;
      planned.scripts.back().deferrals = 0;
    }
    return planned;
  }

 private:
  unsigned up_to(unsigned most) { return static_cast<unsigned>(random_() % (most + 1)); }
  bool one_in(unsigned n) { return random_() % n == 0; }

  std::string any_notify() {
    static const std::vector<std::string> all = {
        "", "", "NEVER", "SUCCESS", "FAILURE", "DELAY", "SUCCESS,FAILURE,DELAY"};
    return all[up_to(static_cast<unsigned>(all.size() - 1))];
  }
  relay::Result any_end() {
    switch (up_to(6)) {
      case 0:
        return result(Code::failed, "5.1.1", "550-5.1.1 no such user,\n550 5.1.1 or gone");
      case 1:
        return result(Code::deferred, "4.2.2", "452 4.2.2 mailbox full");
      case 2:
        return result(Code::own_fault, "4.3.0", "", "queue:messages");
      case 3:
        return result(Code::loop, "5.4.6", "554 5.4.6 loop");
      default: {
        auto sent = test::sent();
        sent.dsn = one_in(2);
        return sent;
      }
    }
  }

  std::mt19937 random_;
};

// Plays the scripts, and reads what is sent to the senders.
class Servers final : public relay::Transport {
 public:
  void add(const Planned& planned) {
    state_.with([&](State& state) {
      for (std::size_t i = 0; i < planned.scripts.size(); ++i)
        state.scripts[planned.message.recipients[i].address] = planned.scripts[i];
    });
  }
  void deliver(relay::Job job, Done done) override {
    auto content = job.open();
    ASSERT_TRUE(content);
    const auto text = (*content)->read(0, 1 << 20).value_or("");
    relay::JobResult out;
    state_.with([&](State& state) {
      for (const auto& target : job.targets) {
        const auto& address = target.path.raw();
        if (job.id.starts_with("B")) {
          read_report(state, address, text);
          out.results.push_back(test::sent());
        } else {
          out.results.push_back(next(state.scripts.at(address)));
        }
      }
    });
    done(std::move(out));
  }
  void forget(const std::string&) override {}
  Told told(const std::string& sender) {
    return state_.with([&](State& state) { return state.told[sender]; });
  }

 private:
  struct State {
    std::map<std::string, Script> scripts;
    std::map<std::string, Told> told;
  };
  static relay::Result next(Script& script) {
    if (script.deferrals == 0) return script.then;
    --script.deferrals;
    return result(Code::deferred, "4.7.1", "450 4.7.1 later");
  }
  static std::string value(const std::string& text, const std::string& name, std::size_t from) {
    const auto at = text.find(name, from);
    return text.substr(at + name.size(), text.find("\r\n", at) - at - name.size());
  }
  static void read_report(State& state, const std::string& sender, const std::string& text) {
    const std::string recipient = "Final-Recipient: rfc822; ";
    for (auto at = text.find(recipient); at != std::string::npos; at = text.find(recipient, at + 1))
      ++state.told[sender][value(text, recipient, at) + " " + value(text, "Action: ", at) + " " +
                           value(text, "Status: ", at)];
  }

  Guarded<State> state_;
};

// Counts the ends that the log tells.
class Ends final : public LogSink {
 public:
  struct Count {
    std::size_t recipients = 0;  // of messages
    std::size_t notices = 0;
    std::size_t told = 0;  // notices that have been sent
  };
  bool write(LogLevel, std::string_view line) const override {
    const auto has = [&](std::string_view part) { return line.find(part) != line.npos; };
    const bool ends = has("status=sent") || has("status=bounced") || has("status=held");
    count_->with([&](Count& count) {
      if (has(" notification: B")) ++count.notices;
      if (ends) ++(line.starts_with("B") ? count.told : count.recipients);
    });
    count_->notify_all();
    return true;
  }
  template <class Until>
  bool wait(Until until) const {
    return count_->wait_until(steady_now() + seconds(120), until,
                              [](const Count&, bool good) { return good; });
  }

 private:
  std::shared_ptr<Guarded<Count>> count_ = std::make_shared<Guarded<Count>>();
};

// What must have come of a recipient.
struct End {
  State state = State::sent;
  Reason reason = Reason::none;
  std::string told;  // action and status; empty: nothing
};

End end_of(const Letter& letter, const Recipient& to, const relay::Result& last) {
  const bool known = letter.may_bounce && !letter.sender.empty();
  switch (last.code) {
    case Code::sent:
      return {State::sent, Reason::none,
              known && !last.dsn && wants(Report::relayed, to.parameters) ? "relayed 2.0.0" : ""};
    case Code::own_fault:
      return {State::held, Reason::fault, ""};
    case Code::loop:
      return {State::held, Reason::loop, ""};
    case Code::failed:
    case Code::deferred:
      break;
  }
  if (letter.sender.empty()) return {State::held, Reason::undeliverable, ""};
  if (!known) return {State::held, Reason::backscatter, ""};
  const std::string status = last.code == Code::failed ? "5.1.1" : "4.4.7";
  return {State::bounced, Reason::none,
          wants(Report::failed, to.parameters) ? "failed " + status : ""};
}

void expect_end(QueuePlace& place, const Planned& planned, Told told) {
  const auto& letter = planned.message.letter;
  const auto left = place.find(letter.id);
  std::map<std::string, Progress> rows;
  if (left) {
    for (const auto& to : left->recipients) rows[to.address] = to.progress;
  }
  for (std::size_t i = 0; i < planned.scripts.size(); ++i) {
    const auto& to = planned.message.recipients[i];
    const auto end = end_of(letter, to, planned.scripts[i].then);
    EXPECT_EQ(rows.count(to.address), end.state == State::held ? 1U : 0U) << to.address;
    if (end.state == State::held && rows.contains(to.address)) {
      EXPECT_EQ(rows[to.address].state, State::held) << to.address;
      EXPECT_EQ(rows[to.address].reason, end.reason) << to.address;
    }
    if (end.told.empty()) continue;
    EXPECT_EQ(told[to.address + " " + end.told], 1) << to.address;
    told.erase(to.address + " " + end.told);
  }
  // What else was told is of delays: once, and only to whom wants to know.
  for (const auto& [what, times] : told) {
    const auto& all = planned.message.recipients;
    const auto to = std::find_if(all.begin(), all.end(), [&what = what](const Recipient& each) {
      return what.starts_with(each.address + " delayed 4");
    });
    ASSERT_NE(to, all.end()) << what;
    EXPECT_EQ(times, 1) << what;
    EXPECT_TRUE(wants(Report::delayed, to->parameters)) << what;
    EXPECT_TRUE(letter.may_bounce && !letter.sender.empty()) << what;
  }
}

unsigned scripts() {
  const char* asked = std::getenv("SEKISHO_SCRIPTS");
  return asked == nullptr ? 150 : static_cast<unsigned>(std::strtoul(asked, nullptr, 10));
}

}  // namespace

TEST(QueueModel, StatesAndNoticesOfGeneratedNextHops) {
  QueuePlace place;
  place.site.options.retry = {seconds(1)};
  place.site.options.warn_after = seconds(2);
  place.site.options.give_up = give_up;
  Generator generator(4711);
  Servers servers;
  const Ends ends;
  Log log(std::make_shared<const Ends>(ends), LogLevel::debug);
  std::atomic<int> bounces{0};
  place.runner =
      std::make_unique<Runner>(Runner::Needs{place.spool,
                                             servers,
                                             {log, log, log, log},
                                             place.alarms,
                                             [&] { return "B" + std::to_string(++bounces); },
                                             nullptr},
                               place.site);
  std::vector<Planned> all;
  std::size_t recipients = 0;
  for (unsigned i = 0; i < scripts(); ++i) {
    all.push_back(generator.plan(i));
    servers.add(all.back());
    recipients += all.back().scripts.size();
    place.put(all.back().message);
  }
  ASSERT_TRUE(ends.wait([&](const auto& count) { return count.recipients >= recipients; }));
  // Behind the last of them.
  place.runner->under_way();
  ASSERT_TRUE(ends.wait([&](const auto& count) { return count.told >= count.notices; }));
  place.stop();
  for (const auto& planned : all) {
    const auto& sender = planned.message.letter.sender;
    expect_end(place, planned, sender.empty() ? Told() : servers.told(sender));
  }
}

}  // namespace sekisho::queue
