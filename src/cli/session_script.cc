#include "cli/session_script.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/ascii.h"

namespace sekisho::cli {

namespace {

using Who = Transcript::Who;
using smtp::Conversation;
using smtp::State;

// No octet goes over a line, so there is nothing to encrypt.
constexpr const char* played_tls = "TLSv1.3 with cipher none (played)";
// More of a message says nothing about the conversation.
constexpr std::size_t most_shown_lines = 40;
constexpr std::chrono::seconds look_every(1);

}  // namespace

SessionScript::SessionScript(SessionHouse& house, smtp::Client client) : house_(house) {
  const bool tls_first = !client.tls.empty() || client.profile == smtp::Profile::submissions;
  client.tls.clear();
  conversation_ = std::make_unique<Conversation>(
      house.services(),
      smtp::Ports{.send = [this](std::string octets) { output_ += octets; },
                  .resume = [this] { offer(); },
                  .owner = queue_,
                  .broken =
                      [this](const std::exception& error) {
                        house_.transcript().add(Who::note, "broken: " + std::string(error.what()));
                        closed_ = true;
                      },
                  // Who guesses passwords is answered late; a script need not wait.
                  .later = [this](std::chrono::milliseconds,
                                  std::function<void()> then) { queue_->post(std::move(then)); }},
      std::move(client));
  open(tls_first);
}

void SessionScript::open(bool tls_first) {
  if (tls_first) conversation_->tls_established(played_tls);
  conversation_->open();
  settle();
}

relay::Standing SessionScript::standing() const {
  return smtp::standing_of(*house_.services().sites.now(), conversation_->client());
}

void SessionScript::play(std::string_view script) {
  while (!script.empty()) {
    const auto end = script.find('\n');
    auto line = script.substr(0, end);
    script.remove_prefix(end == std::string_view::npos ? script.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (closed_) {
      house_.transcript().add(Who::note,
                              "the server has ended the connection: the rest of the "
                              "script is not said");
      return;
    }
    if (conversation_->receiving()) {
      message_line(line);
    } else if (conversation_->state() == State::login || !(line.empty() || line.front() == '#')) {
      say(line);
    }
  }
  if (conversation_->receiving() && !closed_) {
    house_.transcript().add(Who::note, "the script ends within the message: a dot is added");
    message_line(".");
  }
}

void SessionScript::say(std::string_view command) {
  if (closed_) return;
  house_.transcript().add(Who::client, shown(command));
  input_.append(command).append("\r\n");
  settle();
}

// Neither a terminal nor a bug report should show a password.
std::string SessionScript::shown(std::string_view command) const {
  if (conversation_->state() == State::login) return "(not shown)";
  if (!ascii::istarts_with(command, "AUTH ")) return std::string(command);
  const auto secret = command.find(' ', 5);
  return secret == std::string_view::npos ? std::string(command)
                                          : std::string(command.substr(0, secret)) + " (not shown)";
}

void SessionScript::message_line(std::string_view line) {
  if (++message_lines_ <= most_shown_lines) house_.transcript().add(Who::client, std::string(line));
  input_.append(line).append("\r\n");
  if (line == ".") return end_message();
  offer();
}

void SessionScript::end_message() {
  if (message_lines_ > most_shown_lines) {
    house_.transcript().add(Who::note, "and " + std::to_string(message_lines_ - most_shown_lines) +
                                           " more lines of the message");
  }
  message_lines_ = 0;
  settle();
}

void SessionScript::offer() {
  if (closed_) return;
  const auto taken = conversation_->take(input_);
  input_.erase(0, taken.octets);
  switch (taken.next) {
    case Conversation::Next::read:
    case Conversation::Next::wait:
      break;
    case Conversation::Next::start_tls:
      conversation_->tls_established(played_tls);
      break;
    case Conversation::Next::close:
      closed_ = true;
      break;
  }
}

void SessionScript::settle() {
  offer();
  queue_->run_until([] { return false; }, steady_now());
  const auto answered = [this] { return !conversation_->waiting(); };
  while (!closed_ && !answered()) {
    const auto until = std::min(conversation_->deadline(), steady_now() + look_every);
    if (!queue_->run_until(answered, until) && steady_now() >= conversation_->deadline())
      conversation_->expire();
  }
  // An answer late in that round has let the next octets in.
  queue_->run_until([] { return false; }, steady_now());
  note_replies();
}

void SessionScript::note_replies() {
  for (std::size_t at = 0; at < output_.size();) {
    const auto end = output_.find("\r\n", at);
    house_.transcript().add(Who::server, output_.substr(at, end - at));
    at = end == std::string::npos ? output_.size() : end + 2;
  }
  output_.clear();
}

}  // namespace sekisho::cli
