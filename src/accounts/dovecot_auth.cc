#include "accounts/dovecot_auth.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <poll.h>

#include "accounts/random_octets.h"
#include "accounts/unix_connection.h"
#include "base/memory.h"
#include "base/poll_until.h"

namespace sekisho::accounts {

namespace {

using Code = LoginAnswer::Code;

// Dovecot wants a number of each client that no other one has, and others give their process's id.
// These are above any (2^22).
unsigned random_client() {
  const std::string octets = random_octets(4);
  unsigned number = 0;
  for (const char octet : octets) number = number << 8 | static_cast<unsigned char>(octet);
  return (number & 0x3fffffffU) | 0x40000000U;
}

void wake(int eventfd) {
  const std::uint64_t one = 1;
  // It can only be full, and then it wakes too.
  [[maybe_unused]] const auto written = ::write(eventfd, &one, sizeof one);
}

}  // namespace

DovecotAuth::DovecotAuth(std::string socket_path, std::chrono::milliseconds patience)
    : path_(std::move(socket_path)),
      patience_(patience),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = std::thread([this] { run(); });
}

DovecotAuth::~DovecotAuth() {
  inbox_.with([](Inbox& inbox) { inbox.stopped = true; });
  wake(wake_.get());
  thread_.join();
}

void DovecotAuth::check(LoginAttempt attempt, Done done) {
  Asked asked{std::move(attempt), std::move(done), steady_now() + patience_};
  const bool taken = inbox_.with([&](Inbox& inbox) {
    if (inbox.stopped || inbox.waiting >= most_waiting) return false;
    inbox.fresh.push_back(std::move(asked));
    ++inbox.waiting;
    return true;
  });
  if (!taken)
    return asked.done({Code::unavailable, {}, path_ + ": too many logins wait for Dovecot"});
  wake(wake_.get());
}

void DovecotAuth::run() {
  while (take_fresh()) {
    // No memory: what waits is late at some time, and told so.
    const bool done = contained([&] {
      if (!asked_.empty() && !socket_) connect();
      send_requests();
      wait();
      late();
    });
    if (!done) contained([&] { disconnect("an error of this side"); });
  }
  contained([&] { give_up_all("the daemon ends"); });
}

// Whether to go on.
bool DovecotAuth::take_fresh() {
  return inbox_.with([&](Inbox& inbox) {
    while (!inbox.fresh.empty()) {
      asked_.emplace(next_id_, std::move(inbox.fresh.front()));
      inbox.fresh.pop_front();
      // Dovecot takes 31 bits; DovecotConversation reads nine digits.
      next_id_ = next_id_ % 999999999 + 1;
    }
    return !inbox.stopped;
  });
}

std::chrono::milliseconds DovecotAuth::until_next() const {
  if (asked_.empty()) return std::chrono::hours(1);
  SteadyTime first = SteadyTime::max();
  for (const auto& [id, asked] : asked_) first = std::min(first, asked.until);
  return std::chrono::ceil<std::chrono::milliseconds>(
      std::max(first - steady_now(), SteadyTime::duration::zero()));
}

void DovecotAuth::wait() {
  const short events = static_cast<short>(output_.empty() ? POLLIN : POLLIN | POLLOUT);
  std::array<pollfd, 2> waiting{{{wake_.get(), POLLIN, 0}, {socket_.get(), events, 0}}};
  if (poll_until(waiting, steady_now() + until_next()) != Polled::ready) return;
  if (waiting[0].revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
  }
  if ((waiting[1].revents & POLLOUT) != 0) write();
  if ((waiting[1].revents & ~POLLOUT) != 0) read();
}

void DovecotAuth::connect() {
  auto made = connect_at_once(path_);
  if (!made) return give_up_all("cannot connect: " + made.error());
  socket_ = std::move(*made);
  conversation_.emplace();
  last_heard_ = steady_now();
  output_ = DovecotConversation::greeting(random_client());
  write();
}

void DovecotAuth::send_requests() {
  if (!conversation_ || !conversation_->ready()) return;
  std::vector<unsigned> impossible;
  for (auto& [id, asked] : asked_) {
    if (std::exchange(asked.sent, true)) continue;
    if (auto line = DovecotConversation::request(id, asked.attempt)) {
      output_ += *line;
    } else {
      impossible.push_back(id);
    }
  }
  for (const unsigned id : impossible)
    answer(id, {Code::wrong, {}, "no login, or a password with NUL or of several kilobytes"});
  if (!output_.empty()) write();
}

void DovecotAuth::write() {
  while (socket_ && !output_.empty()) {
    const auto sent = ::send(socket_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent > 0) output_.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (sent < 0 && errno != EINTR) return disconnect(std::strerror(errno));
  }
}

void DovecotAuth::read() {
  std::array<char, 8192> octets;
  if (!socket_) return;
  const auto got = ::recv(socket_.get(), octets.data(), octets.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return disconnect(std::strerror(errno));
  if (got == 0) return disconnect("Dovecot has closed the connection");
  last_heard_ = steady_now();
  auto answers = conversation_->take({octets.data(), static_cast<std::size_t>(got)});
  for (auto& [id, said] : answers) answer(id, std::move(said));
  if (conversation_->broken()) disconnect(*conversation_->broken());
}

void DovecotAuth::late() {
  const auto now = steady_now();
  const std::string why = "no answer from Dovecot in " + std::to_string(patience_.count()) + " ms";
  std::vector<unsigned> late;
  for (const auto& [id, asked] : asked_) {
    if (asked.until <= now) late.push_back(id);
  }
  for (const unsigned id : late) answer(id, {Code::unavailable, {}, why});
  // One answer may be missing; a service that says nothing at all is met again from the start.
  if (!late.empty() && last_heard_ + patience_ <= now) disconnect(why);
}

// An id of nobody: its login was told already.
void DovecotAuth::answer(unsigned id, LoginAnswer answer) {
  auto found = asked_.extract(id);
  if (found.empty()) return;
  inbox_.with([](Inbox& inbox) { --inbox.waiting; });
  if (answer.code == Code::unavailable) answer.reason = path_ + ": " + answer.reason;
  contained([&] { found.mapped().done(std::move(answer)); });
}

void DovecotAuth::give_up_all(const std::string& why) {
  take_fresh();
  while (!asked_.empty()) answer(asked_.begin()->first, {Code::unavailable, {}, why});
}

void DovecotAuth::disconnect(const std::string& why) {
  socket_.reset();
  conversation_.reset();
  ::explicit_bzero(output_.data(), output_.size());
  output_.clear();
  give_up_all(why);
}

}  // namespace sekisho::accounts
