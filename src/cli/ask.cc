#include "cli/ask.h"

#include <cstdio>
#include <iostream>

#include <unistd.h>

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

}  // namespace sekisho::cli
