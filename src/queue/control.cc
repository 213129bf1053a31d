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
  if (word == "active") return {{"ok", true}, {"ids", runner.under_way()}};
  const auto act = parse_word<Act>(word);
  if (!act) return {{"ok", false}, {"error", "the queue knows no act of that name"}};
  const auto ids = request.value("ids", std::vector<std::string>());
  return {{"ok", true}, {"results", runner.act(*act, ids)}};
}

}  // namespace sekisho::queue
