#include "replay/replay.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "base/executor.h"
#include "policy/at_rcpt.h"
#include "record/json.h"
#include "session/session.h"

namespace sekisho::replay {

using session::Decided;
using session::Draft;
using session::Engine;
using session::HoldCode;
using session::HoldResult;
using session::Inputs;
using session::Journal;
using session::Keeping;
using session::KeepRequest;
using session::Outcome;
using session::Released;
using session::ReleaseProof;
using session::Session;
using session::Snapshot;
using session::TakenBack;

namespace {

using nlohmann::json;

// Has the recorded answers; any other question stays open until it is told to fail.
class RecordedResolver final : public dns::Resolver {
 public:
  explicit RecordedResolver(const dns::Answers& answers) : answers_(answers) {}

  dns::AnswerPtr at_hand(const dns::Question& question) override { return answers_.get(question); }
  Ticket ask(const dns::Question& question, Callback done) override {
    open_.emplace(question, std::move(done));
    return 0;
  }
  void cancel(Ticket /*ticket*/) override {}
  dns::ResolverStatus status() const override { return {}; }

  void fail(const dns::Question& question) {
    const auto open = open_.extract(question);
    if (open.empty()) return;
    auto answer = std::make_shared<dns::Answer>();
    answer->error = "not recorded";
    open.mapped()(std::move(answer));
  }

 private:
  const dns::Answers& answers_;
  std::unordered_map<dns::Question, Callback, dns::QuestionHash> open_;
};

// The store with its recorded answers. If it did not answer in time, it does not answer now; if it
// was not asked at the time, it has room.
class RecordedKeeping final : public Keeping {
 public:
  explicit RecordedKeeping(const Decided& recorded) : recorded_(recorded) {}

  // A store that is asked to hold keeps accepted mail too, or it makes no difference, unless the
  // MTA held the message in its stead.
  bool keeps_accepted() const override {
    return recorded_.inputs.hold_result && recorded_.outcome.held != Outcome::Held::by_mta;
  }
  std::unique_ptr<Draft> begin() override { return std::make_unique<NoDraft>(); }
  void keep(KeepRequest /*message*/, std::function<void(HoldResult)> done) override {
    using Held = Outcome::Held;
    const auto held = recorded_.outcome.held;
    const bool asked = held == Held::some || held == Held::whole;
    if (recorded_.inputs.hold_result) {
      done(*recorded_.inputs.hold_result);
    } else if (!asked) {
      done({HoldCode::held, ""});
    }
  }
  void take_back(ReleaseProof /*proof*/, std::function<void(TakenBack)> done) override {
    const auto& results = recorded_.inputs.released;
    if (!results) return done(std::nullopt);
    done(Released{recorded_.outcome.facts.released_id, *results});
  }

 private:
  struct NoDraft final : Draft {
    void append(std::string_view /*octets*/) override {}
  };
  const Decided& recorded_;
};

// Keeps the outcome of the one message.
class OneDecision final : public Journal {
 public:
  void decided(std::shared_ptr<const Decided> decided) override { decided_ = std::move(decided); }
  const Decided* get() const { return decided_.get(); }

