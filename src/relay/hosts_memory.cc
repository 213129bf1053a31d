#include "relay/hosts_memory.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace sekisho::relay {

void HostsMemory::tls_broke(const std::string& host, SteadyTime now) {
  prune(now);
  broken_tls_[host] = now + tls_stays_broken;
}

void HostsMemory::prune(SteadyTime now) {
  if (broken_tls_.size() < most_entries) return;
  std::erase_if(broken_tls_, [now](const auto& one) { return one.second <= now; });
  if (broken_tls_.size() >= most_entries) broken_tls_.clear();
}

bool HostsMemory::tls_is_broken(const std::string& host, SteadyTime now) {
  const auto found = broken_tls_.find(host);
  if (found == broken_tls_.end()) return false;
  if (now < found->second) return true;
  broken_tls_.erase(found);
  return false;
}

void HostsMemory::pause(const std::string& route, Result why, const std::string& secret,
                        SteadyTime now) {
  pauses_[route] = {std::move(why), std::hash<std::string>{}(secret), now + probe_interval};
}

const Result* HostsMemory::paused(const std::string& route, SteadyTime now) {
  const auto found = pauses_.find(route);
  if (found == pauses_.end()) return nullptr;
  if (now < found->second.next_probe) return &found->second.why;
  found->second.next_probe = now + probe_interval;
  return nullptr;
}

bool HostsMemory::is_new_secret(const std::string& route, const std::string& secret) const {
  const auto found = pauses_.find(route);
  return found == pauses_.end() || found->second.secret != std::hash<std::string>{}(secret);
}

std::size_t HostsMemory::window(const std::string& destination, std::size_t most) const {
  const auto found = windows_.find(destination);
  const std::size_t known = found == windows_.end() ? first_window : found->second;
  return std::clamp<std::size_t>(known, 1, std::max<std::size_t>(most, 1));
}

void HostsMemory::succeeded(const std::string& destination, std::size_t most) {
  if (windows_.size() >= most_entries) windows_.clear();
  auto& known = windows_.try_emplace(destination, first_window).first->second;
  known = std::min(known + 1, std::max<std::size_t>(most, 1));
}

void HostsMemory::failed(const std::string& destination) {
  if (windows_.size() >= most_entries) windows_.clear();
  auto& known = windows_.try_emplace(destination, first_window).first->second;
  known = std::max<std::size_t>(known / 2, 1);
}

void HostsMemory::forget(const std::string& destination) {
  pauses_.erase(destination);
  windows_.erase(destination);
  // By host, and the hosts of a destination are not known here.
  broken_tls_.clear();
}

void HostsMemory::forget_all() {
  broken_tls_.clear();
  pauses_.clear();
  windows_.clear();
}

}  // namespace sekisho::relay
