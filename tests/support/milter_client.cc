#include "support/milter_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/unix_socket.h"

namespace sekisho::test {

std::string strings(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& one : all) out += one + '\0';
  return out;
}

std::string negotiation(std::uint32_t version, std::uint32_t actions, std::uint32_t steps) {
  std::string out;
  milter::put_negotiation(out, {version, actions, steps}, {});
  return out;
}

std::string connect_packet(const std::string& address) {
  return packet('C', strings({"client.example", std::string("4\x12\x67", 3) + address}));
}

std::string header_packet(const std::string& name, const std::string& value) {
  return packet('L', strings({name, value}));
}

std::vector<std::string> shown(std::string_view octets) {
  std::vector<std::string> all;
  milter::Packet one;
  std::size_t used = 0;
  while (milter::next_packet(octets, one, used) == milter::Framing::packet) {
    std::string text = one.command + std::string(one.data);
    std::replace(text.begin(), text.end(), '\0', '|');
    all.push_back(std::move(text));
    octets.remove_prefix(used);
  }
  if (!octets.empty()) all.emplace_back("incomplete");
  return all;
}

MilterClient::MilterClient(const std::string& unix_path) {
  if (auto fd = connect_unix(unix_path)) fd_ = std::move(*fd);
}

MilterClient::MilterClient(const std::string& host, std::uint16_t port) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  v4.sin_port = v6.sin6_port = htons(port);
  const bool is_v4 = ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1;
  if (!is_v4) ::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr);
  fd_.reset(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* name =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  if (::connect(fd_.get(), name, is_v4 ? sizeof v4 : sizeof v6) != 0) fd_.reset();
}

bool MilterClient::send(std::string_view octets) {
  while (!octets.empty()) {
    const auto sent = ::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool MilterClient::wait(short event, std::chrono::milliseconds within) const {
  pollfd descriptor{fd_.get(), event, 0};
  return ::poll(&descriptor, 1, static_cast<int>(within.count())) > 0;
}

bool MilterClient::takes_more(std::chrono::milliseconds within) const {
  return wait(POLLOUT, within);
}

std::string MilterClient::next(std::chrono::milliseconds within) {
  for (;;) {
    milter::Packet one;
    std::size_t used = 0;
    if (milter::next_packet(received_, one, used) == milter::Framing::packet) {
      const auto text = shown(std::string_view(received_).substr(0, used)).front();
      received_.erase(0, used);
      return text;
    }
    char chunk[4096];
    if (!wait(POLLIN, within)) return "";
    const auto octets = ::recv(fd_.get(), chunk, sizeof chunk, 0);
    if (octets <= 0) return "";
    received_.append(chunk, static_cast<std::size_t>(octets));
  }
}

bool MilterClient::closed(std::chrono::milliseconds within) {
  char chunk[4096];
  while (wait(POLLIN, within)) {
    if (::recv(fd_.get(), chunk, sizeof chunk, 0) <= 0) return true;
  }
  return false;
}

bool MilterClient::greet() {
  if (!send(negotiation(6, all_actions, all_steps))) return false;
  auto reply = next();
  if (!reply.starts_with("O")) return false;
  std::replace(reply.begin(), reply.end(), '|', '\0');
  const auto agreed = milter::parse_negotiation(std::string_view(reply).substr(1));
  mail_is_answered_ = agreed && (agreed->steps & 0x4000U) == 0;  // SMFIP_NR_MAIL
  return send(connect_packet("192.0.2.10") + packet('H', strings({"mx.a.example"})));
}

bool MilterClient::begin() {
  return send(packet('M', strings({"<bob@a.example>"})) +
              packet('R', strings({"<user@example.jp>"}))) &&
         (!mail_is_answered_ || next() == "c");
}

std::string MilterClient::message() {
  if (!begin()) return "";
  send(header_packet("From", " bob@a.example") + packet('N') + packet('B', "Hello\r\n") +
       packet('E'));
  for (;;) {
    auto answer = next();
    if (answer.empty() || std::string_view("ctyra").find(answer[0]) != std::string_view::npos) {
      return answer;
    }
  }
}

}  // namespace sekisho::test
