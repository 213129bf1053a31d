#include "cli/ask_password.h"

#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>

#include <poll.h>

#include "base/encoding.h"
#include "base/read_file.h"
#include "base/unique_handle.h"

namespace sekisho::cli {

namespace {

constexpr std::size_t longest_line = 4096;  // of a terminal; a password has 511 octets at most

// While it lives, the terminal shows nothing, and signals are read from a descriptor.
class Silence {
 public:
  Silence() {
    sigset_t caught;
    sigemptyset(&caught);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) sigaddset(&caught, signal);
    ::pthread_sigmask(SIG_BLOCK, &caught, &old_mask_);
    signals_.reset(::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
    if (::tcgetattr(STDIN_FILENO, &old_) != 0) return;
    termios silent = old_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    changed_ = ::tcsetattr(STDIN_FILENO, TCSADRAIN, &silent) == 0;
  }
  ~Silence() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &old_);
    signalfd_siginfo read_away;
    while (::read(signals_.get(), &read_away, sizeof read_away) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

  bool silent() const { return changed_; }
  int signals() const { return signals_.get(); }

 private:
  termios old_{};
  sigset_t old_mask_{};
  UniqueFd signals_;
  bool changed_ = false;
};

// nullopt: a signal, or the end of the input.
std::optional<std::string> read_line(int signals) {
  std::string line;
  for (;;) {
    pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return std::nullopt;
    if (waiting[1].revents != 0) return std::nullopt;
    if (waiting[0].revents == 0) continue;
    char octet = 0;
    const auto got = ::read(STDIN_FILENO, &octet, 1);
    if (got <= 0 || line.size() > longest_line) return std::nullopt;
    if (octet == '\n') return line;
    line += octet;
  }
}

std::optional<std::string> ask(const Silence& silence, const std::string& question) {
  std::fprintf(stderr, "%s", question.c_str());
  std::fflush(stderr);
  return read_line(silence.signals());
}

}  // namespace

OrComplaint<std::string> ask_new_password(const std::string& login) {
  if (::isatty(STDIN_FILENO) == 0) {
    return complaint(usage,
                     "nobody can be asked for a password here: give it on standard input, with "
                     "--stdin");
  }
  const Silence silence;
  if (!silence.silent()) return complaint(os_error, "the terminal cannot be kept from showing it");
  const auto first = ask(silence, "New password of " + escape_for_terminal(login) + ": ");
  if (!first) return complaint(usage, "nothing is changed");
  const auto second = ask(silence, "The same again: ");
  if (!second) return complaint(usage, "nothing is changed");
  if (*first != *second) return complaint(usage, "the two are different: nothing is changed");
  return *first;
}

OrComplaint<std::string> read_password_line() {
  auto text = read_to_end(STDIN_FILENO, longest_line);
  if (!text) return complaint(data_error, "standard input: " + text.error().what);
  std::string line = text->substr(0, text->find('\n'));
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty()) return complaint(data_error, "standard input: no password in its first line");
  return line;
}

}  // namespace sekisho::cli
