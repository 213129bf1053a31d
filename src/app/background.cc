#include "app/background.h"

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/exit_code.h"

namespace sekisho::app {

Background::Background(bool foreground) {
  if (foreground) return;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe");
  UniqueFd from_child(ends[0]);
  to_parent_.reset(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    ::setsid();
    return;
  }
  to_parent_.reset();
  char word = 0;
  if (::read(from_child.get(), &word, 1) == 1) std::_Exit(cli::ok);
  int status = 0;
  ::waitpid(child, &status, 0);
  std::_Exit(WIFEXITED(status) ? WEXITSTATUS(status) : cli::software);
}

void Background::started() {
  if (!to_parent_) return;
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int stream : {0, 1, 2}) ::dup2(null, stream);
  ::close(null);
  if (::write(to_parent_.get(), "1", 1) != 1) return;  // the parent is gone
  to_parent_.reset();
}

}  // namespace sekisho::app
