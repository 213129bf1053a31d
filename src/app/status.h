// app/status.h: what the parts of the daemon have counted: the objects of `sekisho status`, and the
// families of samples that Prometheus reads. A DNS list is called by its rule's name; its zone may
// hold a secret. The session engine's own are in control/engine_metrics.h. Thread: any.
#pragma once

#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "client/list_health.h"
#include "control/metrics.h"
#include "history/recorder.h"
#include "quarantine/holding.h"

namespace sekisho::app {

using ListStatuses = std::vector<client::ListStatus>;

nlohmann::json lists_json(const ListStatuses& lists);
// Waits for the disk.
nlohmann::json quarantine_json(quarantine::StoreHolding* holding);
nlohmann::json history_json(const history::Recorder* recorder);

void append_lists(control::Families& out, const ListStatuses& lists);
// nullptr: there is no store, and nothing is appended. What is in it is as of the last count
// (quarantine/holding.h).
void append_store(control::Families& out, const quarantine::StoreHolding* holding);
// nullptr: there is no history, and nothing is appended.
void append_history(control::Families& out, const history::Recorder* recorder);

}  // namespace sekisho::app
