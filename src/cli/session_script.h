// cli/session_script.h: the client of `sekisho session`: says a script to a conversation, a command
// at a time, and waits for each answer.
// Errors: none; what the server says is the result. Thread: one owner.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/executor.h"
#include "cli/session_house.h"
#include "smtp/conversation.h"

namespace sekisho::cli {

class SessionScript {
 public:
  // Connects as this client. What is said goes to the transcript of the house.
  SessionScript(SessionHouse& house, smtp::Client client);

  // Commands, and after DATA the message as it goes over the line: with dots doubled, up to a line
  // with one alone. Lines may end in LF; empty ones between commands, and those that begin with
  // "#", are nothing. A message without its end is ended.
  void play(std::string_view script);
  // One command.
  void say(std::string_view command);
  relay::Standing standing() const;

 private:
  void open(bool tls_first);
  void message_line(std::string_view line);
  void end_message();
  std::string shown(std::string_view command) const;
  void offer();
  void settle();
  void note_replies();

  SessionHouse& house_;
  std::shared_ptr<RunQueue> queue_ = std::make_shared<RunQueue>();
  std::string input_;
  std::string output_;
  std::size_t message_lines_ = 0;  // of the message under way
  bool closed_ = false;
  std::unique_ptr<smtp::Conversation> conversation_;
};

}  // namespace sekisho::cli
