#include "bench/load/process_usage.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>

namespace sekisho::bench {
namespace {

struct Stat {
  int parent = 0;
  double user = 0;
  double system = 0;
};

// proc(5): field 2 is the command in parentheses and may itself hold blanks and parentheses.
std::optional<Stat> read_stat(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  const auto end = line.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(end + 1));
  std::vector<std::string> fields;  // fields[0] is the state, field 3 of the manual
  for (std::string field; rest >> field;) fields.push_back(field);
  if (fields.size() < 15) return std::nullopt;
  const double tick = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto seconds = [&](std::size_t own, std::size_t children) {
    return (std::stod(fields[own]) + std::stod(fields[children])) / tick;
  };
  return Stat{std::stoi(fields[1]), seconds(11, 13), seconds(12, 14)};
}

std::uint64_t read_kb(const std::string& path, const std::string& key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1));
  }
  return 0;
}

std::set<int> with_descendants(const std::vector<int>& roots) {
  std::multimap<int, int> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const int pid = std::stoi(name);
    if (const auto stat = read_stat(pid)) children.emplace(stat->parent, pid);
  }
  std::set<int> found;
  std::vector<int> open = roots;
  while (!open.empty()) {
    const int pid = open.back();
    open.pop_back();
    if (!found.insert(pid).second) continue;
    const auto [begin, end] = children.equal_range(pid);
    for (auto it = begin; it != end; ++it) open.push_back(it->second);
  }
  return found;
}

}  // namespace

Usage usage_of(const std::vector<int>& roots) {
  Usage usage;
  if (roots.empty()) return usage;
  for (const int pid : with_descendants(roots)) {
    const auto stat = read_stat(pid);
    if (!stat) continue;
    const std::string folder = "/proc/" + std::to_string(pid);
    usage.user_seconds += stat->user;
    usage.system_seconds += stat->system;
    usage.rss_kb += read_kb(folder + "/status", "VmRSS");
    usage.peak_rss_kb += read_kb(folder + "/status", "VmHWM");
    usage.pss_kb += read_kb(folder + "/smaps_rollup", "Pss");
    ++usage.processes;
  }
  return usage;
}

}  // namespace sekisho::bench
