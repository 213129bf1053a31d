// cli/person.h: the person who runs a command that changes something, and the line about it in the
// log of the daemon (by default the mail facility).
// Errors: none; a failing log does not stop the command. Thread: the main one.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "config/settings.h"

namespace sekisho::cli {

struct Person {
  std::string name;  // of the user, or its number
  unsigned uid = 0;
  std::string sudo_user;  // the user for whom sudo runs the command; empty without sudo

  // "root (sudo: taro)", for the record of a message.
  std::string text() const;
};
Person person();

// Writes one line for each act.
class ActLog {
 public:
  explicit ActLog(const config::Settings& settings);

  // "quarantine delete: id=K7Q2-4DMX by=root uid=0 sudo_user=taro result=deleted"; nothing without
  // an id.
  void tell(std::string_view command, std::string_view id, std::string_view result);
  const Person& who() const { return who_; }

 private:
  Person who_ = person();
  Log log_;
};

}  // namespace sekisho::cli
