// queue/control.h: what the control socket answers about the queue.
//   {"verb":"queue","act":"flush","ids":["K7Q2-4DMX"]} → {"ok":true,"results":{"K7Q2-4DMX":""}}
// Acts: hold, release, flush, delete, requeue (no ids: all); look: another process has changed
// rows; active: the ids with an attempt under way, and since when what is out of order, and when it
// is tried whether that has ended.
// Errors: "ok": false with a sentence. Thread: any; waits for the disk.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "queue/runner.h"

namespace sekisho::queue {

nlohmann::json answer(Runner& runner, const nlohmann::json& request);

}  // namespace sekisho::queue
