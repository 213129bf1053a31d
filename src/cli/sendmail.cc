#include "cli/sendmail.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/read_file.h"
#include "base/unix_socket.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/drop_file.h"
#include "cli/exit_code.h"
#include "cli/sendmail_message.h"
#include "cli/sendmail_submit.h"
#include "queue/options.h"
#include "smtp/options.h"

namespace sekisho::cli {

namespace {

// More than any limits.message_size in use; the daemon refuses what is larger than its own.
constexpr std::size_t most_octets = 1024ULL * 1024 * 1024;

int complain(ExitCode code, const std::string& what) {
  std::fprintf(stderr, "sendmail: %s\n", escape_for_terminal(what).c_str());
  return code;
}

struct Person {
  std::string login;
  std::string full_name;
};

Person this_person() {
  const passwd* entry = ::getpwuid(::getuid());
  if (entry == nullptr) return {"uid-" + std::to_string(::getuid()), {}};
  std::string name(entry->pw_gecos == nullptr ? "" : entry->pw_gecos);
  return {entry->pw_name, name.substr(0, name.find(','))};
}

// A phrase of RFC 5322 §3.2.5, quoted.
std::string author_of(const SendmailOptions& options, const Person& person,
                      const std::string& sender) {
  std::string name;
  for (const char c : options.full_name.empty() ? person.full_name : options.full_name) {
    if (c == '"' || c == '\\') name += '\\';
    if (!ascii::is_control(c)) name += c;
  }
  const std::string address = sender.empty() ? person.login : sender;
  return name.empty() ? address : "\"" + name + "\" <" + address + ">";
}

// "a b" is a quoted string in SMTP (RFC 5321 §4.1.2).
std::string with_quotes(const std::string& address) {
  const auto at = std::min(address.rfind('@'), address.size());
  const auto local = address.substr(0, at);
  if (local.find(' ') == std::string::npos || local.starts_with('"')) return address;
  return "\"" + local + "\"" + address.substr(at);
}

bool is_sendable(const std::string& address) {
  return std::none_of(address.begin(), address.end(),
                      [](char c) { return ascii::is_control(c) || c == '<' || c == '>'; });
}

int report(const Submitted& submitted, const SendmailOptions& options) {
  for (const auto& each : submitted.refused) {
    complain(unavailable, (each.rcpt.empty() ? "" : each.rcpt + ": ") + each.reply);
  }
  if (options.verbose && !submitted.answer.empty())
    std::printf("%s\n", escape_for_terminal(submitted.answer).c_str());
  return submitted.refused.empty() ? ok : unavailable;
}

int hand_over(Dropped message, const SendmailOptions& options, const SendmailPlaces& places) {
  auto fd = connect_unix(places.socket);
  const auto submitted = fd ? submit(std::move(*fd), message)
                            : Submitted{"", {}, message.rcpts, places.socket + ": " + fd.error()};
  const int result = report(submitted, options);
  if (submitted.waiting.empty()) return result;
  message.rcpts = submitted.waiting;
  if (auto dropped = drop(places.drop, message); !dropped)
    return complain(temporary, "not sent: " + submitted.why_waiting + "; and " + dropped.error());
  if (options.verbose) std::printf("%s: kept until it does\n", submitted.why_waiting.c_str());
  return result;
}

int deliver(const SendmailOptions& options, const SendmailPlaces& places) {
  const auto text = read_to_end(STDIN_FILENO, most_octets);
  if (!text) return complain(io_error, "standard input: " + text.error().what);
  const Person person = this_person();
  Submission submission;
  submission.sender = with_quotes(options.sender.value_or(person.login));
  auto message =
      read_sendmail_message(*text, options, author_of(options, person, submission.sender));
  submission.content = std::move(message.content);
  for (const auto& word : options.recipients) {
    for (const auto& each : addresses_in(word)) message.recipients.push_back(each);
  }
  for (const auto& each : message.recipients) {
    auto address = with_quotes(each);
    if (!is_sendable(address)) return complain(data_error, each + ": this is no address");
    auto& all = submission.recipients;
    if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(std::move(address));
  }
  if (!is_sendable(submission.sender))
    return complain(data_error, submission.sender + ": this is no address");
  if (submission.recipients.empty()) return complain(usage, "no recipients are named");

  return hand_over(envelope_of(std::move(submission), options), options, places);
}

// Copies what `from` has to `to`; false at its end.
bool copy(int from, int to) {
  std::array<char, 16384> octets{};
  const ssize_t count = ::read(from, octets.data(), octets.size());
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) return false;
  std::string_view left(octets.data(), static_cast<std::size_t>(count));
  while (!left.empty()) {
    const ssize_t written = ::write(to, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// -bs: the program speaks SMTP itself, on standard input and output.
int speak_smtp(const SendmailPlaces& places) {
  const auto fd = connect_unix(places.socket);
  if (!fd) {
    std::fputs("421 4.3.2 sekishod does not answer\r\n", stdout);
    return complain(temporary, places.socket + ": " + fd.error());
  }
  std::array<pollfd, 2> both{{{fd->get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (true) {
    if (::poll(both.data(), both.size(), -1) < 0 && errno != EINTR)
      return complain(os_error, "poll failed");
    if (both[0].revents != 0 && !copy(fd->get(), STDOUT_FILENO)) return ok;
    if (both[1].revents == 0 || copy(STDIN_FILENO, fd->get())) continue;
    ::shutdown(fd->get(), SHUT_WR);
    both[1].fd = -1;  // poll(2) leaves it out
  }
}

// As if `sekisho` had been typed.
int as_sekisho(std::vector<std::string> words) {
  words.insert(words.begin(), "sekisho");
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  return run(static_cast<int>(arguments.size()), arguments.data());
}

bool is_closed(const std::string& path) {
  return ::access(path.c_str(), R_OK) != 0 && errno == EACCES;
}

// Whose mail waits is nobody's business but the admin's, so neither the configuration nor the queue
// nor the control socket is open to everybody.
int ask_about_queue(const char* act, const SendmailPlaces& places) {
  if (is_closed(places.config) || is_closed(places.queue)) {
    return complain(no_permission,
                    "the mail queue is shown to root and to the group of sekishod only: try sudo "
                    "sekisho queue " +
                        std::string(act));
  }
  return as_sekisho({"queue", act});
}

}  // namespace

SendmailPlaces sendmail_places() {
  const auto named = [](const char* variable, std::string otherwise) {
    const char* value = std::getenv(variable);
    return value == nullptr || *value == 0 ? std::move(otherwise) : std::string(value);
  };
  return {named("SEKISHO_SUBMIT_SOCKET", smtp::local_socket),
          named("SEKISHO_DROP", queue::Options().drop), default_config, queue::Options().dir};
}

int sendmail(int argc, const char* const* argv, const SendmailPlaces& places) {
  const auto options = read_sendmail_options({argv, argv + argc});
  if (!options) return complain(usage, options.error());
  switch (options->mode) {
    case SendmailOptions::Mode::deliver:
      return deliver(*options, places);
    case SendmailOptions::Mode::smtp:
      return speak_smtp(places);
    case SendmailOptions::Mode::list_queue:
      return ask_about_queue("list", places);
    case SendmailOptions::Mode::flush_queue:
      return ask_about_queue("flush", places);
    case SendmailOptions::Mode::aliases:
      return ok;  // sekishod looks at the files every minute
  }
  return software;
}

}  // namespace sekisho::cli
