#include "base/alarms.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/memory.h"

namespace sekisho {

namespace {

// An alarm that nobody has answered in half a working day is told again; after that daily, so that
// the log of each day has it.
constexpr std::chrono::hours told_again(4);
constexpr std::chrono::hours told_daily(24);

std::string duration_text(std::chrono::seconds lasted) {
  const auto count = lasted.count();
  if (count < 120) return std::to_string(count) + " s";
  if (count < 2 * 3600) return std::to_string(count / 60) + " min";
  if (count < 48 * 3600) return std::to_string(count / 3600) + " h";
  return std::to_string(count / (24 * 3600)) + " d";
}

std::string lasted_text(WallTime since, WallTime now) {
  // The clock may have been set back meanwhile.
  const auto lasted = std::max(now - since, WallTime::duration::zero());
  return duration_text(std::chrono::duration_cast<std::chrono::seconds>(lasted));
}

}  // namespace

void Alarms::raise(const std::string& key, const std::string& text, WallTime now) noexcept {
  contained([&] {
    const bool begins = lasting_.with([&](auto& all) {
      const auto [entry, is_new] = all.try_emplace(key, Lasting{text, now, now + told_again});
      if (!is_new) entry->second.text = text;
      return is_new;
    });
    if (begins) log_.alert("alarm: " + text);
  });
}

void Alarms::clear(const std::string& key) noexcept {
  contained([&] {
    const auto ended = lasting_.with([&](auto& all) { return all.extract(key); });
    if (ended.empty()) return;
    const auto& alarm = ended.mapped();
    log_.info("alarm ended after " + lasted_text(alarm.since, wall_now()) + ": " + alarm.text);
  });
}

void Alarms::tick(WallTime now) noexcept {
  contained([&] {
    std::vector<std::string> lines;
    lasting_.with([&](auto& all) {
      for (auto& [key, alarm] : all) {
        if (now < alarm.next) continue;
        lines.push_back("alarm lasts for " + lasted_text(alarm.since, now) + ": " + alarm.text);
        alarm.next = now + told_daily;
      }
    });
    for (const auto& line : lines) log_.alert(line);
  });
}

std::vector<Alarms::Alarm> Alarms::lasting() const {
  return lasting_.with([](const auto& all) {
    std::vector<Alarm> out;
    for (const auto& [key, alarm] : all) out.push_back({key, alarm.text, alarm.since});
    return out;
  });
}

}  // namespace sekisho
