// cli/queue.h: `sekisho queue …`: what waits in the queue of the SMTP core, and what is held there
// for a fault. Looking works on the store, so it works while the daemon is down. Acts are the
// daemon's while it runs; without one they change the rows.
// Errors: sysexits codes, and sentences on stderr. Thread: the main one.
#pragma once

#include <string>
#include <vector>

#include "queue/runner.h"

namespace CLI {
class App;
}

namespace sekisho::cli {

struct QueueOptions {
  std::string config;
  std::vector<std::string> ids;  // ids, or ALL
  bool json = false;
  bool yes = false;  // delete ALL: do not ask
};

void add_queue(CLI::App& app, int& result);

int queue_list(const QueueOptions& options);
int queue_show(const QueueOptions& options);
int queue_stats(const QueueOptions& options);
int queue_act(queue::Act act, const QueueOptions& options);

}  // namespace sekisho::cli
