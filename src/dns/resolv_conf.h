// dns/resolv_conf.h: the system's name servers, and whether they have changed. `search`, `domain`
// and `options` are ignored: names in mail are complete, and we have our own time-outs.
// Errors: lines that cannot be used are skipped, as libc does. Thread: one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/server_address.h"

namespace sekisho::dns {

// At most three (MAXNS of resolver(3)); 127.0.0.1 when there is none, as in libc.
std::vector<ServerAddress> parse_resolv_conf(std::string_view text);

class ResolvConf {
 public:
  // `known`: servers from this file are in use already.
  explicit ResolvConf(std::string path, bool known = false)
      : path_(std::move(path)), known_(known) {}

  // The servers, if the file was never read or differs from last time. nullopt if it has not
  // changed or cannot be read: while a file is being replaced, the servers stay as they are. Also
  // nullopt if it no longer names any server: a DHCP client that crashed leaves such a file, and
  // nobody intends the filter to ask 127.0.0.1 then.
  std::optional<std::vector<ServerAddress>> changed();
  // What is wrong with the file as of the last look: a sentence for the admin, or empty.
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
  bool without_server_ = false;  // the last file names none
  bool known_;                   // servers were read
};

}  // namespace sekisho::dns
