// dns/resolv_conf.h: the system's name servers, and word when they change. `search`, `domain` and
// `options` mean nothing to us: mail names are complete, and our time-outs are our own. Errors:
// lines that cannot be used are skipped, as libc does. Thread: one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/server_address.h"

namespace sekisho::dns {

// At most three (MAXNS of resolver(3)); 127.0.0.1 when there is none, as libc has it.
std::vector<ServerAddress> parse_resolv_conf(std::string_view text);

class ResolvConf {
 public:
  // `known`: servers that it has named before are in use.
  explicit ResolvConf(std::string path, bool known = false)
      : path_(std::move(path)), known_(known) {}

  // Reads the file when it was never read, or is another one than last time; nothing when it has
  // not changed or cannot be read (a file that is being replaced leaves the servers as they are).
  // Nor when it names no server any more: nobody means the filter to ask 127.0.0.1 from now on, but
  // a DHCP client that crashed leaves such a file.
  std::optional<std::vector<ServerAddress>> changed();
  // What is wrong with the file as of the last look, a sentence for the admin; empty when nothing
  // is.
  std::string fault() const;

 private:
  struct Version {
    std::uint64_t inode = 0;
    std::int64_t seconds = 0, nanoseconds = 0, size = -1;
    bool operator==(const Version&) const = default;
  };
  std::string path_;
  Version seen_;
  bool unreadable_ = false;      // as of the last look
  bool without_server_ = false;  // what was read last names none
  bool known_;                   // servers were read
};

}  // namespace sekisho::dns