 private:
  std::shared_ptr<const Decided> decided_;
};

std::shared_ptr<const Snapshot> offline(const Snapshot& snapshot, const Inputs& inputs) {
  auto own = std::make_shared<Snapshot>(snapshot);
  own->resolver = std::make_shared<RecordedResolver>(inputs.answers);
  // Time no longer matters: questions that timed out are among the recorded answers.
  own->dns.message_budget = std::chrono::hours(24);
  own->options.identity.hostname = inputs.hostname;
  return own;
}

// Drives the session like a front.
void converse(Session& session, const Decided& recorded, WallTime& clock) {
  const auto& facts = recorded.outcome.facts;
  const auto& inputs = recorded.inputs;
  clock = inputs.connected;
  const auto& client = facts.relay ? *facts.relay : facts.client;
  if (inputs.blanks_lost) session.blanks_lost();
  session.connect(client, inputs.mta_name);
  // The client sent no HELO: sendmail then passes none.
  if (!client.helo.empty()) session.helo(client.helo);
  clock = facts.received;
  session.mail_from({facts.mail_from, inputs.authenticated});
  for (const auto& to : facts.recipients) session.rcpt_to({to});
  for (const auto& line : inputs.malformed_lines) session.malformed_line(line);
  for (const auto& field : inputs.header.fields()) session.header(field.name, field.value);
  session.end_of_header();
  if (!recorded.failure.empty()) session.fail(recorded.failure);
  session.end_of_message(facts.queue_id, [](const Outcome&) {});
}

// The text without JSON escapes: it is escaped once, when it is printed.
std::string raw_text(const json& value) {
  if (value.is_string()) return "\"" + value.get<std::string>() + "\"";
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [key, member] : value.items()) {
    text += text.empty() ? "" : ",";
    if (value.is_object()) text.append("\"").append(key).append("\":");
    text += raw_text(member);
  }
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

// The differences between two objects, member by member.
void compare(const std::string& name, const json& live, const json& replayed,
             std::vector<std::string>& found) {
  if (live == replayed) return;
  if (live.is_object() && replayed.is_object()) {
    for (const auto& [key, value] : live.items()) {
      compare(name.empty() ? key : name + "." + key, value,
              replayed.contains(key) ? replayed[key] : json(), found);
    }
    return;
  }
  if (live.is_array() && replayed.is_array() && live.size() == replayed.size()) {
    for (std::size_t i = 0; i < live.size(); ++i) {
      compare(name + "[" + std::to_string(i) + "]", live[i], replayed[i], found);
    }
    return;
  }
  const auto text = [](const json& value) {
    return value.is_string() ? value.get<std::string>() : raw_text(value);
  };
  found.push_back(name + ": " + text(live) + ", replayed as " + text(replayed));
}

// The lists of another configuration were never asked.
void name_new_lists(const Decided& recorded, const Snapshot& snapshot, Replayed& result) {
  if (recorded.outcome.facts.exemption != policy::Exemption::none) return;
  const auto& known = recorded.outcome.facts.lists;
  for (const auto& list : snapshot.client.lists) {
    const bool asked = std::any_of(known.begin(), known.end(),
                                   [&](const auto& each) { return each.name == list.name; });
    if (!asked && recorded.configuration != snapshot.digest) {
      result.not_recorded.push_back("the list " + list.name);
    }
  }
}

// All recipients were refused and there was no message: the facts of that time are judged again.
Replayed replay_at_rcpt(const Decided& recorded, const Snapshot& snapshot) {
  Replayed result;
  result.outcome = recorded.outcome;
  auto& facts = result.outcome.facts;
  // Under the same configuration the recorded entries are used, whatever the files have now.
  if (recorded.configuration != snapshot.digest) {
    policy::match_at_rcpt(facts, snapshot.rules, policy::KnownSoFar{true, true});
  }
  result.outcome.verdict = policy::decide_at_rcpt(facts, snapshot.rules);
  result.passes_rcpt = policy::lets_pass(recorded.outcome.verdict, result.outcome.verdict);
  name_new_lists(recorded, snapshot, result);
  return result;
}

}  // namespace

Replayed replay(const Decided& recorded, const Snapshot& snapshot) {
  if (recorded.inputs.at_rcpt) return replay_at_rcpt(recorded, snapshot);
  OneDecision journal;
  RecordedKeeping holding(recorded);
  WallTime clock{};
  const auto own = offline(snapshot, recorded.inputs);
  auto& resolver = static_cast<RecordedResolver&>(*own->resolver);
  Engine engine(own, journal, [&clock] { return clock; });
  engine.keep_in(&holding);
  const auto queue = std::make_shared<RunQueue>();
  const auto session = Session::replay(engine, queue, recorded);
  Replayed result;
  converse(*session, recorded, clock);
  // An evaluation asks for a few names at a time: more rounds than this are a bug.
  for (int round = 0; journal.get() == nullptr; ++round) {
    queue->run_until([&] { return journal.get() != nullptr; }, steady_now());
    if (journal.get() != nullptr) break;
    const auto needed = session->needed();
    for (const auto& question : needed) {
      result.not_recorded.push_back(dns::to_string(question));
      resolver.fail(question);
    }
    if (!needed.empty() && round < 1000) continue;
    // It still waits: for the store, as it did until the MTA disconnected, or for nothing at all.
    session->abort();
    if (journal.get() == nullptr) throw std::logic_error("a replay that comes to no end");
  }
  result.outcome = journal.get()->outcome;
  name_new_lists(recorded, snapshot, result);
  // Duration and cost are those of the original decision.
  auto& facts = result.outcome.facts;
  const auto& then = recorded.outcome.facts;
  facts.dns_questions = then.dns_questions;
  facts.dns_waited = then.dns_waited;
  facts.elapsed = then.elapsed;
  facts.decided_in = then.decided_in;
  // An internal failure cannot be repeated, and may have affected any of the facts.
  if (!recorded.failure.empty()) facts = then;
  return result;
}

std::vector<std::string> differences(const Outcome& live, const Outcome& replayed) {
  std::vector<std::string> found;
  compare("", record::to_json(live), record::to_json(replayed), found);
  if (!found.empty() || live == replayed) return found;
  // Differences in members that the JSON object does not have.
  if (live.facts != replayed.facts)
    found.emplace_back("facts: they differ in what has no name here");
  if (live.verdict != replayed.verdict) found.emplace_back("verdict: edits or recipients differ");
  if (live.held != replayed.held || live.hold_reason != replayed.hold_reason ||
      live.recipients_held != replayed.recipients_held) {
    found.emplace_back("hold: \"" + live.hold_reason + "\", replayed as \"" + replayed.hold_reason +
                       "\"");
  }
  return found;
}

}  // namespace sekisho::replay
