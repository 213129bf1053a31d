#include "relay/sendmail_program.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <span>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/poll_until.h"
#include "base/unique_handle.h"

namespace sekisho::relay {

namespace {

using Code = Handover::Code;

// The output of a failing program: a line or two.
constexpr std::size_t said_octets = 512;

std::string system_error(std::string_view doing) {
  return std::string(doing) + ": " +
         std::strerror(errno);  // NOLINT(concurrency-mt-unsafe): glibc's is safe
}

// The value of a parameter that is the same for all; empty if they differ.
std::string common_notify(const std::vector<LetterRecipient>& recipients) {
  std::optional<std::string> common;
  for (const auto& to : recipients) {
    std::string value;
    for (const auto& parameter : to.parameters) {
      if (ascii::istarts_with(parameter, "NOTIFY=")) value = ascii::lower(parameter.substr(7));
    }
    if (common && *common != value) return {};
    common = value;
  }
  return common.value_or("");
}

std::string with_lf(std::string_view content) {
  std::string out;
  out.reserve(content.size());
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\r' && i + 1 < content.size() && content[i + 1] == '\n') continue;
    out += content[i];
  }
  return out;
}

struct Child {
  pid_t process = -1;
  UniqueFd input;
  UniqueFd output;
};

// Makes a pipe that no other program inherits.
bool make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  return true;
}

std::optional<Child> start(std::vector<std::string> arguments) {
  UniqueFd in;
  UniqueFd out;
  Child child;
  if (!make_pipe(in, child.input) || !make_pipe(child.output, out)) return std::nullopt;
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 2> environment = {path.data(), nullptr};
  child.process = ::fork();
  if (child.process == 0) {
    // Only calls that are safe after fork().
    if (::dup2(in.get(), STDIN_FILENO) < 0 || ::dup2(out.get(), STDOUT_FILENO) < 0 ||
        ::dup2(out.get(), STDERR_FILENO) < 0)
      ::_exit(EX_OSERR);
    ::signal(SIGPIPE, SIG_DFL);
    ::execve(argv[0], argv.data(), environment.data());
    ::_exit(errno == ENOENT ? EX_UNAVAILABLE : EX_NOPERM);
  }
  if (child.process < 0) return std::nullopt;
  ::fcntl(child.input.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(child.output.get(), F_SETFL, O_NONBLOCK);
  return child;
}

// Writes the message and reads the output of the program, until it closes its output. False on a
// time-out.
bool converse(Child& child, std::string_view content, SteadyTime deadline, std::string& said) {
  for (;;) {
    std::array<pollfd, 2> waiting = {pollfd{child.output.get(), POLLIN, 0},
                                     pollfd{child.input.get(), POLLOUT, 0}};
    const std::span polled(waiting.data(), child.input ? 2 : 1);
    if (poll_until(polled, deadline) != Polled::ready) return false;
    if (child.input && (waiting[1].revents != 0)) {
      const ssize_t wrote = ::write(child.input.get(), content.data(), content.size());
      if (wrote > 0) content.remove_prefix(static_cast<std::size_t>(wrote));
      if (content.empty() || (wrote < 0 && errno != EAGAIN && errno != EINTR)) child.input.reset();
    }
    if (waiting[0].revents != 0) {
      std::array<char, 4096> chunk{};
      const ssize_t got = ::read(child.output.get(), chunk.data(), chunk.size());
      if (got == 0) return true;
      if (got > 0 && said.size() < said_octets)
        said.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }
}

// The exit status of the process; nullopt if it did not end in time and was killed.
std::optional<int> wait_for(pid_t process, SteadyTime deadline) {
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(process, &status, WNOHANG);
    if (ended == process) return status;
    if (ended < 0 && errno != EINTR) return std::nullopt;
    if (steady_now() > deadline) break;
    ::poll(nullptr, 0, 20);
  }
  ::kill(process, SIGKILL);
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return std::nullopt;
}

std::string one_line(std::string_view said) {
  std::string out(ascii::trim(said.substr(0, said_octets)));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = c == '\n' ? ' ' : '?';
  }
  return out.empty() ? "" : ": " + out;
}

Handover outcome_of(int status, const std::string& said) {
  if (WIFSIGNALED(status)) {
    return {Code::uncertain,
            "sendmail was ended by signal " + std::to_string(WTERMSIG(status)) + one_line(said),
            {}};
  }
  const int code = WEXITSTATUS(status);
  if (code == EX_OK) return {Code::accepted, "sendmail took it" + one_line(said), {}};
  // Exit codes of a temporary failure. sysexits(3).
  const bool later = code == EX_TEMPFAIL || code == EX_OSERR || code == EX_OSFILE ||
                     code == EX_IOERR || code == EX_CANTCREAT;
  return {later ? Code::deferred : Code::refused,
          "sendmail exited with " + std::to_string(code) + one_line(said),
          {}};
}

}  // namespace

std::vector<std::string> sendmail_arguments(const std::string& program, const Letter& letter) {
  std::vector<std::string> arguments = {program, "-i", "-f",
                                        letter.mail_from.empty() ? "<>" : letter.mail_from};
  if (const auto notify = common_notify(letter.recipients); !notify.empty()) {
    arguments.insert(arguments.end(), {"-N", notify});
  }
  for (const auto& parameter : letter.mail_parameters) {
    if (ascii::istarts_with(parameter, "RET="))
      arguments.insert(arguments.end(), {"-R", ascii::lower(parameter.substr(4))});
    if (ascii::istarts_with(parameter, "ENVID="))
      arguments.insert(arguments.end(), {"-V", parameter.substr(6)});
  }
  arguments.emplace_back("--");
  for (const auto& to : letter.recipients) arguments.push_back(to.address);
  return arguments;
}

Handover hand_over_by_sendmail(const std::string& program, const Letter& letter,
                               std::chrono::seconds timeout) {
  if (::access(program.c_str(), X_OK) != 0) return {Code::deferred, system_error(program), {}};
  const auto deadline = steady_now() + timeout;
  // The program may end before it has read everything.
  struct sigaction ignored {};
  struct sigaction before {};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignored, &before);
  auto child = start(sendmail_arguments(program, letter));
  Handover outcome{Code::deferred, system_error("cannot run " + program), {}};
  if (child) {
    std::string said;
    const std::string content = with_lf(letter.content);
    const bool in_time = converse(*child, content, deadline, said);
    child->input.reset();
    const auto status = wait_for(child->process, in_time ? deadline : steady_now());
    outcome = status
                  ? outcome_of(*status, said)
                  : Handover{Code::uncertain, "sendmail did not end in time" + one_line(said), {}};
  }
  ::sigaction(SIGPIPE, &before, nullptr);
  return outcome;
}

}  // namespace sekisho::relay
