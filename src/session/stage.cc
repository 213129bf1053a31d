#include "session/stage.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace sekisho::session {

namespace {

struct Transition {
  Event event;
  std::string_view name;
  std::initializer_list<Stage> from;
  Stage to;
};

constexpr auto envelope_only = {Stage::envelope};
constexpr auto idle_only = {Stage::idle};
constexpr auto in_header = {Stage::envelope, Stage::header};
// A message may be without a header, and without a body.
constexpr auto in_message = {Stage::envelope, Stage::header, Stage::body};

constexpr std::array transitions = {
    Transition{Event::mail_from, "MAIL FROM", idle_only, Stage::envelope},
    Transition{Event::rcpt_to, "RCPT TO", envelope_only, Stage::asking},
    Transition{Event::header, "a header field", in_header, Stage::header},
    Transition{Event::end_of_header, "the end of the header", in_header, Stage::body},
    Transition{Event::body, "the body", in_message, Stage::body},
    Transition{Event::end_of_message, "the end of the message", in_message, Stage::deciding},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < transitions.size(); ++i) {
    if (static_cast<std::size_t>(transitions[i].event) != i) return false;
  }
  return true;
}
static_assert(in_order(), "one row for each event, in the order of the enum");

const Transition& row(Event event) { return transitions[static_cast<std::size_t>(event)]; }

}  // namespace

std::string_view name_of(Event event) { return row(event).name; }

std::optional<Stage> after(Stage stage, Event event) {
  const auto& from = row(event).from;
  if (std::find(from.begin(), from.end(), stage) == from.end()) return std::nullopt;
  return row(event).to;
}

}  // namespace sekisho::session
