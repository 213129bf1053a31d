// Events for all recipients of a message: the clock, a start, another configuration, commands.
#include <algorithm>
#include <utility>

#include "queue/content.h"
#include "queue/log_lines.h"
#include "queue/settled.h"

namespace sekisho::queue {

namespace {

// How long who gives a command waits for the disk.
constexpr std::chrono::seconds act_patience{20};
// … and for an answer without it.
constexpr std::chrono::seconds ask_patience{5};

// What is worth a commit: a look that only counts time is not.
bool differs(const Progress& a, const Progress& b) {
  return a.state != b.state || a.reason != b.reason || a.wish != b.wish || a.fault != b.fault ||
         a.attempts != b.attempts || a.warned != b.warned;
}

bool begins_anew(const Event& event) {
  return event.kind == Event::Kind::release || event.kind == Event::Kind::requeue;
}

}  // namespace

Event::Kind event_of(Act act) {
  switch (act) {
    case Act::hold:
      return Event::Kind::hold;
    case Act::release:
      return Event::Kind::release;
    case Act::flush:
      return Event::Kind::flush;
    case Act::remove:
      return Event::Kind::remove;
    case Act::requeue:
      return Event::Kind::requeue;
  }
  return Event::Kind::look;
}

void Runner::apply(const std::string& id, Entry& entry, const Event& event,
                   const std::shared_ptr<Asked>& asked) {
  const CrashMarks::Here here(id);
  const auto settled = std::make_shared<Settled>();
  settled->id = id;
  for (auto& slim : entry.recipients) {
    const auto before = slim.progress;
    if (is_final(before.state)) continue;
    const auto took = step(before, event, around(entry), site_.options);
    const bool changes = differs(before, took.next) || took.notice != Notice::none;
    auto* message = changes ? full(id, entry) : nullptr;
    // A command that could not be recorded is not obeyed.
    if (changes && message == nullptr && asked) {
      asked->answer[id] = "it cannot be read now";
      continue;
    }
    slim.progress = took.next;
    if (took.next.state == State::held) note_fault(id, slim);
    if (message == nullptr) continue;
    note_change(id, *message, slim.place, took, *settled);
    if (before.reason == Reason::crash && took.next.reason != Reason::crash) forgive(id);
    if (before.reason == Reason::loop && begins_anew(event)) begin_count_anew(*message, *settled);
  }
  // What is so already may still be on its way to the disk.
  const bool waits = asked && entry.committing > 0;
  if (settled->changed.empty() && !waits) return schedule(id, entry);
  if (asked) {
    asked->answer[id] = "the daemon has ended before it was recorded";
    settled->asked.push_back(asked);
  }
  if (!settled->changed.empty()) add_bounces(entry, *entry.full, *settled);
  commit(settled);
}

void Runner::note_change(const std::string& id, Message& message, std::uint32_t place,
                         const Step& took, Settled& settled) {
  for (auto& to : message.recipients) {
    if (to.place != place) continue;
    to.progress = took.next;
    settled.changed.push_back(to);
    if (took.notice == Notice::delayed) settled.told.emplace_back(Report::delayed, to);
    if (is_final(took.next.state)) settled.lines.push_back(command_line(id, to));
  }
}

// Who releases a message that went in a circle has mended the way: it may pass here once more.
void Runner::begin_count_anew(Message& message, Settled& settled) {
  if (settled.letter) return;
  const auto file = needs_.spool->open_message(message.letter.id);
  if (!file) return;
  remove_own_received(*file, site_.hostname, message.letter);
  settled.letter = message.letter;
}

Runner::Answer Runner::act(Act act, std::vector<std::string> ids) {
  auto asked = std::make_shared<Asked>();
  auto answer = asked->promise.get_future();
  tasks_->post([this, act, asked = std::move(asked), ids = std::move(ids)]() mutable {
    // Who is asked last answers, and this task may be kept for a while.
    const auto mine = std::move(asked);
    if (ids.empty()) {
      for (const auto& [id, entry] : entries_) ids.push_back(id);
    }
    if (act == Act::flush) needs_.transport.forget("");
    for (const auto& id : ids) {
      const auto found = entries_.find(id);
      mine->answer[id] = found == entries_.end() ? "no message of that id is in the queue" : "";
      if (found != entries_.end()) apply(id, found->second, {event_of(act)}, mine);
    }
  });
  if (answer.wait_for(act_patience) != std::future_status::ready)
    return {{"", "the queue does not answer"}};
  return answer.get();
}

std::vector<std::string> Runner::under_way() {
  const auto answered = std::make_shared<std::promise<std::vector<std::string>>>();
  auto answer = answered->get_future();
  tasks_->post([this, answered] {
    std::vector<std::string> ids;
    for (const auto& [id, entry] : entries_) {
      if (entry.under_way > 0) ids.push_back(id);
    }
    answered->set_value(std::move(ids));
  });
  if (answer.wait_for(ask_patience) != std::future_status::ready) return {};
  return answer.get();
}

std::map<std::string, Runner::FaultTimes> Runner::faults() {
  using Times = std::map<std::string, FaultTimes>;
  const auto answered = std::make_shared<std::promise<Times>>();
  auto answer = answered->get_future();
  tasks_->post([this, answered] {
    Times times;
    for (const auto& [name, fault] : faults_) times[name] = {fault.since, fault.probe};
    answered->set_value(std::move(times));
  });
  if (answer.wait_for(ask_patience) != std::future_status::ready) return {};
  return answer.get();
}

}  // namespace sekisho::queue
