// metrics/queue.h: the counters of the SMTP core: its listeners and its queue, as families of
// samples and as the objects of `sekisho status`.
// Thread: any.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "metrics/family.h"
#include "queue/counts.h"
#include "smtp/counters.h"

namespace sekisho::metrics {

void append_queue(Families& out, const queue::Counts& counts);
void append_listeners(Families& out, const smtp::Counters& counters);

nlohmann::json queue_json(const queue::Counts& counts);
nlohmann::json listeners_json(const smtp::Counters& counters);

}  // namespace sekisho::metrics
