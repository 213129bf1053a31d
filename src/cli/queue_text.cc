#include "cli/queue_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "queue/summary.h"

namespace sekisho::cli {

namespace {

using queue::Reason;
using queue::State;

// What waits is being sent while the daemon says so: an attempt is no event of the index.
State state_of(const queue::Recipient& to, bool active) {
  const auto state = to.progress.state;
  const bool due = to.progress.next <= wall_now();
  return state == State::waiting && active && due ? State::sending : state;
}

std::string escaped(const std::string& text) { return escape_for_terminal(text); }

// Lines of a text of the other side, with something before each.
std::string indented(const std::string& text, const std::string& before) {
  std::string out;
  for (const auto& line : queue::split(text)) out += before + escaped(line) + "\n";
  return out;
}

std::string time_text(WallTime time) { return time == WallTime{} ? "never" : to_iso8601(time); }

// The fault for which it waits or is held; nullptr if none is known.
const QueueNow::Fault* fault_of(const queue::Recipient& to, const QueueNow& now) {
  const auto found = now.faults.find(to.progress.fault);
  return to.progress.reason == Reason::fault && found != now.faults.end() ? &found->second
                                                                          : nullptr;
}

std::string next_of(const queue::Recipient& to, State state, const QueueNow& now) {
  if (state != State::held) return time_text(to.progress.next);
  const auto* fault = fault_of(to, now);
  return fault == nullptr ? "" : fault->next;
}

std::string recipient_page(const queue::Recipient& to, bool active, const QueueNow& now) {
  const auto state = state_of(to, active);
  std::string text = "\nto:        <" + escaped(to.address) + ">\n";
  if (to.original != to.address) text += "named:     <" + escaped(to.original) + ">\n";
  if (to.sender) text += "sender:    <" + escaped(*to.sender) + ">\n";
  text += "state:     " + std::string(to_string(state)) + "\n";
  text += "why:       " + escaped(why_it_waits(to)) + "\n";
  if (state == State::held) {
    text += "           " + std::string(queue::sentence_of(to.progress.reason)) + "\n";
  }
  if (const auto* fault = fault_of(to, now)) text += "since:     " + fault->since + "\n";
  if (const auto next = next_of(to, state, now); !next.empty()) text += "next:      " + next + "\n";
  text += "attempts:  " + std::to_string(to.progress.attempts) + ", the last " +
          time_text(to.last.time) + "\n";
  if (!to.last.host.empty()) text += "host:      " + escaped(to.last.host) + "\n";
  if (!to.last.reply.empty()) text += "reply:\n" + indented(to.last.reply, "  ");
  if (!to.last.dialogue.empty()) text += "dialogue:\n" + indented(to.last.dialogue, "  ");
  return text;
}

}  // namespace

std::string why_it_waits(const queue::Recipient& to) {
  const auto& last = to.last;
  if (to.progress.reason == Reason::none) return "not tried yet";
  std::string why = last.why.empty() ? last.reply : last.why;
  std::replace(why.begin(), why.end(), '\n', ' ');
  const std::string word(to_string(to.progress.reason));
  return why.empty() || to.progress.reason == Reason::person ? word : word + ": " + why;
}

nlohmann::json queue_json(const queue::Message& message, const QueueNow& now) {
  const bool active = now.active.contains(message.letter.id);
  auto recipients = nlohmann::json::array();
  for (const auto& to : message.recipients) {
    const auto state = state_of(to, active);
    const auto next = next_of(to, state, now);
    nlohmann::json one = {{"to", to.address},
                          {"state", to_string(state)},
                          {"reason", why_it_waits(to)},
                          {"next", next.empty() ? nlohmann::json() : nlohmann::json(next)},
                          {"reply", to.last.reply}};
    if (const auto* fault = fault_of(to, now)) one["since"] = fault->since;
    recipients.push_back(std::move(one));
  }
  return {{"id", message.letter.id},
          {"from", message.letter.sender},
          {"size", message.letter.size},
          {"arrived", to_iso8601(message.letter.arrived)},
          {"recipients", std::move(recipients)}};
}

std::string queue_lines(const queue::Message& message, const QueueNow& now) {
  const bool active = now.active.contains(message.letter.id);
  const auto& letter = message.letter;
  std::string text = letter.id + "  " + to_iso8601(letter.arrived) + "  " +
                     std::to_string(letter.size) + "  <" + escaped(letter.sender) + ">\n";
  for (const auto& to : message.recipients) {
    const auto state = state_of(to, active);
    text += "    <" + escaped(to.address) + ">  " + std::string(to_string(state));
    if (state == State::waiting) text += " until " + to_iso8601(to.progress.next);
    text += ", " + escaped(why_it_waits(to));
    if (const auto* fault = fault_of(to, now)) {
      text += ", since " + fault->since;
      if (state == State::held) text += ", next try " + fault->next;
    }
    text += "\n";
  }
  return text;
}

std::string queue_page(const queue::Message& message, const QueueNow& now) {
  const bool active = now.active.contains(message.letter.id);
  const auto& letter = message.letter;
  std::string text = "id:        " + letter.id + "\n";
  text += "from:      <" + escaped(letter.sender) + ">\n";
  text += "arrived:   " + to_iso8601(letter.arrived) + "\n";
  text += "size:      " + std::to_string(letter.size) + "\n";
  text += "came from: " + letter.origin;
  if (!letter.login.empty()) text += " " + escaped(letter.login);
  if (!letter.client.empty()) text += ", " + escaped(letter.client);
  text += "\n";
  if (!letter.may_bounce) text += "bounces:   none: its sender has not proved to be the sender\n";
  for (const auto& to : message.recipients) text += recipient_page(to, active, now);
  return text;
}

}  // namespace sekisho::cli
