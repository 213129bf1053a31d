// relay/secret_watch.h: the passwords and tokens of routes, looked at again and again: which routes
// may work now though they were refused, because somebody has written another one.
// Errors: none; who delivers says why a file cannot be read. Thread: one owner; look() reads the
// disk.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "relay/map.h"

namespace sekisho::relay {

class SecretWatch {
 public:
  // The faults (Result::fault) of the routes whose secret is another than at the look before, or
  // can be read again. A route that is new is only noted.
  std::vector<std::string> look(const Map& map);

 private:
  std::map<std::string, std::size_t> known_;  // by the fault; a hash
};

}  // namespace sekisho::relay
