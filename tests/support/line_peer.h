// tests/support/line_peer.h: the simplest thing that can be spoken over net::Stream, lines that are
// repeated, and a client of it. "busy" begins something, "done" ends it; "wait" is answered only
// when the test says so; "bye" ends the connection; "throw" is a bug.
// Thread: LinePeer its loop's, LineClient one owner.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/socket.h>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/poll_until.h"
#include "base/unix_socket.h"
#include "net/loop.h"
#include "net/server.h"
#include "net/stream.h"

namespace sekisho::test {

// What the peers of a test have in common.
struct LinePeers {
  net::Stream::Limits limits{.usual_octets = 64, .most_octets = 256, .idle = std::chrono::hours(1)};
  std::atomic<std::size_t> made{0};
  std::atomic<std::size_t> open{0};
  std::atomic<std::size_t> broken{0};
  std::atomic<std::size_t> octets{0};  // that were taken
  // The one that waits last.
  Guarded<std::function<void()>> go_on;
};

class LinePeer final : public net::Stream::Owner {
 public:
  LinePeer(net::Link link, std::string greeting, LinePeers& all)
      : all_(all), greeting_(std::move(greeting)), stream_(std::move(link), *this, all.limits) {
    ++all_.made;
    ++all_.open;
  }
  ~LinePeer() override { --all_.open; }

  void start() override {
    stream_.start();
    if (!greeting_.empty()) stream_.send(greeting_ + "\n");
  }
  void drain() override { stream_.drain(); }
  bool busy() const override { return !stream_.closed() && (busy_ || stream_.sending()); }
  void close() override { stream_.close(); }
  void broken(const std::exception&) noexcept override {
    ++all_.broken;
    close();
  }
  void idle() override {
    stream_.send("idle\n");
    close();
  }

  net::Stream::Taken take(std::string_view received) override {
    using Then = net::Stream::Then;
    std::size_t taken = 0;
    for (std::size_t end; (end = received.find('\n', taken)) != received.npos;) {
      const auto line = received.substr(taken, end - taken);
      taken = end + 1;
      if (line == "bye") return {taken, Then::end};
      if (line == "throw") throw std::runtime_error("a bug");
      if (line == "wait") wait();
      all_.octets += line.size() + 1;
      if (line == "wait") return {taken, Then::wait};
      if (line == "busy") busy_ = true;
      if (line == "done") busy_ = false;
      stream_.send(std::string(line) + "\n");
    }
    return {taken, Then::read};
  }

 private:
  void wait() {
    all_.go_on.with([&](auto& go_on) {
      go_on = [this, self = shared_from_this()] {
        stream_.loop().executor()->post([this, self] {
          stream_.send("waited\n");
          stream_.go_on();
        });
      };
    });
  }

  LinePeers& all_;
  const std::string greeting_;
  bool busy_ = false;
  net::Stream stream_;
};

class LineClient {
 public:
  explicit LineClient(const std::string& unix_path) {
    if (auto connected = connect_unix(unix_path)) fd_ = std::move(*connected);
  }
  bool connected() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  bool send(std::string_view octets) const {
    return ::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(octets.size());
  }
  // The next line; empty at the end of the connection or after the time.
  std::string next(std::chrono::milliseconds within = std::chrono::seconds(10)) {
    const auto deadline = steady_now() + within;
    for (;;) {
      if (const auto end = received_.find('\n'); end != std::string::npos) {
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 1);
        return line;
      }
      char chunk[4096];
      if (poll_until(fd_.get(), POLLIN, deadline) != Polled::ready) return "";
      const ssize_t got = ::recv(fd_.get(), chunk, sizeof chunk, 0);
      if (got <= 0) return "";
      received_.append(chunk, static_cast<std::size_t>(got));
    }
  }
  std::string ask(const std::string& line) { return send(line + "\n") ? next() : ""; }
  // Whether the other side has closed the connection, within the time.
  bool closed(std::chrono::milliseconds within = std::chrono::seconds(10)) const {
    char octet = 0;
    return poll_until(fd_.get(), POLLIN, steady_now() + within) == Polled::ready &&
           ::recv(fd_.get(), &octet, 1, 0) <= 0;
  }

 private:
  UniqueFd fd_;
  std::string received_;
};

}  // namespace sekisho::test
