#include "queue/control.h"

#include <nlohmann/json.hpp>

#include "base/memory.h"

namespace sekisho::queue {

nlohmann::json answer(Runner& runner, const nlohmann::json& request) {
  const Patience patience;
  const auto word = request.value("act", std::string());
  if (word == "look") {
    runner.look();
    return {{"ok", true}};
  }
  if (word == "active") {
    auto faults = nlohmann::json::object();
    for (const auto& [name, times] : runner.faults())
      faults[name] = {{"since", to_iso8601(times.since)}, {"next", to_iso8601(times.next)}};
    return {{"ok", true}, {"ids", runner.under_way()}, {"faults", std::move(faults)}};
  }
  const auto act = parse_word<Act>(word);
  if (!act) return {{"ok", false}, {"error", "the queue knows no act of that name"}};
  const auto ids = request.value("ids", std::vector<std::string>());
  return {{"ok", true}, {"results", runner.act(*act, ids)}};
}

}  // namespace sekisho::queue
