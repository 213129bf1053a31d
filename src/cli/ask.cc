#include "cli/ask.h"

#include <cstdio>
#include <iostream>

#include <unistd.h>

#include "cli/complain.h"

namespace sekisho::cli {

Answer ask(const std::string& question) {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) return Answer::nobody_there;
  std::printf("%s [y/N] ", question.c_str());
  std::fflush(stdout);
  std::string answer;
  std::clearerr(stdin);
  std::cin.clear();
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes" ? Answer::yes : Answer::no;
}

ExitCode confirm(const std::string& verb, const std::string& what, const std::string& done) {
  switch (ask(verb + " " + what + "?")) {
    case Answer::yes:
      return ok;
    case Answer::no:
      return complain(usage, "nothing is " + done);
    case Answer::nobody_there:
      break;
  }
  return complain(usage, "nothing is " + done + ": it would be " + what +
                             ", nobody can be asked here, and --yes was not given");
}

}  // namespace sekisho::cli
