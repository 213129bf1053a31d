// queue/place.h: the store of a host with an SMTP core: one folder with the tables of quarantine
// and queue; and acts on its rows while no daemon runs.
// Errors: Failure. Thread: any; waits for the disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "queue/options.h"
#include "queue/runner.h"
#include "spool/store.h"

namespace sekisho::queue {

// `max_size`: [quarantine] max_size; 0: no limit.
spool::Outcome<std::shared_ptr<spool::Store>> open_place(const Options& options,
                                                         std::uint64_t max_size,
                                                         spool::Access access,
                                                         spool::Store::Alarm alarm);

// As Runner::act(), but for flush, which only a daemon can do. `locked`: a daemon has the queue.
// `hostname`: of this host.
spool::Outcome<Runner::Answer> act_without_daemon(spool::Store& spool, const Options& options,
                                                  Act act, std::vector<std::string> ids,
                                                  WallTime now, const std::string& hostname);

}  // namespace sekisho::queue
