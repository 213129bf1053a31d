// metrics/parts.h: the counters of the parts of the daemon: the objects of `sekisho status`, and
// the families of samples for Prometheus. A DNS list is shown by its rule's name; its zone may hold
// a secret. The session engine's own are in metrics/engine.h.
// Thread: any.
#pragma once

#include <optional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "client/dns_list_health.h"
#include "history/recorder.h"
#include "metrics/family.h"
#include "quarantine/service.h"

namespace sekisho::metrics {

using DnsListStatuses = std::vector<client::DnsListStatus>;

nlohmann::json lists_json(const DnsListStatuses& lists);
// Waits for the disk.
nlohmann::json quarantine_json(quarantine::Service* holding);
nlohmann::json history_json(const history::Recorder* recorder);

void append_lists(Families& out, const DnsListStatuses& lists);
// nullptr: there is no store, and nothing is appended. The content is that of the last count
// (quarantine/service.h).
void append_store(Families& out, const quarantine::Service* holding);
// nullptr: there is no history, and nothing is appended.
void append_history(Families& out, const history::Recorder* recorder);

}  // namespace sekisho::metrics
