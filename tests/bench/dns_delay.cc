// dns_delay: stands before a name server on loopback and answers as late as a distant one would.
// Every question goes on at once and its answer is held until the delay is over; UDP, and TCP for
// what was truncated. Counts the questions by type and name, and how many had to wait for an
// earlier answer (the serial depth): a question's depth is one more than the deepest answer
// delivered before it. Traffic separated by a silence is counted apart, so depth means something
// when messages are sent one at a time with a pause between them. SIGTERM or SIGINT: writes the
// counts and ends. SIGUSR1: forgets them.

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <queue>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* kHelp =
    R"(usage: dns_delay --listen ADDRESS:PORT --upstream ADDRESS:PORT [options]

  --delay MS    from the question to its answer (50)
  --idle MS     silence that ends a burst of questions (200)
  --json FILE   where the counts go at the end; - is standard output
)";

struct Options {
  sockaddr_in listen{};
  sockaddr_in upstream{};
  milliseconds delay{50};
  milliseconds idle{200};
  std::string json;
};

[[noreturn]] void die(const std::string& what) {
  std::cerr << "dns_delay: " << what << '\n';
  std::exit(1);
}

// RFC 1035 §4.1: twelve octets of header, then the question. Names in questions are not compressed.
struct Question {
  std::string name;
  std::uint16_t type = 0;
};

