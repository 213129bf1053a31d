#include "queue/log_lines.h"

#include <algorithm>

#include "base/encoding.h"

namespace sekisho::queue {

namespace {

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return escape_for_terminal(text);
}

std::string_view status_of(const Progress& progress) {
  switch (progress.state) {
    case State::waiting:
    case State::sending:
      return "deferred";
    case State::held:
      return "held";
    case State::sent:
      return "sent";
    case State::bounced:
      return "bounced";
    case State::deleted:
      return "deleted";
    case State::ended:
      return "bounced";
  }
  return {};
}

std::string envelope_of(const Recipient& to) {
  std::string text = "to=<" + escape_as_word(to.address) + ">";
  if (to.original != to.address) text += ", orig_to=<" + escape_as_word(to.original) + ">";
  return text;
}

}  // namespace

std::string arrival_line(const Message& message) {
  const auto& letter = message.letter;
  return letter.id + ": from=<" + escape_as_word(letter.sender) +
         ">, size=" + std::to_string(letter.size) +
         ", nrcpt=" + std::to_string(message.recipients.size()) + " (queue active)";
}

std::string delivery_line(const std::string& id, const Recipient& to, const relay::Result& result,
                          WallTime arrived) {
  const auto delay = std::max<std::int64_t>(0, (to.last.time - arrived).count());
  std::string line = id + ": " + envelope_of(to);
  line += ", relay=" + (result.host.empty() ? std::string("none") : one_line(result.host));
  line += ", delay=" + std::to_string(delay);
  line += ", dsn=" + (result.status.empty() ? std::string("4.0.0") : result.status);
  line.append(", status=").append(status_of(to.progress));
  if (to.progress.state == State::held)
    line.append(", rule=").append(to_string(to.progress.reason));
  const auto& said = result.reply.empty() ? result.why : result.reply;
  return line + " (" + one_line(said) + ")";
}

std::string command_line(const std::string& id, const Recipient& to) {
  return id + ": " + envelope_of(to) + ", status=" + std::string(status_of(to.progress)) +
         " (by a command)";
}

}  // namespace sekisho::queue
