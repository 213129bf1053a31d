#include "dns/resolv_conf.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/ascii.h"

namespace sekisho::dns {

namespace {

constexpr std::size_t max_servers = 3;

// The next word of a line, taken off it.
std::string_view take_word(std::string_view& line) {
  line = ascii::trim(line);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

std::vector<ServerAddress> servers_named_in(std::string_view text) {
  std::vector<ServerAddress> servers;
  while (!text.empty() && servers.size() < max_servers) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (take_word(line) != "nameserver") continue;
    if (auto server = ServerAddress::parse(take_word(line))) servers.push_back(std::move(*server));
  }
  return servers;
}

}  // namespace

std::vector<ServerAddress> parse_resolv_conf(std::string_view text) {
  auto servers = servers_named_in(text);
  if (servers.empty()) servers.push_back(ServerAddress::parse("127.0.0.1").value());
  return servers;
}

std::optional<std::vector<ServerAddress>> ResolvConf::changed() {
  struct stat now {};
  unreadable_ = ::stat(path_.c_str(), &now) != 0;
  if (unreadable_) return std::nullopt;
  const Version version{now.st_ino, now.st_mtim.tv_sec, now.st_mtim.tv_nsec, now.st_size};
  if (version == seen_) return std::nullopt;
  std::ifstream in(path_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  unreadable_ = in.bad() || !in.is_open();
  if (unreadable_) return std::nullopt;
  seen_ = version;
  auto servers = servers_named_in(text);
  without_server_ = servers.empty();
  if (without_server_) return std::nullopt;
  known_ = true;
  return servers;
}

std::string ResolvConf::fault() const {
  if (!unreadable_ && !without_server_) return "";
  return path_ + (unreadable_ ? " cannot be read" : " names no server") + ": " +
         (known_ ? "the servers that it named before are asked" : "127.0.0.1 is asked");
}

}  // namespace sekisho::dns