Question read_question(const std::string& packet) {
  Question question;
  std::size_t at = 12;
  while (at < packet.size()) {
    const auto length = static_cast<unsigned char>(packet[at++]);
    if (length == 0 || length > 63 || at + length > packet.size()) break;
    if (!question.name.empty()) question.name.push_back('.');
    question.name.append(packet, at, length);
    at += length;
  }
  if (at + 2 <= packet.size()) {
    question.type = static_cast<std::uint16_t>((static_cast<unsigned char>(packet[at]) << 8) |
                                               static_cast<unsigned char>(packet[at + 1]));
  }
  for (char& c : question.name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return question;
}

std::string type_name(std::uint16_t type) {
  switch (type) {
    case 1:
      return "A";
    case 2:
      return "NS";
    case 5:
      return "CNAME";
    case 6:
      return "SOA";
    case 12:
      return "PTR";
    case 15:
      return "MX";
    case 16:
      return "TXT";
    case 28:
      return "AAAA";
    case 99:
      return "SPF";
    default:
      return "TYPE" + std::to_string(type);
  }
}

class Counts {
 public:
  explicit Counts(milliseconds idle) : idle_(idle) {}

  // Returns the depth of the question, to be handed back when its answer is delivered.
  unsigned asked(const Question& question, Clock::time_point now) {
    if (now - last_ > idle_) end_burst();
    last_ = now;
    ++questions_;
    ++burst_questions_;
    ++types_[type_name(question.type)];
    ++names_[question.name + " " + type_name(question.type)];
    const unsigned depth = delivered_depth_ + 1;
    burst_depth_ = std::max(burst_depth_, depth);
    return depth;
  }

  void delivered(unsigned depth, Clock::time_point now) {
    delivered_depth_ = std::max(delivered_depth_, depth);
    last_ = now;
  }

  nlohmann::json to_json() {
    end_burst();
    return {{"questions", questions_},
            {"types", types_},
            {"names", names_},
            {"bursts", bursts_},
            {"depth_of_bursts", depths_},
            {"questions_of_bursts", sizes_}};
  }

 private:
  void end_burst() {
    if (burst_questions_ > 0) {
      ++bursts_;
      ++depths_[std::to_string(burst_depth_)];
      ++sizes_[std::to_string(burst_questions_)];
    }
    burst_questions_ = 0;
    burst_depth_ = 0;
    delivered_depth_ = 0;
  }

  milliseconds idle_;
  Clock::time_point last_{};
  std::uint64_t questions_ = 0;
  std::uint64_t bursts_ = 0;
  std::uint64_t burst_questions_ = 0;
  unsigned burst_depth_ = 0;
  unsigned delivered_depth_ = 0;
  std::map<std::string, std::uint64_t> types_;
  std::map<std::string, std::uint64_t> names_;
  std::map<std::string, std::uint64_t> depths_;
  std::map<std::string, std::uint64_t> sizes_;
};

// A question on its way: who asked, with which id, and when the answer may go.
struct Pending {
  sockaddr_in client{};
  char id[2] = {};
  Clock::time_point due;
  unsigned depth = 0;
};

struct Held {
  Pending pending;
  std::string answer;
  bool operator<(const Held& other) const { return pending.due > other.pending.due; }
};

class UdpForwarder {
 public:
  explicit UdpForwarder(const Options& options) : options_(options), counts_(options.idle) {
    front_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    back_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int size = 4 << 20;
    setsockopt(front_, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(back_, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (bind(front_, reinterpret_cast<const sockaddr*>(&options.listen), sizeof(options.listen)) !=
        0) {
      die(std::string("bind: ") + std::strerror(errno));
    }
    if (connect(back_, reinterpret_cast<const sockaddr*>(&options.upstream),
                sizeof(options.upstream)) != 0) {
      die(std::string("connect: ") + std::strerror(errno));
    }
  }

  // Until a signal ends it.
  void run(int signals) {
    for (;;) {
      pollfd fds[] = {{front_, POLLIN, 0}, {back_, POLLIN, 0}, {signals, POLLIN, 0}};
      poll_until_due(fds);
      if (fds[0].revents != 0) take_questions();
      if (fds[1].revents != 0) take_answers();
      release();
      if (fds[2].revents != 0 && !take_signal(signals)) return;
    }
  }

  Counts& counts() { return counts_; }

 private:
  void poll_until_due(pollfd (&fds)[3]) const {
    timespec wait{1, 0};
    if (!held_.empty()) {
      const auto left = std::max(held_.top().pending.due - Clock::now(), Clock::duration::zero());
      const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
      wait = {ns / 1'000'000'000, ns % 1'000'000'000};
    }
    ppoll(fds, 3, &wait, nullptr);
  }

  void take_questions() {
    char buffer[4096];
    sockaddr_in client{};
    for (;;) {
      socklen_t size = sizeof(client);
      const ssize_t n =
          recvfrom(front_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&client), &size);
      if (n < 0) return;
      if (n < 12) continue;
      std::string packet(buffer, static_cast<std::size_t>(n));
      const auto now = Clock::now();
      Pending pending{client, {packet[0], packet[1]}, now + options_.delay, 0};
      pending.depth = counts_.asked(read_question(packet), now);
      const std::uint16_t id = next_id_++;
      pending_[id] = pending;
      packet[0] = static_cast<char>(id >> 8);
      packet[1] = static_cast<char>(id & 0xFF);
      if (send(back_, packet.data(), packet.size(), 0) < 0) pending_.erase(id);
    }
  }

  void take_answers() {
    char buffer[65536];
    for (;;) {
      const ssize_t n = recv(back_, buffer, sizeof(buffer), 0);
      if (n < 0) return;
      if (n < 12) continue;
      std::string packet(buffer, static_cast<std::size_t>(n));
      const auto id = static_cast<std::uint16_t>((static_cast<unsigned char>(packet[0]) << 8) |
                                                 static_cast<unsigned char>(packet[1]));
      const auto found = pending_.find(id);
      if (found == pending_.end()) continue;
      packet[0] = found->second.id[0];
      packet[1] = found->second.id[1];
      packet[3] = static_cast<char>(packet[3] | 0x80);  // RA: we play a recursive server
      held_.push({found->second, std::move(packet)});
      pending_.erase(found);
    }
  }

  void release() {
    const auto now = Clock::now();
    while (!held_.empty() && held_.top().pending.due <= now) {
      const Held& held = held_.top();
      sendto(front_, held.answer.data(), held.answer.size(), 0,
             reinterpret_cast<const sockaddr*>(&held.pending.client), sizeof(held.pending.client));
      counts_.delivered(held.pending.depth, now);
      held_.pop();
    }
  }

  bool take_signal(int signals) {
    signalfd_siginfo info{};
    if (read(signals, &info, sizeof(info)) != sizeof(info)) return true;
    if (info.ssi_signo != SIGUSR1) return false;
    counts_ = Counts(options_.idle);
    return true;
  }

  Options options_;
  Counts counts_;
  int front_ = -1;
  int back_ = -1;
  std::uint16_t next_id_ = 1;
  std::unordered_map<std::uint16_t, Pending> pending_;
  std::priority_queue<Held> held_;
};

bool read_exactly(int fd, char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = recv(fd, data, size, 0);
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

// RFC 1035 §4.2.2: messages over TCP have their length in front.
bool copy_message(int from, int to) {
  unsigned char length[2];
  if (!read_exactly(from, reinterpret_cast<char*>(length), 2)) return false;
  std::vector<char> message(2 + static_cast<std::size_t>((length[0] << 8) | length[1]));
  message[0] = static_cast<char>(length[0]);
  message[1] = static_cast<char>(length[1]);
  if (!read_exactly(from, message.data() + 2, message.size() - 2)) return false;
  return send(to, message.data(), message.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(message.size());
}

void serve_tcp_client(int client, const Options& options) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(server, reinterpret_cast<const sockaddr*>(&options.upstream),
              sizeof(options.upstream)) == 0) {
    while (copy_message(client, server)) {
      std::this_thread::sleep_for(options.delay);
      if (!copy_message(server, client)) break;
    }
  }
  close(server);
  close(client);
}

void serve_tcp(int listener, const Options& options, std::atomic<std::uint64_t>& connections) {
  for (;;) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    ++connections;
    std::thread(serve_tcp_client, client, options).detach();
  }
}

int listen_tcp(const Options& options) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(listener, reinterpret_cast<const sockaddr*>(&options.listen), sizeof(options.listen)) !=
          0 ||
      listen(listener, 64) != 0) {
    die(std::string("listen: ") + std::strerror(errno));
  }
  return listener;
}

