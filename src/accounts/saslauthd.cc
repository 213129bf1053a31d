#include "accounts/saslauthd.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "accounts/unix_connection.h"
#include "base/encoding.h"
#include "base/poll_until.h"

namespace sekisho::accounts {

namespace {

using Code = LoginAnswer::Code;

constexpr std::size_t max_text = 65535;   // its length stands in two octets
constexpr std::size_t max_answer = 1024;  // "NO" and a sentence

void append(std::string& out, std::string_view text) {
  out += static_cast<char>(text.size() >> 8);
  out += static_cast<char>(text.size() & 0xff);
  out += text;
}

bool send_all(int fd, std::string_view octets, SteadyTime until) {
  while (!octets.empty()) {
    const auto sent = ::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent > 0) octets.remove_prefix(static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (sent < 0 && poll_until(fd, POLLOUT, until) != Polled::ready) return false;
  }
  return true;
}

bool receive(int fd, char* octets, std::size_t count, SteadyTime until) {
  while (count > 0) {
    if (poll_until(fd, POLLIN, until) != Polled::ready) return false;
    const auto got = ::recv(fd, octets, count, 0);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return false;
    if (got < 0) continue;
    octets += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

std::optional<std::string> receive_text(int fd, SteadyTime until) {
  unsigned char size[2];
  if (!receive(fd, reinterpret_cast<char*>(size), sizeof size, until)) return std::nullopt;
  std::string text(std::size_t{size[0]} << 8 | size[1], '\0');
  if (text.size() > max_answer || !receive(fd, text.data(), text.size(), until))
    return std::nullopt;
  return text;
}

}  // namespace

Saslauthd::Saslauthd(std::string socket_path, std::chrono::milliseconds patience)
    : path_(std::move(socket_path)), patience_(patience), checks_(connections) {}

std::optional<std::string> Saslauthd::request(const LoginAttempt& attempt) {
  // saslauthd reads a text to its first NUL.
  for (const auto* text : {&attempt.login, &attempt.password}) {
    if (text->empty() || text->size() > max_text || text->find('\0') != std::string::npos)
      return std::nullopt;
  }
  std::string out;
  append(out, attempt.login);
  append(out, attempt.password);
  append(out, "smtp");
  append(out, "");
  return out;
}

LoginAnswer Saslauthd::answer(std::string_view text, const std::string& login) {
  // Some versions count the final NUL.
  while (text.ends_with('\0')) text.remove_suffix(1);
  if (text == "OK" || text.starts_with("OK ")) return {Code::accepted, login, {}};
  const std::string shown = "saslauthd: " + escape_for_log(text);
  const bool own_fault = text.find("internal") != std::string_view::npos ||
                         text.find("start error") != std::string_view::npos ||
                         // The server behind it is away, or says what it does not understand.
                         text.find("[ALERT]") != std::string_view::npos;
  if (!own_fault && (text == "NO" || text.starts_with("NO "))) return {Code::wrong, {}, shown};
  return {Code::unavailable, {}, shown};
}

LoginAnswer Saslauthd::ask(const LoginAttempt& attempt) const {
  const auto unavailable = [&](const std::string& why) {
    return LoginAnswer{Code::unavailable, {}, path_ + ": " + why};
  };
  const auto octets = request(attempt);
  if (!octets) return {Code::wrong, {}, "an empty login or password, or one with NUL"};
  const auto until = steady_now() + patience_;
  auto connection = connect_at_once(path_);
  if (!connection) return unavailable("cannot connect: " + connection.error());
  if (!send_all(connection->get(), *octets, until)) return unavailable("it takes no request");
  const auto text = receive_text(connection->get(), until);
  if (!text) return unavailable("no answer from saslauthd");
  auto said = answer(*text, attempt.login);
  return said.code == Code::unavailable ? unavailable(said.reason) : said;
}

void Saslauthd::check(LoginAttempt attempt, Done done) {
  checks_.post([this, attempt = std::move(attempt), done = std::move(done)](bool run) {
    if (run) return done(ask(attempt));
    done({Code::unavailable, {}, path_ + ": too many logins wait for saslauthd"});
  });
}

}  // namespace sekisho::accounts
