#include "support/smtp_party.h"

#include <csignal>
#include <stdexcept>

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/inet_socket.h"
#include "base/poll_until.h"
#include "base/unix_socket.h"

extern char** environ;

namespace sekisho::test {

namespace {

constexpr std::chrono::seconds patience(20);

std::uint16_t free_port() {
  const auto listening = listen_inet({"127.0.0.1", 0}, 1);
  if (!listening) throw std::runtime_error(listening.error());
  return port_of(listening->get());
}

std::vector<std::string> sink_arguments(std::vector<std::string> options,
                                        const std::string& unix_path, std::uint16_t port) {
  options.insert(options.begin(), "/usr/sbin/smtp-sink");
  if (::geteuid() == 0) options.insert(options.end(), {"-u", "nobody"});
  options.push_back(unix_path.empty() ? "127.0.0.1:" + std::to_string(port) : "unix:" + unix_path);
  options.emplace_back("100");
  return options;
}

bool listens(const std::string& unix_path, std::uint16_t port) {
  if (!unix_path.empty()) return connect_unix(unix_path).has_value();
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments) {
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipe");
  const UniqueFd theirs_in(in[0]);
  const UniqueFd theirs_out(out[1]);
  in_.reset(in[1]);
  out_.reset(out[0]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  std::vector<char*> words;
  for (const auto& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int error = ::posix_spawn(&pid_, words[0], &actions, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(arguments[0] + " cannot be started");
}

Program::~Program() { end(); }

void Program::end() {
  if (pid_ < 0) return;
  in_.reset();
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string Program::line() {
  const auto deadline = steady_now() + patience;
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      std::string found = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return found;
    }
    char chunk[4096];
    if (poll_until(out_.get(), POLLIN, deadline) != Polled::ready)
      throw std::runtime_error("the program is silent");
    const ssize_t got = ::read(out_.get(), chunk, sizeof chunk);
    if (got <= 0) throw std::runtime_error("the program has ended");
    buffer_.append(chunk, static_cast<std::size_t>(got));
  }
}

std::string Program::rest() {
  end();
  char chunk[4096];
  for (ssize_t got; (got = ::read(out_.get(), chunk, sizeof chunk)) > 0;)
    buffer_.append(chunk, static_cast<std::size_t>(got));
  return std::exchange(buffer_, {});
}

SmtpParty::SmtpParty(const std::vector<std::string>& options)
    : program_([&] {
        std::vector<std::string> arguments = {"/usr/bin/python3",
                                              SEKISHO_TEST_DATA "/../support/smtp_party.py"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        return arguments;
      }()) {
  port_ = next().at("port").get<std::uint16_t>();
}

nlohmann::json SmtpParty::next() { return nlohmann::json::parse(program_.line()); }

SmtpSink::SmtpSink(std::vector<std::string> options, const std::string& unix_path)
    : port_(unix_path.empty() ? free_port() : 0),
      program_(sink_arguments(std::move(options), unix_path, port_)) {
  const auto deadline = steady_now() + patience;
  while (!listens(unix_path, port_)) {
    if (steady_now() > deadline) throw std::runtime_error("smtp-sink does not listen");
    ::usleep(5000);  // nothing tells when a program listens
  }
}

}  // namespace sekisho::test