sockaddr_in read_address(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const auto colon = text.rfind(':');
  if (colon == std::string::npos ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    die("not ADDRESS:PORT: " + text);
  }
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)));
  return address;
}

Options read_options(int argc, char** argv) {
  constexpr option kOptions[] = {{"listen", required_argument, nullptr, 'l'},
                                 {"upstream", required_argument, nullptr, 'u'},
                                 {"delay", required_argument, nullptr, 'd'},
                                 {"idle", required_argument, nullptr, 'i'},
                                 {"json", required_argument, nullptr, 'j'},
                                 {"help", no_argument, nullptr, 'h'},
                                 {nullptr, 0, nullptr, 0}};
  Options options;
  for (int opt; (opt = getopt_long(argc, argv, "h", kOptions, nullptr)) != -1;) {
    if (opt == 'l') {
      options.listen = read_address(optarg);
    } else if (opt == 'u') {
      options.upstream = read_address(optarg);
    } else if (opt == 'd') {
      options.delay = milliseconds(std::atoi(optarg));
    } else if (opt == 'i') {
      options.idle = milliseconds(std::atoi(optarg));
    } else if (opt == 'j') {
      options.json = optarg;
    } else {
      std::cout << kHelp;
      std::exit(opt == 'h' ? 0 : 64);
    }
  }
  if (options.listen.sin_family == 0 || options.upstream.sin_family == 0) die(kHelp);
  return options;
}

int block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  const int signals = block_signals();
  UdpForwarder forwarder(options);
  std::atomic<std::uint64_t> tcp_connections{0};
  std::thread(serve_tcp, listen_tcp(options), std::cref(options), std::ref(tcp_connections))
      .detach();
  forwarder.run(signals);
  auto counts = forwarder.counts().to_json();
  counts["tcp_connections"] = tcp_connections.load();
  if (options.json == "-") {
    std::cout << counts.dump(2) << '\n';
  } else if (!options.json.empty()) {
    std::ofstream(options.json) << counts.dump(2) << '\n';
  }
  std::fflush(nullptr);
  std::_Exit(0);  // the TCP threads still wait in accept()
}
