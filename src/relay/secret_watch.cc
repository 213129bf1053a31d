#include "relay/secret_watch.h"

#include <functional>
#include <utility>

#include "relay/lane.h"
#include "relay/results.h"
#include "relay/secret_file.h"

namespace sekisho::relay {

std::vector<std::string> SecretWatch::look(const Map& map) {
  std::map<std::string, std::size_t> now;
  std::vector<std::string> changed;
  for (const Route& route : map.options().routes) {
    if (route.login.empty()) continue;
    const auto secret =
        read_secret(route.token_file.empty() ? route.password_file : route.token_file);
    const std::string fault =
        std::string(route_fault) + destination_of(&route, route.domain.front());
    const std::size_t hash = secret ? std::hash<std::string>{}(*secret) : 0;
    const bool first = now.emplace(fault, hash).second;
    const auto before = known_.find(fault);
    if (first && secret && before != known_.end() && before->second != hash)
      changed.push_back(fault);
  }
  known_ = std::move(now);
  return changed;
}

}  // namespace sekisho::relay
