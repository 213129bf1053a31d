// cli/person.h: who types a command that changes something, and the line about it in the log: of
// the mail facility, or wherever the configuration sends the log of the daemon.
// Errors: none; a log that takes nothing keeps nobody from working. Thread: the main one.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "config/settings.h"

namespace sekisho::cli {

struct Person {
  std::string name;  // of the user, or its number
  unsigned uid = 0;
  std::string sudo_user;  // whom sudo says it works for; empty without

  // "root (sudo: taro)", for the record of a message.
  std::string text() const;
};
Person person();

// One line for each thing that was done.
class ActLog {
 public:
  explicit ActLog(const config::Settings& settings);

  // "quarantine delete: id=K7Q2-4DMX by=root uid=0 sudo_user=taro result=deleted"; without an id,
  // none.
  void tell(std::string_view command, std::string_view id, std::string_view result);
  const Person& who() const { return who_; }

 private:
  Person who_ = person();
  Log log_;
};

}  // namespace sekisho::cli
